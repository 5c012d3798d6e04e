/*
 * Last words of servers, each kept once: a site that is down says the same about 100,000 messages.
 *
 * Bounded in number (TEXTS_MAX) and length (TEXT_MAX bytes, the rest is cut off). When all places
 * are taken, a new text is cut down to its reply code, and if that has no place either, it is the
 * empty text. Nothing but what a person reads depends on these; the spool has each text in full.
 */
#ifndef NUNCIO_QUEUE_TEXTS_H
#define NUNCIO_QUEUE_TEXTS_H

#include "base/slice.h"

enum { TEXTS_MAX = 4096, TEXT_MAX = 240 };

struct texts;

struct texts *texts_new(void);
void texts_free(struct texts *texts);

/* A number with one reference; 0 is the empty text and needs none. */
uint16_t texts_take(struct texts *texts, struct slice text);
void texts_drop(struct texts *texts, uint16_t number);
/* Good until the last reference is dropped. */
struct slice texts_get(const struct texts *texts, uint16_t number);

#endif
