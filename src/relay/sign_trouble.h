/*
 * Since when a domain's mail cannot be signed, so that it waits for a bounded time. Any thread.
 */
#ifndef NUNCIO_RELAY_SIGN_TROUBLE_H
#define NUNCIO_RELAY_SIGN_TROUBLE_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Domains have keys, and keys are bounded (KEYS_MAX): beyond so many the oldest is forgotten. */
enum { SIGN_TROUBLES_MAX = 1000 };
/* What waits comes again each minute: a trouble that nobody has had for so long was over, though
 * there was no mail to show it. */
enum { SIGN_TROUBLE_OVER_MS = 24 * 60 * 60 * 1000 };

struct sign_troubles;
struct sign_troubles *sign_troubles_new(void);
void sign_troubles_free(struct sign_troubles *troubles); /* NULL is fine */

/* It could not be signed at `now`; when that began (both monotonic). */
uint64_t sign_troubles_note(struct sign_troubles *troubles, struct slice domain, uint64_t now);
/* It could. */
void sign_troubles_end(struct sign_troubles *troubles, struct slice domain);

#endif
