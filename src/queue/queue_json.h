/* Messages and recipients of the queue as JSON, for the control socket. */
#ifndef NUNCIO_QUEUE_QUEUE_JSON_H
#define NUNCIO_QUEUE_QUEUE_JSON_H

#include "queue/state.h"

/* Members of a message's object, without its braces; `brief` are the first few that a list for
 * people needs. Times are wall time in milliseconds. */
void queue_json_message(struct buf *out, const struct message *message,
                        const struct envelope *envelope, bool brief);
/* What else the envelope says, for who looks at one message. */
void queue_json_details(struct buf *out, const struct queue *queue, const struct message *message,
                        const struct envelope *envelope);

/* An object. With `details`: its DSN parameters, its lane, and why it is not delivered yet. */
void queue_json_recipient(struct buf *out, struct queue *queue, struct message *message,
                          const struct envelope *envelope, uint32_t index, bool details);

#endif
