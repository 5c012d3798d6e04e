/*
 * The world around the queue role in a simulation: virtual time, a store that is a table in memory,
 * and faulty peers. The role itself is the real one; what it calls of io and spool (loop_*, role_*,
 * spool_store_*) is defined here instead of there.
 */
#ifndef NUNCIO_SIM_QUEUE_WORLD_H
#define NUNCIO_SIM_QUEUE_WORLD_H

#include "config/config.h"
#include "io/role.h"
#include "queue/suspend.h"
#include "sim_random.h"
#include "spool/spool.h"

enum { SIM_SITES = 12, SIM_DOMAINS = 30, SIM_SITE_CONCURRENCY = 4 };
enum { SIM_RATE = 12, SIM_RATE_MS = 60 * 1000 };
enum { ADDRESS_SIZE = 48, SIM_MESSAGES = 400, SIM_RECIPIENTS = 64 };
enum { SIGNATURE_SIZE = 32 };

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

/* See queue_suspend.c. */
struct sim_suspended {
    enum suspend_kind kind;
    const char *what; /* NULL: nothing is */
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
    unsigned deliveries;                     /* successful ones */
    uint64_t greylisted_until, delivered_at; /* virtual time */
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
    struct buf text;                /* of DSNs */
    char signature[SIGNATURE_SIZE]; /* on disk */
};

/* Every other message is of local origin. */
static inline bool sim_is_ours(uint64_t id)
{
    return id % 2;
}

/* See queue_sites.c. */
struct sim_site {
    char name[ADDRESS_SIZE];
    unsigned under_way;
    uint64_t begun[SIM_RATE]; /* when the last units began, as a ring */
    uint64_t n_begun;
    uint64_t down_until;
    uint64_t minute; /* since then it has taken so many */
    unsigned taken;
};

struct sim_domain {
    char name[ADDRESS_SIZE];
    unsigned site;
    bool moved; /* at some time */
    uint64_t dns_fails_until;
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
    bool days;          /* the schedule of a real server, over days, instead of minutes */
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
    struct sim_suspended suspended;
    bool any_suspended;    /* at some time */
    unsigned reports;      /* mails of relay that are on disk */
    uint64_t report_asked; /* the last one that relay has asked for; 0: none is under way */
    unsigned reports_taken;
    unsigned advice_mails; /* to the postmaster, about refusals */

    /* the sites, when foreign mail goes over a route with `mx` */
    struct sim_site sites[SIM_SITES];
    struct sim_domain domains[SIM_DOMAINS];
    unsigned n_sites; /* 0: it goes over a route with one host */
    bool limited;     /* the route has a rate */
    bool falls_back;  /* and a fallback */

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
/* In this run something is killed or cannot be written now and then. */
bool world_was_killed(void);

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

/* queue_suspend.c */
const char *suspend_state_folder(void);
void suspend_start(void);
/* What is on disk of a former run. */
void suspend_forget(void);
/* A recipient is being sent. */
void suspend_check_sending(const struct sim_message *message, const struct msg_unit *unit,
                           struct slice address);

/* queue_peers.c */
int peers_take(enum role to, uint16_t type, struct slice payload);
void peers_lose(enum role peer);
void peers_start(void);
bool peers_is_bad(const char *address);
/* What a server says to an address after so many tries, by its local part. */
enum done_kind peers_fate(struct slice address, unsigned tries);
/* NULL: it is not on disk yet. */
struct sim_recipient *peers_recipient(const struct msg_unit *unit, uint32_t i);
void peers_deliver(enum role from, uint16_t type, struct buf *out);

/* queue_sites.c */
void sites_start(void);
const char *sites_random_domain(void);
/* Its site takes mail soon, and always did. */
bool sites_is_healthy(const char *address);
void sites_take_question(struct slice payload);
/* How long the unit takes, in ms. */
uint64_t sites_begin_unit(const struct msg_unit *unit);
/* Fills the answer, whose recipients have room for those of the unit. */
void sites_end_unit(const struct msg_unit *unit, struct msg_done *done);
void sites_forget_under_way(void);

#endif
