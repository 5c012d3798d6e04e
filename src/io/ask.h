/*
 * Questions of pool threads to the auth role: a thread asks and waits, the role's main loop hands
 * the answers in. How many wait at a time is bounded, and so is how long. io/lookup.h gives the
 * questions their meaning.
 */
#ifndef NUNCIO_IO_ASK_H
#define NUNCIO_IO_ASK_H

#include "io/message.h"

enum { ASK_TEXT_MAX = 200 };

struct ask_answer {
    unsigned verdict; /* an enum of the question's; 0: none came */
    char text[ASK_TEXT_MAX + 1];
};

struct ask_options {
    /* Sends a message to auth; from any thread. 0 or -errno. */
    int (*send)(void *arg, enum message_type type, struct slice payload);
    void *arg;
    unsigned waiting_max; /* threads that wait at a time; more wait some seconds for a place */
    unsigned timeout_ms;  /* of one question */
};

struct ask_question {
    enum message_type type;
    /* Writes the payload with this request number. */
    void (*encode)(const void *question, uint64_t request, struct buf *out);
    /* NULL, or: the answer is known meanwhile. Called after having waited for a place. */
    bool (*known)(void *arg, const void *question, struct ask_answer *ret_answer);
    const void *question;
    void *arg; /* of known() */
};

struct ask;

struct ask *ask_new(const struct ask_options *options);
void ask_free(struct ask *ask);

/* Verdict 0 when auth is away, slow, or asked by too many threads for too long. */
struct ask_answer ask_and_wait(struct ask *ask, const struct ask_question *question);

/* The answer to a request has come; a late one is dropped. A longer text is cut. */
void ask_answered(struct ask *ask, uint64_t request, unsigned verdict, struct slice text);
/* The channel to auth is gone: whoever waits is told so. */
void ask_lost(struct ask *ask);
/* From now on nothing is asked. */
void ask_close(struct ask *ask);

#endif
