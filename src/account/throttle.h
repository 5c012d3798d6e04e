/*
 * Guessing: who has failed to log in how often, and who is blocked for how long. Pure: time is a
 * parameter (monotonic milliseconds), storage is the caller's.
 *
 * Failures count for the client's address (IPv6: its /64) and for the account. After `failures` of
 * them a subject is blocked for block_first, and each further failure after a block doubles the
 * next, up to block_max; a quiet day forgets. A distributed guess shows at the account, which many
 * addresses fail at: it is blocked for addresses that have not logged in to it before, so that its
 * owner is not locked out by strangers. A success clears the address's failures for the account.
 *
 * Bounded: THROTTLE_SUBJECTS_MAX subjects; the least recently seen that is not blocked goes first.
 */
#ifndef NUNCIO_ACCOUNT_THROTTLE_H
#define NUNCIO_ACCOUNT_THROTTLE_H

#include "base/buf.h"

enum { THROTTLE_SUBJECTS_MAX = 100000 };

struct throttle;
struct throttle_rules {
    unsigned failures;
    uint64_t block_first_ms, block_max_ms;
};

enum throttle_kind { THROTTLE_ADDRESS, THROTTLE_ACCOUNT };

/* A subject whose state has changed, for the store and the log. */
struct throttle_block {
    enum throttle_kind kind;
    struct slice subject; /* the throttle's; valid until the next call */
    unsigned failures;
    uint64_t until_ms; /* 0: no more */
};

struct throttle *throttle_new(const struct throttle_rules *rules);
void throttle_free(struct throttle *throttle);
void throttle_set_rules(struct throttle *throttle, const struct throttle_rules *rules);

/* May this address try this account now? False: blocked, until *ret_until_ms. `account` may be
 * empty (not known yet), `address` too (a unix socket). */
bool throttle_may_try(struct throttle *throttle, struct slice address, struct slice account,
                      uint64_t now_ms, uint64_t *ret_until_ms);
/* A failure; up to two blocks (of the address, of the account) begin with it. Returns how many. */
unsigned throttle_failed(struct throttle *throttle, struct slice address, struct slice account,
                         uint64_t now_ms, struct throttle_block ret_blocks[2]);
void throttle_succeeded(struct throttle *throttle, struct slice address, struct slice account,
                        uint64_t now_ms);
/* Blocks that were stored, put in force again; lifted ones (by subject). */
void throttle_restore(struct throttle *throttle, const struct throttle_block *block,
                      uint64_t now_ms);
void throttle_lift(struct throttle *throttle, enum throttle_kind kind, struct slice subject);

/* "192.0.2.1", or "2001:db8:1:2::/64": what an address counts as. Empty when it is none. */
struct slice throttle_subject_of(struct arena *arena, struct slice address);

#endif
