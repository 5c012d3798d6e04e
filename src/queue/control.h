/*
 * The control socket, server side: one JSON object a line in, JSON objects a line out, the last of
 * which has "end":true or "error":"...".
 *
 * Who may what follows from SO_PEERCRED: root, our own user and the members of
 * control_admin_group do everything; members of control_read_group look (queue.list, queue.show,
 * queue.stats, status).
 */
#ifndef NUNCIO_QUEUE_CONTROL_H
#define NUNCIO_QUEUE_CONTROL_H

#include "queue/peercred.h"
#include "queue/state.h"

/* Serves role->control if there is one. */
struct control *control_new(struct queue *queue, const struct peer_groups *groups);
void control_free(struct control *control);
/* The payload of a MSG_ADMIN_REPLY. */
void control_take_reply(struct control *control, struct slice payload);

#endif
