/*
 * Makes a DSN as a message of our own: its text, with the original's as the sender asked for it,
 * and its envelope, and adds it to a record.
 */
#ifndef NUNCIO_QUEUE_BOUNCE_H
#define NUNCIO_QUEUE_BOUNCE_H

#include "mail/dsn.h"
#include "queue/record.h"

/* The listeners' names under which our own messages stand in their envelopes. */
#define BOUNCE_LISTENER        SLICE("bounce")
#define BOUNCE_DOUBLE_LISTENER SLICE("double-bounce")
#define BOUNCE_NOTICE_LISTENER SLICE("notice") /* to the postmaster, about the server itself */

struct bounce {
    const struct envelope *original;
    struct spool_location location; /* of the original */
    const struct dsn_recipient *recipients;
    size_t n_recipients;
    unsigned more_messages; /* a merged DSN: failures of so many other messages are told too */
};

/* To the original's reverse-path, or to the postmaster when that is null. */
void bounce_add(struct record *record, const struct bounce *bounce);

#endif
