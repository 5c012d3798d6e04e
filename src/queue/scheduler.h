/*
 * Who goes next. Pure: (events, queue time) in, turns out. Times given never go back.
 *
 * A unit is what one message has to say on one lane: a number of its recipients. A lane is a way
 * with its name and domain, and stands for one site. The rules:
 *
 * - Lanes that may go take turns. Within a lane fresh and retried mail have their shares (3 of 4
 *   turns and 1 of 4 when both wait), then priority counts (above 0, 0, below 0), then senders
 *   alternate, then age.
 * - A lane has at most `window` turns under way. The window begins at SCHEDULER_WINDOW_FIRST, grows
 *   with each success (by one until the first failure, then by one for each window full), halves
 *   when a whole turn is refused for now, and never passes the lane's concurrency.
 * - A turn in which nobody answered takes the lane down: what waits in it is put off, what comes is
 *   refused until the time of the probe; then one turn goes, and decides for the others that have
 *   come. Each failed probe doubles the wait.
 * - Of the turns over all lanes, one lane of WAY_ROUTE never has more than are still free, and
 *   lanes whose last turn took SCHEDULER_SLOW_MS have half of them together: sites that are slow
 *   leave room for the others.
 * - While more than a quarter of all turns are under way, a lane of WAY_ROUTE whose peer has not
 *   been heard yet, or not for SCHEDULER_SLOW_MS with turns under way, has one: servers that accept
 *   and then say nothing hold a turn for minutes before that is known.
 * - A lane with a rate has at most so many turns in its time, whatever moment that is counted from;
 *   a tenth of them may go at once. A lane that was told to slow down rests.
 * - A lane that nobody uses is forgotten after SCHEDULER_KEEP_MS, with what it has learnt, but not
 *   before its rate allows as much as to a new one; or when there are more than SCHEDULER_IDLE_MAX
 *   of them.
 * - A turn takes as many recipients of its unit as the lane's setting and the peer's own limit
 *   allow.
 *
 * A unit is 32 bytes; a sender with mail waiting in a lane is 36 more.
 */
#ifndef NUNCIO_QUEUE_SCHEDULER_H
#define NUNCIO_QUEUE_SCHEDULER_H

#include "io/message.h"

enum { SCHEDULER_WINDOW_FIRST = 5, SCHEDULER_KEEP_MS = 3600 * 1000, SCHEDULER_IDLE_MAX = 10000 };
enum { SCHEDULER_SLOW_MS = 10 * 1000 };

struct scheduler;

struct scheduler_rules {
    unsigned concurrency; /* turns under way over all lanes */
    unsigned active;      /* units of one sender waiting in one lane; more are refused */
    uint64_t down_first_ms, down_max_ms; /* until the probe of a lane that is down */
};

struct scheduler *scheduler_new(const struct scheduler_rules *rules);
void scheduler_free(struct scheduler *scheduler);
void scheduler_set_rules(struct scheduler *scheduler, const struct scheduler_rules *rules);

struct lane_key {
    enum unit_way way;
    struct slice name;
    struct slice domain;
};

struct lane_rules {
    unsigned concurrency; /* turns at a time */
    unsigned recipients;  /* of a turn */
    bool adaptive;        /* false: the window is `concurrency` from the first */
    unsigned rate;        /* turns in rate_ms; 0: no limit */
    uint64_t rate_ms;
    uint64_t give_up_ms; /* see scheduler_gave_up(); 0: never */
};

struct lane;
struct lane_memory;

/* Found or made; good until scheduler_tick(). The rules are those of now. */
struct lane *scheduler_lane(struct scheduler *scheduler, const struct lane_key *key,
                            const struct lane_rules *rules);
const struct lane_key *scheduler_key_of(const struct lane *lane);
/* Once a second or so: forgets lanes that nobody uses. */
void scheduler_tick(struct scheduler *scheduler, uint64_t now);

struct unit_order {
    uint32_t message; /* the caller's handle, given back with each turn */
    uint32_t sender;  /* hash of the sender */
    int8_t priority;
    bool retried;
};

struct lane_refusal {
    uint64_t until; /* queue time from which the unit may be offered again */
    bool down;      /* the site does not answer; false: this sender has too much waiting there */
};

