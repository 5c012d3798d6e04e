/*
 * The reverse-path of forwarded mail (SRS, trust/srs.h): what an alias of ours sends on to another
 * server goes out in the name of a domain of ours.
 *
 * Rewritten is the reverse-path of a recipient that an address of ours stands for (`via`), in a
 * domain that is in nobody's section of the configuration, when the sender is neither <> nor of a
 * domain whose mailboxes are ours. All else keeps it: mail to our own domains, also over a route;
 * mail that a user sends himself. The envelope keeps the sender himself, so that bounces of ours go
 * to him.
 */
#ifndef NUNCIO_QUEUE_FORWARD_H
#define NUNCIO_QUEUE_FORWARD_H

#include "io/channel.h"
#include "queue/state.h"

/* The domain in whose name it goes out; empty: as it is. Recipients for which it differs must not
 * share a transaction. The configuration's, or the scratch arena's. */
struct slice forward_domain(struct queue *queue, const struct envelope *envelope,
                            const struct recipient *recipient);
/* The reverse-path itself. One that would become too long stays as it is. From the scratch arena or
 * the envelope. */
struct slice forward_reverse_path(struct queue *queue, const struct envelope *envelope,
                                  const struct recipient *recipient);
/* The same for what is about to be sent, and an event when it has been rewritten or should have
 * been. */
struct slice forward_send(struct queue *queue, const struct message *message,
                          const struct envelope *envelope, const struct recipient *recipient);

/* MSG_FILE, which brings the secrets. */
void forward_take_file(struct queue *queue, struct channel_message *message);
void forward_forget_secrets(struct queue *queue);

#endif
