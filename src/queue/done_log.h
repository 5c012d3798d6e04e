/* What an attempt did, as events of the log: one for each recipient. */
#ifndef NUNCIO_QUEUE_DONE_LOG_H
#define NUNCIO_QUEUE_DONE_LOG_H

#include "queue/attempts.h"
#include "queue/learn.h"
#include "queue/state.h"

/* After the recipient's state is set, so that the event can tell what comes next. */
void done_log_recipient(struct queue *queue, const struct attempt *attempt,
                        const struct msg_done *done, const struct done_recipient *recipient,
                        const struct lesson *lesson);

/* It waits because its lane is down. */
void done_log_put_off(struct queue *queue, struct message *message, uint32_t index,
                      const struct lane_key *lane);

#endif
