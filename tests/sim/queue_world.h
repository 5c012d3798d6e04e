/*
 * The world around the queue role in a simulation: virtual time, a store that is a table in memory,
 * and faulty peers. The role itself is the real one; what it calls of io and spool (loop_*, role_*,
 * spool_store_*) is defined here instead of there.
 */
#ifndef NUNCIO_SIM_QUEUE_WORLD_H
#define NUNCIO_SIM_QUEUE_WORLD_H

#include "config/config.h"
#include "io/role.h"
#include "sim_random.h"
#include "spool/spool.h"

enum { ADDRESS_SIZE = 48, SIM_MESSAGES = 400, SIM_RECIPIENTS = 64 };

/* The account that is frozen now and then; half of the mail from its address is handed in by it. */
#define SIM_ACCOUNT "ok-writer@example.test"
struct sim_freeze {
    bool frozen;
    bool taken; /* the queue has said so, once and for all */
    uint64_t since_ms;
    uint64_t at; /* virtual time */
    unsigned count;
    unsigned mails; /* to the postmaster, on disk */
};

/* How the world of one run is. "Once in" values: 0 is never. */
struct world_faults {
    unsigned crash_once_in;       /* of events: kill -9 of the queue role */
    unsigned write_fails_once_in; /* of records */
    unsigned slow_sync_once_in;   /* 30 s */
    unsigned peer_dies_once_in;   /* of units */
    unsigned full_socket_once_in; /* of sends */
    unsigned site_fails_once_in;  /* of transactions: down or refusing for a while */
    unsigned clock_jumps_once_in; /* of events: by years, either way */
    unsigned peer_limit;          /* recipients that the next server takes at a time, 0: any */
};

struct sim_recipient {
    char address[ADDRESS_SIZE];
    char via[ADDRESS_SIZE];
    enum recipient_class class;
    uint8_t notify;
    bool recorded;          /* an outcome tells of it */
    enum outcome_kind kind; /* on disk */
    uint8_t flags;
    uint16_t attempts;
    uint64_t due_ms;
    bool under_way; /* a peer has it: */
    enum role peer;
    unsigned deliveries; /* successful ones */
    unsigned tries;
};

struct sim_message {
    uint64_t id;
    uint64_t received_ms;
    uint64_t arrived; /* virtual time */
    char sender[ADDRESS_SIZE];
    const char *listener;
    const char *login, *hold; /* of the envelope; empty */
    char verdicts[2 * ADDRESS_SIZE];
    bool released; /* since it was held */
    int8_t priority;
    struct sim_recipient recipients[SIM_RECIPIENTS];
    uint32_t n_envelope, n_recipients;
    bool on_disk, reported, finished;
    struct buf text; /* of DSNs */
};

struct event {
    uint64_t at, order;
    void (*call)(struct event *event);
    uint64_t number;
    struct slice payload; /* malloc'ed */
    uint64_t epoch;       /* of what it belongs to; events of a former life are dropped */
};

struct world {
    struct sim_random random;
    struct world_faults faults;
    bool verbose;
    uint64_t now;       /* virtual and monotonic, ms */
    int64_t wall_shift; /* wall time is now + this */
    uint64_t serial;

    struct event *events; /* heap-ordered by (at, order) would be faster; it is a plain array */
    size_t n_events, events_size;

    /* the role */
    struct role_context role;
    const struct role_handlers *handlers;
    loop_on_time *on_idle;
    void *on_idle_arg;
    uint64_t timers[4];
    bool timer_armed[4];
    unsigned n_timers;
    bool woken, stopped;
    uint64_t life; /* counts the role's starts */

    /* the store */
    struct sim_message *messages;
    unsigned n_messages;
    unsigned arrivals_left;
    const struct spool_store_events *store_events;
    uint64_t last_commit;
    uint64_t next_id;

    struct sim_freeze freeze;

    /* the peers */
    bool is_up[ROLE_COUNT];
    uint64_t peer_life[ROLE_COUNT];
    uint64_t site_down_until, site_refuses_until;
    unsigned under_way;
    uint64_t units, attempts;
    unsigned most_under_way;
    bool faults_over; /* from then on all is well, so that everything ends */
    bool domain_gone; /* a reload has taken example.test out */
};

extern struct world *world; /* of this run */

/* Ends the process with the seed, after "what" and whose message. */
void world_broken(const struct sim_message *message, const char *what) __attribute__((noreturn));
void world_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Calls back after that many milliseconds; the payload is copied. */
void world_later(uint64_t ms, void (*call)(struct event *event), uint64_t number,
                 struct slice payload, uint64_t epoch);
uint64_t world_wall(void);
bool world_fault(unsigned once_in);

struct sim_message *world_message(uint64_t id); /* NULL: none */
/* A message that is on disk and becomes visible at the next poll. */
struct sim_message *world_add(const char *sender, const char *listener);
void world_add_recipient(struct sim_message *message, const char *address, const char *via,
                         enum recipient_class class, uint8_t notify);

/* Frees the records that never came to the disk; at the end of a run. */
void store_forget_records(void);

/* queue_freeze.c */
void freeze_start(void);
void freeze_take_answer(struct slice payload);
void freeze_tell(void); /* auth is there (again) */
/* Releases what is held, as the administrator does. */
void freeze_release(void);
/* A recipient is being sent. */
void freeze_check_sending(const struct sim_message *message);

/* queue_peers.c */
int peers_take(enum role to, uint16_t type, struct slice payload);
void peers_lose(enum role peer);
void peers_start(void);
bool peers_is_bad(const char *address);

#endif
