/*
 * Where a recipient's mail goes that policy takes for junk: the Maildir folder of its domain, or
 * user+detail over LMTP. Everywhere else the fields that receive has put in front must do. Pure.
 */
#ifndef NUNCIO_QUEUE_JUNK_H
#define NUNCIO_QUEUE_JUNK_H

#include "config/config.h"
#include "io/message.h"
#include "queue/ledger.h"

/* For any of them? Spares all others the next question. */
bool junk_is_any(const struct envelope *envelope);
/* Is it junk for this recipient, or for the address that was expanded to it? */
bool junk_is_for(const struct message *message, const struct envelope *envelope, uint32_t index);

/* Points the unit's recipient there. `route` is of WAY_ROUTE, else empty. New strings are the
 * arena's. */
void junk_direct(const struct config *config, enum unit_way way, struct slice route,
                 struct arena *arena, struct unit_recipient *recipient);

#endif
