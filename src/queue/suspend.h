/*
 * What is suspended: lanes, domains, senders and source addresses, until somebody resumes them or
 * their time is over. Pure: wall time comes in as a parameter.
 *
 * What matches waits (RECIPIENT_SUSPENDED): it is not tried, its age counts, and when it is too old
 * it bounces as ever. A source is not used for connections; mail that has another way goes on.
 * Whatever is under way when a suspension begins is let end.
 */
#ifndef NUNCIO_QUEUE_SUSPEND_H
#define NUNCIO_QUEUE_SUSPEND_H

#include "base/arena.h"
#include "base/buf.h"
#include "queue/scheduler.h"

enum suspend_kind { SUSPEND_LANE, SUSPEND_DOMAIN, SUSPEND_SENDER, SUSPEND_SOURCE };
enum { SUSPEND_KINDS = SUSPEND_SOURCE + 1 };
const char *suspend_kind_name(enum suspend_kind kind); /* "lane" */
bool suspend_kind_find(struct slice name, enum suspend_kind *ret_kind);

struct suspension {
    enum suspend_kind kind;
    struct slice what; /* a pattern; of a source its address, of the null sender "<>" */
    uint64_t since_ms; /* wall time */
    uint64_t until_ms; /* wall time, 0: until it is resumed */
    struct slice reason;
    struct slice by; /* "administrator", or what part of the server decided it */
};

enum { SUSPENSIONS_MAX = 1000, SUSPEND_TEXT_MAX = 400 };

struct suspensions;

struct suspensions *suspensions_new(void);
void suspensions_free(struct suspensions *list);

/* Copies; replaces one of the same kind and pattern. False: there are too many, or a text is longer
 * than SUSPEND_TEXT_MAX. */
bool suspensions_add(struct suspensions *list, const struct suspension *suspension);
/* Whether there was one. */
bool suspensions_remove(struct suspensions *list, enum suspend_kind kind, struct slice what);
/* Drops those whose time is over: how many. */
unsigned suspensions_expire(struct suspensions *list, uint64_t wall_now_ms);
unsigned suspensions_count(const struct suspensions *list);
/* By number, in the order in which they were added; good until the next change. */
const struct suspension *suspensions_at(const struct suspensions *list, unsigned i);

/* What holds a recipient back, or NULL. `login` is the account that handed the message in. */
const struct suspension *suspensions_find(const struct suspensions *list, struct slice reverse_path,
                                          struct slice login, struct slice address,
                                          const struct lane_key *lane);
/* Does one hold back all of the lane? */
bool suspensions_hold_lane(const struct suspensions *list, const struct lane_key *lane);
/* Adds the sources to an array of *n, which is copied to the arena if there are any; at most
 * UNIT_SOURCES_MAX in all. */
void suspensions_add_sources(const struct suspensions *list, struct arena *arena,
                             struct slice **sources, uint32_t *n);

/* Their stored form, JSON. Decoding adds to the list what is sound; false when something is not. */
void suspensions_encode(const struct suspensions *list, struct buf *out);
bool suspensions_decode(struct suspensions *list, struct slice text);

#endif