/* A unit of `n` recipients, waiting for its turn. 0 when the lane does not take it now. */
uint32_t scheduler_add(struct scheduler *scheduler, struct lane *lane,
                       const struct unit_order *order, uint32_t n, uint64_t now,
                       struct lane_refusal *ret_refusal);

/* `n` of its waiting recipients are not to be sent. Without any, and with no turn under way, the
 * unit is gone. */
void scheduler_withdraw(struct scheduler *scheduler, uint32_t unit, uint32_t n);

struct scheduler_turn {
    uint32_t unit;
    uint32_t message;
    uint32_t n; /* recipients to be taken */
    const struct lane_key *lane;
};

/* Whose turn it is; false: nobody's now. Each turn is to be ended with scheduler_end_turn(). */
bool scheduler_next(struct scheduler *scheduler, uint64_t now, struct scheduler_turn *ret_turn);
/* When a lane that rests may go again, for which scheduler_next() is to be asked then; UINT64_MAX:
 * none does. */
uint64_t scheduler_next_time(const struct scheduler *scheduler);

/* The lane of a unit that has a turn under way. */
const struct lane_key *scheduler_lane_of(const struct scheduler *scheduler, uint32_t unit);

/* What the unit's lane has learnt (queue/lane_memory.h), made if there is nothing yet. The unit has
 * a turn under way. */
struct lane_memory *scheduler_memory(struct scheduler *scheduler, uint32_t unit);
const struct lane_memory *scheduler_memory_if_any(const struct scheduler *scheduler, uint32_t unit);

/* The lane of this key has not answered for its give_up_ms, and this is not the moment for a probe:
 * its mail had better go another way. */
bool scheduler_gave_up(const struct scheduler *scheduler, const struct lane_key *key, uint64_t now);

enum turn_end {
    TURN_TAKEN,    /* the peer took it, or refused for good: it is well */
    TURN_REFUSED,  /* for now, all of it */
    TURN_UNHEARD,  /* nobody answered */
    TURN_HEARD,    /* it answered, which tells nothing about how much mail it takes */
    TURN_CROWDED,  /* it did not come to it, for want of a connection */
    TURN_CANCELLED /* it did not come to it */
};

/* `n` as in the turn; `again` of them wait once more, at the front of their queue. peer_limit is
 * what the peer said of its recipients limit, 0: nothing. */
void scheduler_end_turn(struct scheduler *scheduler, uint32_t unit, enum turn_end end, uint32_t n,
                        uint32_t again, uint32_t peer_limit, uint64_t now);

/* How long a turn took: before scheduler_end_turn(), for a unit with a turn under way. */
void scheduler_note_duration(struct scheduler *scheduler, uint32_t unit, uint64_t ms);
/* The peer asked for less: before scheduler_end_turn(), for a unit with a turn under way. Its lane
 * has one turn at a time from now on, and rests for `at_least_ms` and for twice as long as the last
 * time. */
void scheduler_slow_down(struct scheduler *scheduler, uint32_t unit, uint64_t at_least_ms,
                         uint64_t now);

/* While whoever serves this way cannot be reached, its lanes have no turns. */
void scheduler_pause(struct scheduler *scheduler, enum unit_way way, bool paused);
/* Lanes that are down take a probe at once. */
void scheduler_probe_now(struct scheduler *scheduler);

struct put_off {
    uint32_t unit; /* is gone with this call */
    const struct lane_key *lane;
    uint32_t message;
    uint64_t until; /* queue time; 0: its lane is given up, it can go another way at once */
};
/* Units that their lane puts off, one by one until false; to be called after each
 * scheduler_end_turn(). */
bool scheduler_take_put_off(struct scheduler *scheduler, struct put_off *ret_put_off);

struct lane_view {
    struct lane_key key;
    unsigned window, under_way, waiting;
    unsigned rate; /* turns in rate_ms; 0: no limit */
    uint64_t rate_ms;
    uint64_t rests_until; /* 0: it does not rest */
    bool down;
    uint64_t probe_at, down_since;    /* when down */
    const struct lane_memory *memory; /* or NULL */
};
/* For people. *cursor is 0 at the start; false at the end. */
bool scheduler_view(const struct scheduler *scheduler, uint32_t *cursor,
                    struct lane_view *ret_view);
unsigned scheduler_under_way(const struct scheduler *scheduler);

#endif
