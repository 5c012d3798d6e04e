/*
 * When mail was tried first whose fate hangs on an answer that the DNS does not give: so that it is
 * put off for a while, and not for ever. In memory alone; after a restart patience begins anew.
 * Thread-safe, bounded.
 */
#ifndef NUNCIO_RECEIVE_DEFERRALS_H
#define NUNCIO_RECEIVE_DEFERRALS_H

#include <stddef.h>
#include <stdint.h>

/* An attempt that is older counts as forgotten. */
enum { DEFERRALS_MAX = 10000, DEFERRALS_KEEP_MS = 5 * 24 * 3600 * 1000 };

struct deferrals;

struct deferrals *deferrals_new(void);
void deferrals_free(struct deferrals *deferrals);

/*
 * Milliseconds since the first attempt of what `key` is a hash of; 0: this is it, and it is noted.
 * `now_ms` is monotonic. UINT64_MAX when there is no room: a flood must not hold anybody's mail
 * back for longer, so it is not to be put off.
 */
uint64_t deferrals_age(struct deferrals *deferrals, uint64_t key, uint64_t now_ms);

#endif
