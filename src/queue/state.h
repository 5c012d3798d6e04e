/*
 * What the parts of the queue role share: one struct, owned by queue.c, on the loop's thread.
 */
#ifndef NUNCIO_QUEUE_STATE_H
#define NUNCIO_QUEUE_STATE_H

#include "base/histogram.h"
#include "config/config.h"
#include "io/role.h"
#include "queue/bouncerate.h"
#include "queue/classify.h"
#include "queue/ledger.h"
#include "queue/answers.h"
#include "queue/retry.h"
#include "queue/scheduler.h"
#include "queue/sites.h"
#include "spool/spool.h"
#include "trust/srs.h"

struct bouncetally;
struct control;
struct dispatch;
struct frozen;
struct own_mails;
struct record_log;
struct suspensions;

struct queue_counters {
    uint64_t messages, delivered, relayed, deferred, failed, bounces, expanded;
    uint64_t answers[ANSWER_CLASSES]; /* refusals by other servers */
    uint64_t sources_suspended;       /* how often */
    uint64_t double_bounces; /* bounces that could not be delivered: told to the postmaster */
};

struct queue_times {
    struct histogram age;                       /* of a recipient at its end */
    struct histogram attempts[WAY_PROGRAM + 1]; /* by enum unit_way */
};

struct queue {
    struct role_context *role;
    struct config *config;
    struct retry_rules rules;
    uint64_t expire_least_ms, expire_most_ms; /* of all domains' */
    uint64_t mono_start_ms;
    struct ledger ledger;
    struct scheduler *scheduler;
    struct answers *answers;
    struct sites *sites;
    struct spool_store *store;
    struct dispatch *dispatch;
    struct record_log *records;
    struct bouncerate *bouncerate;
    struct bouncetally *bouncetally;
    struct frozen *frozen;
    struct classify *classify;
    struct own_mails *own_mails;
    uint64_t advice_told[ANSWER_CLASSES]; /* queue time: advice.h */
    struct suspensions *suspensions;
    struct control *control;
    struct srs srs;       /* forward.h */
    struct arena scratch; /* of one event; reset at its start */
    struct queue_counters counters;
    struct queue_times times;
    uint32_t sweep_cursor; /* of notice_sweep() */
    unsigned parked;       /* recipients that have no way now */
};

/* Queue time. */
uint64_t queue_now(const struct queue *queue);

/* The message's envelope; strings and recipients are good until the scratch arena is reset. -errno;
 * then the message is held and the administrator told. */
int queue_read_envelope(struct queue *queue, struct message *message,
                        struct envelope *ret_envelope);

#endif
