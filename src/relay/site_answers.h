/*
 * Queue's questions about sites (MSG_SITE_ASK) and their answers (MSG_SITE). Loop's thread only.
 */
#ifndef NUNCIO_RELAY_SITE_ANSWERS_H
#define NUNCIO_RELAY_SITE_ANSWERS_H

#include "io/role.h"
#include "relay/counts.h"
#include "relay/finder.h"

struct site_answers;

struct site_answers *site_answers_new(struct role_context *role, struct finder *finder,
                                      struct relay_counts *counts);
/* Before finder_free(), which ends the questions that are still open. */
void site_answers_free(struct site_answers *answers);

/* A MSG_SITE_ASK. -EBADMSG: it is none. */
int site_answers_take(struct site_answers *answers, struct config *config, struct slice payload);
/* Sends what queue had no room for. -EAGAIN: it still has none. */
int site_answers_flush(struct site_answers *answers);
/* The queue that asked is gone. */
void site_answers_reset(struct site_answers *answers);

#endif
