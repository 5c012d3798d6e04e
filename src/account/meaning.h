/*
 * What is this address? The order of look-ups that resolve.h tells, over whatever directories the
 * domains have. And: may an account send as this address?
 *
 * Both run in a walk: when an answer is not there yet, *ret_answer has no status, and they are to
 * be called again with the same request.
 */
#ifndef NUNCIO_ACCOUNT_MEANING_H
#define NUNCIO_ACCOUNT_MEANING_H

#include "account/directories.h"
#include "account/walk.h"
#include "io/message.h"
#include "trust/srs.h"

struct meaning {
    struct walk *walk;
    const struct config *config;
    struct directories *directories;
    const struct srs *srs; /* to read rewritten addresses with */
    uint32_t days;         /* wall time */
};

/* Strings of the answer are from the walk's arena, the request, the configuration, or static. */
void meaning_of_address(const struct meaning *meaning, const struct msg_resolve *request,
                        struct msg_resolved *ret_answer);

/* To a question with `sender`; ownership.c tells the rules. RESOLVE_OWN, RESOLVE_UNKNOWN or
 * RESOLVE_LATER. */
void meaning_of_sender(const struct meaning *meaning, const struct msg_resolve *request,
                       struct msg_resolved *ret_answer);

/* The canonical forms of an address, which may be anywhere. */
struct meaning_keys {
    const struct config_domain *domain; /* that it means; NULL: none of ours */
    struct slice key;
    struct slice base; /* the same without +tag, or empty */
};
void meaning_keys(const struct meaning *meaning, struct slice mailbox,
                  struct meaning_keys *ret_keys);

#endif
