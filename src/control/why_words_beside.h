/*
 * Events that belong to no message and no session, in words: what happened to an account, an
 * address, a server or the history itself.
 */
#ifndef NUNCIO_CONTROL_WHY_WORDS_BESIDE_H
#define NUNCIO_CONTROL_WHY_WORDS_BESIDE_H

#include "base/buf.h"
#include "history/event.h"

/* False: it knows no words for this event. */
bool why_words_beside(struct buf *out, const struct event *event);

#endif
