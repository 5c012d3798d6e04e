/*
 * Which mailboxes are over their quota right now, as local told. A note lasts FULL_MS unless it is
 * renewed, so that a mailbox that was emptied by its owner takes mail again soon; then the next
 * delivery tells how it is. At most FULL_MAX notes: when all are taken, the oldest goes.
 */
#ifndef NUNCIO_ACCOUNT_FULL_H
#define NUNCIO_ACCOUNT_FULL_H

#include "base/slice.h"

enum { FULL_MS = 60 * 1000, FULL_MAX = 1024 };

struct full;

struct full *full_new(void);
void full_free(struct full *full);
/* Times are monotonic milliseconds. */
void full_note(struct full *full, struct slice account, uint64_t now_ms);
void full_forget(struct full *full, struct slice account);
bool full_is(const struct full *full, struct slice account, uint64_t now_ms);
size_t full_count(const struct full *full, uint64_t now_ms);

#endif
