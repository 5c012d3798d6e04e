/*
 * What is known of a certificate, or of a file of CAs, that is in force: facts for the log, the
 * status and the problems of a configuration. No key is among them, so that the parent may keep
 * them.
 */
#ifndef NUNCIO_DAEMON_CERTIFICATE_FACT_H
#define NUNCIO_DAEMON_CERTIFICATE_FACT_H

#include "config/config.h"
#include "daemon/key_pair.h"

enum certificate_kind {
    CERTIFICATE_CONFIGURED = 1, /* a section `certificate` */
    CERTIFICATE_OURS,           /* self-signed */
    CERTIFICATE_CLIENT_CA,      /* of a listener; has no `pair` */
};

struct certificate_fact {
    enum certificate_kind kind;
    struct slice name;           /* of the section or the listener */
    struct config_source source; /* of the section; none when it is ours */
    bool in_force;
    struct key_pair pair; /* of what is in force */
    struct slice problem; /* why the files as they are are no good; an older pair is kept then */
    struct slice warning; /* they are used, and yet */
    uint64_t waits_until; /* the files are good but for their time, which begins then; or 0 */
};

struct certificate_facts {
    struct certificate_fact *list;
    uint32_t count;
};

enum { CERTIFICATE_FACTS_SIZE_MAX = 4 * 1024 * 1024, CERTIFICATE_WARN_DAYS = 14 };

void certificate_facts_encode(struct buf *out, const struct certificate_facts *facts);
/* All of it from the arena. 0 or -EBADMSG. */
int certificate_facts_decode(struct slice stored, struct arena *arena,
                             struct certificate_facts *ret_facts);

/* Whole days until it is over, negative when it is; of a fact with a pair. */
int64_t certificate_fact_days_left(const struct certificate_fact *fact, uint64_t now_ms);

/* What prevents a start: problems without anything in force instead. 0, or -EINVAL with some. */
int certificate_facts_tell_problems(const struct certificate_facts *facts,
                                    struct problem_list *problems);
/* The rest of what an administrator should know: kept pairs, warnings, ends that come near, and
 * that none is for `hostname`. Of our own: nothing but its end. */
void certificate_facts_tell_warnings(const struct certificate_facts *facts, struct slice hostname,
                                     uint64_t now_ms, struct problem_list *warnings);

#endif
