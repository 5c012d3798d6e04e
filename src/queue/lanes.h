/*
 * All lanes: found by their key, those that rest by the time at which they may go again, and those
 * that nobody uses by how long. Only the scheduler's own files include this. Pure.
 */
#ifndef NUNCIO_QUEUE_LANES_H
#define NUNCIO_QUEUE_LANES_H

#include "queue/lane.h"
#include "queue/slab.h"
#include "queue/table.h"

struct lanes {
    struct slab slab;
    struct table by_key;
    struct lane **resting; /* a binary heap, from 1 */
    size_t n_resting, resting_size;
    struct lane *idle; /* unused for longest first */
    unsigned n_idle;
};

void lanes_init(struct lanes *lanes);
void lanes_done(struct lanes *lanes);

struct lane *lanes_at(const struct lanes *lanes, uint32_t handle);
struct lane *lanes_find(const struct lanes *lanes, const struct lane_key *key); /* or NULL */
struct lane *lanes_make(struct lanes *lanes, const struct lane_key *key);
/* As slab_next(). */
struct lane *lanes_next(const struct lanes *lanes, uint32_t *handle);

/* Nobody uses the lane now, or somebody does. Nothing happens when that was known. */
void lanes_set_idle(struct lanes *lanes, struct lane *lane, bool idle, uint64_t now);
/* Forgets the lanes that are idle since `before` or earlier, unless a rate or a pause still holds
 * them back, and so many that `most` are left, whatever holds. */
void lanes_forget_idle(struct lanes *lanes, uint64_t now, uint64_t before, unsigned most);

/* It rests until then; 0: it does not (any more). */
void lanes_rest(struct lanes *lanes, struct lane *lane, uint64_t until);
/* Of those that rest, the one that is first to end that; NULL: there is none. */
struct lane *lanes_first_resting(const struct lanes *lanes);

#endif
