/* Where a URI of a report sends mail (RFC 6068). Pure. */
#ifndef NUNCIO_TRUST_MAILTO_H
#define NUNCIO_TRUST_MAILTO_H

#include "base/arena.h"

/* The one address of "mailto:...", percent-decoded; header fields behind "?" and a size limit
 * behind "!" (RFC 7489) are passed over. False when it is another URI, or SMTP could not carry the
 * address. */
bool mailto_read(struct slice uri, struct arena *arena, struct slice *ret_address);

/* The domain of that address in A-labels and lower case; empty where there is no such address. */
struct slice mailto_host(struct slice uri, struct arena *arena);

#endif
