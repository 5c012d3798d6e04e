/*
 * Mail of our own: into the spool like any other, and word when it is on disk.
 */
#ifndef NUNCIO_QUEUE_OWN_MAIL_H
#define NUNCIO_QUEUE_OWN_MAIL_H

#include "queue/state.h"

struct own_mails *own_mails_new(struct queue *queue);
/* After the store is closed. */
void own_mails_free(struct own_mails *mails);

struct own_mail {
    uint64_t id;           /* from spool_store_next_id(), 0: it is made here */
    struct slice from;     /* reverse-path */
    struct slice to;       /* one recipient */
    struct slice listener; /* under whose name it stands in the envelope */
    struct slice text;     /* whole, lines ended by CRLF */
};
/* Everything is copied. A mail that could not be written is told in the log. */
void own_mail_submit(struct queue *queue, const struct own_mail *mail);

/* The payload of a MSG_MAIL of relay; MSG_MAIL_TAKEN answers it when the mail is on disk, or when
 * it cannot be written. */
void own_mail_take(struct queue *queue, const struct channel_message *message);
/* After each round of events. */
void own_mail_run(struct queue *queue);
/* relay is gone: it waits for no answers. */
void own_mail_relay_lost(struct queue *queue);

#endif
