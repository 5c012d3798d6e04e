/*
 * Recipients of accounts' mail that have failed for good, counted until auth is told (MSG_BOUNCED):
 * a stolen account's lists are old, and its bounces show it early. Expired and administratively
 * bounced ones do not count. Kept in memory alone: what a crash forgets lets nobody go.
 */
#ifndef NUNCIO_QUEUE_BOUNCETALLY_H
#define NUNCIO_QUEUE_BOUNCETALLY_H

#include "base/slice.h"

/* At most so many accounts between two tellings; others are not counted. */
enum { BOUNCETALLY_MAX = 1000 };

struct bouncetally;

struct bouncetally *bouncetally_new(void);
void bouncetally_free(struct bouncetally *tally);
/* Does nothing without an account. */
void bouncetally_add(struct bouncetally *tally, struct slice account, uint32_t recipients);
/* The one that was added to first, which is forgotten with bouncetally_drop(). False: none. */
bool bouncetally_first(const struct bouncetally *tally, struct slice *ret_account,
                       uint32_t *ret_recipients);
void bouncetally_drop(struct bouncetally *tally);

#endif
