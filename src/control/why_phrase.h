/*
 * Parts of sentences that tell of an event. Each appends nothing when the event lacks the field.
 */
#ifndef NUNCIO_CONTROL_WHY_PHRASE_H
#define NUNCIO_CONTROL_WHY_PHRASE_H

#include "base/buf.h"
#include "history/event.h"

/* Text of whomever, made harmless. */
void why_add(struct buf *out, struct slice text);
/* The field between two texts. */
void phrase_field(struct buf *out, const struct event *event, const char *before, const char *key,
                  const char *after);
/* The same in < >; an empty field, too, which is the empty reverse-path. */
void phrase_path(struct buf *out, const struct event *event, const char *before, const char *key);
/* The field is a time in UTC; it is told in the time of this place, as all times are. */
void phrase_time(struct buf *out, const struct event *event, const char *before, const char *key);
void phrase_duration(struct buf *out, const struct event *event); /* " after 0.21 s" */
void phrase_code(struct buf *out, const struct event *event);     /* ": 550 5.1.1 no such user" */
void phrase_rule(struct buf *out, const struct event *event);     /* ", decided by FILE:LINE" */

#endif
