/*
 * The DNS as the evaluators of src/trust ask it (trust/names.h), over dns/dns.h: for one client or
 * one message.
 *
 * What was asked is remembered until the end, so that an evaluation that runs again and again has
 * the same answers. Asking never waits: -EAGAIN while an answer is under way, and who called
 * names_await() is woken when one has come. With `waits` asking does wait, for the command line.
 *
 * Bounds: NAMES_QUESTIONS_MAX questions, NAMES_ANSWER_MAX bytes of one answer, NAMES_BYTES_MAX of
 * all, NAMES_QUESTION_MS for each. What is beyond them has failed. Of NAMES_UNDER_WAY_MAX at the
 * same time a further one is -EAGAIN without being asked: the evaluation that runs again when an
 * answer has come asks it then. So one message cannot use up the resolver that all share.
 *
 * One thread at a time asks; answers come on the resolver's, which touches nothing but what the
 * lock guards. The object is counted: names_end() leaves what is under way to itself.
 */
#ifndef NUNCIO_POLICY_NAMES_H
#define NUNCIO_POLICY_NAMES_H

#include "dns/dns.h"
#include "trust/names.h"

enum {
    NAMES_QUESTIONS_MAX = 400,
    NAMES_UNDER_WAY_MAX = 24,
    NAMES_ANSWER_MAX = 64 * 1024,
    NAMES_BYTES_MAX = 256 * 1024,
    NAMES_QUESTION_MS = 10 * 1000,
};

struct names;

struct names_options {
    struct dns *dns;         /* outlives all answers: dns_stop() brings them */
    void (*wake)(void *arg); /* from any thread, at most once for each names_await() */
    void *arg;
    bool waits;
};
struct names *names_new(const struct names_options *options);
/* Nobody is woken after it; all answers are gone. NULL is fine. */
void names_end(struct names *names);

/* For the evaluators, as long as the object. */
const struct trust_names *names_of(struct names *names);

/* How many answers have come behind an -EAGAIN: while this stands still an evaluation that waits
 * need not run again. */
unsigned names_come(struct names *names);
/* Wakes when an answer comes that was not there when names_come() said `seen`; perhaps at once. */
void names_await(struct names *names, unsigned seen);
/* No more patience: what is under way has failed, and so has what is asked from now on and not
 * known. */
void names_give_up(struct names *names);

#endif
