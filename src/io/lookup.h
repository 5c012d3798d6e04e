/*
 * Asks the auth role what a recipient is, from any thread, and waits for the answer. A small cache
 * spares a busy mailbox the question for a second. The role's main loop hands the answers in.
 */
#ifndef NUNCIO_IO_LOOKUP_H
#define NUNCIO_IO_LOOKUP_H

#include "io/message.h"

struct lookup;

struct lookup_options {
    /* Sends a MSG_RESOLVE payload to auth; from any thread. 0 or -errno. */
    int (*send)(void *arg, struct slice payload);
    void *arg;
    unsigned
        waiting_max; /* threads that wait for auth at a time; more wait some seconds for a place */
    unsigned timeout_ms; /* of one question */
};

struct lookup *lookup_new(const struct lookup_options *options);
void lookup_free(struct lookup *lookup);

/* RESOLVE_LATER when auth is away, slow, or asked by too many threads for too long. */
enum resolve_status lookup_ask(struct lookup *lookup, struct slice address);

/* A MSG_RESOLVED payload has come. Nonsense and late answers are dropped. */
void lookup_answer(struct lookup *lookup, struct slice payload);
/* From now on every question gets RESOLVE_LATER at once: the role is coming to its end. */
void lookup_close(struct lookup *lookup);
/* The channel to auth is gone: whoever waits is told so. */
void lookup_lost(struct lookup *lookup);

#endif
