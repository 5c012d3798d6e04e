/*
 * How many DSNs a sender gets in an hour, so that forged mail cannot make a flood of them. Pure.
 *
 * Within the limit each message's failures are told at once. Beyond it they wait until the hour is
 * over, and then all that wait for one sender go in one DSN.
 */
#ifndef NUNCIO_QUEUE_BOUNCERATE_H
#define NUNCIO_QUEUE_BOUNCERATE_H

#include "base/slice.h"

enum { BOUNCERATE_HOUR_MS = 3600 * 1000 };

struct bouncerate;

struct bouncerate *bouncerate_new(void);
void bouncerate_free(struct bouncerate *rate);

/* One more DSN to this sender now: true if it may go (and is counted). Otherwise the message waits:
 * it will be among those of bouncerate_take_due(). */
bool bouncerate_ask(struct bouncerate *rate, struct slice sender, uint64_t message, unsigned limit,
                    uint64_t now);

/* The messages of a sender whose hour is over: their number, 0 when there is none. The array is the
 * caller's to free. */
size_t bouncerate_take_due(struct bouncerate *rate, uint64_t now, uint64_t **ret_messages);

#endif
