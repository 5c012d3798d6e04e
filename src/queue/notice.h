/*
 * Which delivery status notifications a message causes, and when (RFC 3461, RFC 5321 section 6.1).
 *
 * - Failures are gathered until every recipient of the message was tried or queue.gather_ms has
 *   passed since the first; then one DSN tells them all. Above queue.bounces_per_sender in an hour
 *   they wait for the hour's end and go in one DSN with the sender's other failures.
 * - A message older than queue.warn_after that still waits causes one delay DSN, be it for its next
 *   attempt or in a lane that rests.
 * - Success is told with the outcome, where NOTIFY=SUCCESS asks for it and nobody behind us will.
 * - The null reverse-path gets none of these. Its failures go to the postmaster (a double bounce);
 *   a double bounce that fails goes to the server's own postmaster mailbox, and if even that
 *   fails, it is held.
 *
 * A DSN goes into the spool with the outcome that causes it, as one record.
 */
#ifndef NUNCIO_QUEUE_NOTICE_H
#define NUNCIO_QUEUE_NOTICE_H

#include "queue/record.h"

/* At the end of each step of a message: tells what is due to be told, in a record of its own. */
void notice_check(struct queue *queue, struct message *message);

/* Once a second or so: the same for mail whose lane does not let it go, some of it at a time. Not
 * at the start, when all of it may go soon. */
void notice_sweep(struct queue *queue);

struct notice_success {
    uint32_t index;
    bool expanded;       /* an alias, instead of a delivery */
    struct slice remote; /* who took it, or empty */
    struct slice reply;
};
/* Adds the DSN to the record for those that want one; the ledger has their new states. */
void notice_add_success(struct record *record, const struct envelope *envelope,
                        const struct notice_success *list, uint32_t n);

#endif
