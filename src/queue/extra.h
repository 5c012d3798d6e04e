/*
 * What only some messages have, kept out of the ledger's 64 bytes: recipients added by expansion,
 * failures that wait for their DSN, and the wait for auth and for sites.
 */
#ifndef NUNCIO_QUEUE_EXTRA_H
#define NUNCIO_QUEUE_EXTRA_H

#include "mail/envelope.h"
#include "mail/status.h"
#include "queue/ledger.h"

/* A recipient that failed for good, until its DSN is on disk. Strings are the arena's. */
struct failure {
    uint32_t index;
    uint64_t told_in; /* number of the record that tells it and is not on disk yet; 0: none */
    struct status status;
    struct slice reply;  /* the server's words or ours */
    struct slice remote; /* who said them, or empty: we did */
};

/* A recipient that the administrator sends over another route. The string is the arena's. */
struct reroute {
    uint32_t index;
    struct slice route;
};

struct message_extra {
    struct arena arena;      /* of all that follows; lives as long as the message */
    struct recipient *added; /* recipients from n_envelope on */
    uint32_t n_added;
    uint32_t n_envelope;
    struct failure *failures; /* grows by doubling */
    uint32_t n_failures, failures_size;
    struct reroute *reroutes;
    uint32_t n_reroutes;
    uint64_t gather_until; /* queue time; 0: nothing is gathered */
    uint32_t answers;      /* of auth, still awaited */
    uint32_t sites;        /* likewise: answers of relay to questions for sites */
    uint8_t not_tried;     /* attempts in a row that came to nothing */
    uint32_t sites_at;     /* tick: recipients with this one wait for them; 0: none */
    uint64_t *followers;   /* ids of messages whose failures this one's DSN tells too: merge.h */
    size_t n_followers;
    uint64_t followers_in; /* number of the record with that DSN */
    uint64_t added_in;     /* number of the record that adds recipients, until it is on disk */
};

/* The message's extra, made if it has none. */
struct message_extra *extra_of(struct message *message);
void extra_free(struct message_extra *extra); /* NULL is fine */
/* Frees the message's extra if nothing is in it any more. */
void extra_free_if_empty(struct message *message);

/* Copies the recipients in; the caller tells the ledger of their number. */
void extra_add_recipients(struct message *message, const struct recipient *recipients, uint32_t n);
/* The recipient by its number, from the envelope or from those added. */
const struct recipient *extra_recipient(const struct message *message,
                                        const struct envelope *envelope, uint32_t index);
/* Over which route the administrator sends the recipient: empty for the configuration's. */
void extra_set_route(struct message *message, uint32_t index, struct slice route);
struct slice extra_route(const struct message *message, uint32_t index);
/* Puts the routes into an envelope that was read from the spool. */
void extra_apply_routes(const struct message *message, struct envelope *envelope);
void extra_add_failure(struct message *message, const struct failure *failure);

#endif
