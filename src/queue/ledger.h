/*
 * What the queue remembers of each message: 64 bytes, of which 8 are the state of one recipient
 * (more recipients, more memory; see struct ledger_recipient). Everything else is read from the
 * spool again when it is needed. Pure: queue time comes in as a parameter.
 *
 * A recipient is in one of the states below. A message that waits for a time stands in the
 * timetable with its earliest due time; each message at most once, later entries replace earlier.
 */
#ifndef NUNCIO_QUEUE_LEDGER_H
#define NUNCIO_QUEUE_LEDGER_H

#include "queue/slab.h"
#include "queue/table.h"
#include "queue/texts.h"
#include "spool/spool.h"

enum recipient_state {
    RECIPIENT_WAITING,   /* to be routed, at `at` or (0) as soon as possible */
    RECIPIENT_READY,     /* in the unit whose handle is `at` */
    RECIPIENT_UNDER_WAY, /* in an attempt of that unit */
    RECIPIENT_FAILED,    /* for good; its DSN is being gathered or written */
    RECIPIENT_PARKED,    /* the configuration has no way for its class */
    RECIPIENT_SUSPENDED, /* the administrator has suspended its lane or the like; until resumed, or
                            to be looked at again at `at` */
    RECIPIENT_DELIVERED, /* from here on it is over */
    RECIPIENT_RELAYED,
    RECIPIENT_EXPANDED,
    RECIPIENT_BOUNCED,
    RECIPIENT_REMOVED,
};

enum recipient_flags {
    FLAG_HELD = 1,   /* until the administrator releases it */
    FLAG_WARNED = 2, /* a delay DSN was sent */
    FLAG_REMOVE_NEXT =
        4, /* removed by the administrator in the middle of an attempt: unless that */
    FLAG_BOUNCE_NEXT = 8, /* attempt succeeds; likewise bounced */
};

struct ledger_recipient {
    uint32_t at;      /* WAITING: tick of queue time; READY, UNDER_WAY: handle of the unit */
    uint16_t reply;   /* last words, in the ledger's texts */
    uint8_t attempts; /* failed so far, 255 for more */
    uint8_t bits;     /* state and flags: recipient_state(), recipient_flags() */
};

enum recipient_state recipient_state(const struct ledger_recipient *recipient);
unsigned recipient_flags(const struct ledger_recipient *recipient);
bool recipient_is_over(const struct ledger_recipient *recipient);
/* Does it wait for the time `at`: WAITING and not held, or SUSPENDED? */
bool recipient_is_timed(const struct ledger_recipient *recipient);
void recipient_set_flags(struct ledger_recipient *recipient, unsigned flags);

struct message_extra; /* what few messages have: extra.h */

struct message {
    uint32_t handle;
    struct spool_location location;
    uint64_t id;
    uint32_t born;         /* tick */
    uint32_t due;          /* tick; 0: not in the timetable */
    uint32_t n_recipients; /* with those added by expansion */
    uint32_t n_open;       /* not over yet */
    union {
        struct ledger_recipient one;
        struct ledger_recipient *many; /* when n_recipients > 1 */
    };
    struct message_extra *extra; /* or NULL */
    uint16_t records;            /* outcomes handed to the spool and not on disk yet */
    uint8_t flags;
};

enum message_flags {
    MESSAGE_RESOLVING = 1, /* answers of auth are awaited */
    MESSAGE_AGELESS = 8,   /* its age is not known but by its attempts (retry_born) */
    MESSAGE_FINISHED = 4,  /* a record that says so has been handed over */
    MESSAGE_SIGNED = 16,   /* likewise, a record with its signature */
    MESSAGE_UNSAVED = 2,   /* an outcome could not be written: the whole state is due to be */
};

struct ledger_due {
    uint32_t tick;
    uint32_t message;
};

struct ledger {
    struct slab messages;
    struct table by_id;
    struct texts *texts;
    struct ledger_due *heap; /* entries whose tick is not their message's `due` are stale */
    size_t n_heap, heap_size;
};

void ledger_init(struct ledger *ledger);
void ledger_done(struct ledger *ledger);

/* All recipients are WAITING, due at once. The id must be new. */
struct message *ledger_add(struct ledger *ledger, uint64_t id, uint32_t n_recipients,
                           struct spool_location location, uint64_t born);
struct message *ledger_find(const struct ledger *ledger, uint64_t id);
struct message *ledger_at(const struct ledger *ledger, uint32_t handle);
/* The message may not have anything under way. Frees the extra too. */
void ledger_remove(struct ledger *ledger, struct message *message);
/* Walks over all, in slices if need be: *handle is 0 at the start. */
struct message *ledger_next(const struct ledger *ledger, uint32_t *handle);

struct ledger_recipient *ledger_recipient(struct message *message, uint32_t index);
/* Appends `n` WAITING recipients to a message that has one at least. */
void ledger_add_recipients(struct message *message, uint32_t n);
/* Counts n_open; a recipient that is over stays so. */
void ledger_set_state(struct message *message, uint32_t index, enum recipient_state state,
                      uint32_t at);
void ledger_set_reply(struct ledger *ledger, struct ledger_recipient *recipient,
                      struct slice reply);

/* To be reported by ledger_pop_due() at that queue time, or earlier if it was due earlier. */
void ledger_set_due(struct ledger *ledger, struct message *message, uint64_t at);
/* The message that is due longest, which leaves the timetable; NULL: none is due. */
struct message *ledger_pop_due(struct ledger *ledger, uint64_t now);
/* Queue time of the next one, UINT64_MAX: none. */
uint64_t ledger_next_due(struct ledger *ledger);

#endif
