/*
 * One lane: its window, its rate, and whether its site is down. What the scheduler keeps of it, and
 * the rules that need nothing else; nobody but the scheduler's own files includes this. Pure.
 */
#ifndef NUNCIO_QUEUE_LANE_H
#define NUNCIO_QUEUE_LANE_H

#include "queue/scheduler.h"

enum { LANE_BANDS = 3, LANE_SLOTS = 2 * LANE_BANDS };

struct lane {
    uint32_t handle;            /* in the slab of lanes */
    uint32_t rings[LANE_SLOTS]; /* the last sender of each; 0: empty */
    struct lane_key key;        /* strings are the lane's own */
    struct lane_rules rules;
    unsigned turn; /* counts turns, for the shares */
    unsigned waiting;
    unsigned under_way;
    unsigned window;     /* in 1/LANE_WINDOW_ONE */
    unsigned peer_limit; /* of recipients, 0: unknown */
    unsigned settling;   /* turns that began before the window last shrank */
    bool failed_once;    /* no longer growing by one for each success */
    bool down, probing;
    bool in_ring, idle;
    bool slow;         /* its last turn took long */
    bool heard;        /* the peer has ended a turn */
    uint64_t heard_at; /* when it last did, or the first of those under way began */
    uint64_t down_ms, probe_at, down_since;
    uint64_t rate_us; /* when the next turn would be due, were all of them spread evenly */
    uint64_t pause_ms, pause_until;
    uint64_t rest_until; /* while rest_slot */
    size_t rest_slot;    /* in the heap of those that rest, from 1; 0: it does not */
    uint64_t idle_since;
    struct lane_memory *memory; /* or NULL */
    struct lane *prev, *next;   /* in the scheduler's ring, or among the idle ones */
};

enum { LANE_WINDOW_ONE = 256 /* windows are counted in parts of it */ };
enum { LANE_PAUSE_FIRST_MS = 30 * 1000, LANE_PAUSE_MAX_MS = 3600 * 1000 };

/* The strings are copied. */
void lane_init(struct lane *lane, const struct lane_key *key);
void lane_done(struct lane *lane);

void lane_set_rules(struct lane *lane, const struct lane_rules *rules);
/* How many turns it may have under way. */
unsigned lane_window(const struct lane *lane);

void lane_grow(struct lane *lane);
void lane_shrink(struct lane *lane);
/* Its site did not answer. False when that was known, and this turn tells nothing new. */
bool lane_take_down(struct lane *lane, const struct scheduler_rules *rules, uint64_t now);
void lane_bring_up(struct lane *lane);
/* See scheduler_gave_up(). */
bool lane_gave_up(const struct lane *lane, uint64_t now);

/* One turn more, and one that did not come to it. */
void lane_count_turn(struct lane *lane, uint64_t now);
void lane_uncount_turn(struct lane *lane);
void lane_pause(struct lane *lane, uint64_t at_least_ms, uint64_t now);
/* When the next turn may begin by the rate and the pause. */
uint64_t lane_ready_at(const struct lane *lane);
/* May it do less now than a new one, by the rate and the pause? */
bool lane_is_held_back(const struct lane *lane, uint64_t now);

#endif
