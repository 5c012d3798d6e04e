/*
 * The events of the history in plain words. Pure: an event in, a sentence out. Bytes that would
 * move a terminal's cursor are shown as \xNN: most of what an event holds are strangers' words.
 */
#ifndef NUNCIO_CONTROL_WHY_WORDS_H
#define NUNCIO_CONTROL_WHY_WORDS_H

#include "base/buf.h"
#include "history/event.h"

/* Appends the sentence. False: there is nothing to be told of this event; others tell it. */
bool why_words(struct buf *out, const struct event *event);

#endif
