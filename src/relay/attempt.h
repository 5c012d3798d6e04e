/*
 * One attempt: a unit goes over its route, straight down on a thread of its own, and every
 * recipient gets an outcome. May take minutes; every wait in it has a deadline, and ends when
 * cancel_fd becomes readable.
 */
#ifndef NUNCIO_RELAY_ATTEMPT_H
#define NUNCIO_RELAY_ATTEMPT_H

#include "config/config.h"
#include "dns/dns.h"
#include "io/message.h"
#include "relay/counts.h"
#include "relay/dead.h"
#include "relay/finder.h"
#include "relay/handed.h"
#include "relay/idle.h"
#include "relay/login.h"
#include "relay/sign.h"
#include "relay/slots.h"
#include "relay/tls_clients.h"
#include "relay/tlsrpt.h"

/* What all attempts share; thread-safe. */
struct attempt_shared {
    struct dns *dns;
    struct finder *finder;
    struct tls_clients *tls_clients; /* NULL: all is sent in the clear */
    struct tlsrpt *tlsrpt;           /* sessions are told to it; NULL: to nobody */
    struct dead dead;
    struct slots slots;
    struct idle idle;
    struct handed *handed;
    struct logins *logins; /* NULL: nobody logs in */
    struct sign *sign;     /* NULL: nothing is signed */
    struct relay_counts counts;
    int cancel_fd;
};

/* Memory that a thread keeps from one attempt to the next. */
struct attempt_scratch {
    char *chunk;    /* TEXT_CHUNK bytes */
    struct buf out; /* commands and text on their way */
};
void attempt_scratch_init(struct attempt_scratch *scratch);
void attempt_scratch_done(struct attempt_scratch *scratch);

struct attempt {
    struct attempt_shared *shared;
    struct attempt_scratch *scratch;
    struct config *config;
    const struct msg_unit *unit;
    int fd;              /* of the text */
    struct arena *arena; /* of what is returned */
    /* Asked before the text goes out; false gives the attempt up. May be NULL. */
    bool (*still_wanted)(void *arg);
    void *arg;
};

/* *ret_done has all recipients of the unit, each with kind, status and words. */
void attempt_run(const struct attempt *attempt, struct msg_done *ret_done);
/* The same answer for all, when nothing is tried. */
void attempt_refuse(struct arena *arena, const struct msg_unit *unit, const char *why,
                    struct msg_done *ret_done);

#endif
