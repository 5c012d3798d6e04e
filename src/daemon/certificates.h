/*
 * The certificates in force, as the parent keeps them: facts, and the keys in a sealed memory file
 * that it hands to receive but never reads. Reading and checking happen in a process of its own, so
 * that no role is forked with a key in its memory.
 */
#ifndef NUNCIO_DAEMON_CERTIFICATES_H
#define NUNCIO_DAEMON_CERTIFICATES_H

#include "daemon/certificate_fact.h"
#include "daemon/watched.h"

struct certificates {
    struct arena arena; /* of the facts */
    struct certificate_facts facts;
    struct watched files;
    int material; /* io/tls_material.h, sealed; -1: none */
};

void certificates_init(struct certificates *certificates);
void certificates_done(struct certificates *certificates);

/*
 * Reads and checks all that `config` names, and makes our own certificate in the folder `state` if
 * none is configured. What is no good any more stays as it is, with its reason among the facts. 0
 * and a new `material`; or -EINVAL with problems, when there is something of which nothing is in
 * force yet: then everything is as before.
 */
int certificates_load(struct certificates *certificates, const struct config *config,
                      const char *state, struct problem_list *problems);

/* What certificates_load() would say of them at a start, for `nuncio check-config`: nothing is
 * made, and files that the caller may not read are warned of only. 0 or -EINVAL. */
int certificates_check(const struct config *config, struct problem_list *problems,
                       struct problem_list *warnings);

/* Whether time alone is a reason to load them again: our own certificate has to be made anew, or
 * one that came too early is good now. */
bool certificates_are_due(const struct certificates *certificates, const struct config *config,
                          uint64_t now_ms);

/* Into the log: what is in force; and what certificate_facts_tell_warnings() says. */
void certificates_log(const struct certificates *certificates);
void certificates_log_warnings(const struct certificates *certificates,
                               const struct config *config);

/* "certificates":[...],"certificates_not_shown":0,"certificate_warnings":[...]; at most 48 KiB. */
void certificates_add_status(const struct certificates *certificates, const struct config *config,
                             struct buf *json);

#endif
