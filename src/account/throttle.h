/*
 * Guessing: who has failed to log in how often, and who is blocked for how long. Pure: time is a
 * parameter (monotonic milliseconds), storage is the caller's.
 *
 * Failures count for the client's address (IPv6: its /64; IPv4 in IPv6: as IPv4) and for the
 * account. After `failures` of them an address is blocked for block_first, and each further failure
 * after a block doubles the next, up to block_max; a quiet day forgets. A distributed guess shows
 * at the account, which many addresses fail at: four times as many failures block it, for an hour
 * at the most, since more than one guess an hour is not needed to keep it safe and strangers decide
 * when.
 *
 * Neither holds for an address that has logged in to the account before ("known"): that pair has a
 * count and a block of its own, by the address's rules, and does not count for the account. So an
 * owner is not locked out by strangers, nor an office by its one forgotten telephone. A success
 * clears the address's failures for the account.
 *
 * The caller asks throttle_may_try() twice: before it checks a password, and when it knows the
 * result, before it tells it. A block that began in between is the answer then, whatever the result
 * was; otherwise guesses in parallel would be free.
 *
 * Bounded: THROTTLE_SUBJECTS_MAX subjects, and as many known pairs; the least recently seen that is
 * not blocked goes first. Blocked ones take at most half of the places.
 */
#ifndef NUNCIO_ACCOUNT_THROTTLE_H
#define NUNCIO_ACCOUNT_THROTTLE_H

#include "base/arena.h"
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
/* Whether this account has logged in from there. */
bool throttle_knows(struct throttle *throttle, struct slice address, struct slice account);
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
