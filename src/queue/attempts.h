/*
 * The attempts that are under way, found by their number. A number is never used twice, so that a
 * late answer is no one else's.
 */
#ifndef NUNCIO_QUEUE_ATTEMPTS_H
#define NUNCIO_QUEUE_ATTEMPTS_H

#include "base/arena.h"
#include "io/message.h"

struct attempt {
    uint64_t number;
    uint32_t unit;
    uint32_t message;
    enum unit_way way;
    bool sent;
    bool avoid_ipv6;         /* relay was asked to */
    bool wants_success;      /* a recipient has NOTIFY=SUCCESS */
    uint32_t answers;        /* of auth, still awaited */
    uint32_t *indexes;       /* of the recipients, ascending */
    uint32_t n;              /* of them */
    uint32_t turn;           /* as many were there when the turn began */
    uint32_t size;           /* room in `indexes`, kept for the next attempt */
    struct arena arena;      /* of the addresses; emptied at the end */
    struct slice *addresses; /* of the first n_addresses recipients, for the log */
    uint32_t n_addresses;
    bool live;
};

struct attempts {
    struct attempt **list; /* by slot */
    uint32_t n;
    uint32_t *free; /* slots */
    uint32_t n_free;
    uint64_t serial;
};

void attempts_init(struct attempts *attempts);
void attempts_done(struct attempts *attempts);

/* Room for n indexes. */
struct attempt *attempts_begin(struct attempts *attempts, uint32_t n);
void attempts_end(struct attempts *attempts, struct attempt *attempt);
struct attempt *attempts_find(const struct attempts *attempts, uint64_t number);
/* Is this recipient in it? */
bool attempt_has(const struct attempt *attempt, uint32_t index);

/* What the log shall call the first n recipients, in the order of `indexes`: copies are kept. */
void attempt_name(struct attempt *attempt, const struct unit_recipient *recipients, uint32_t n);
/* The recipient's address; empty when it has not been named. */
struct slice attempt_address(const struct attempt *attempt, uint32_t index);

#endif
