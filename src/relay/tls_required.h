/*
 * "TLS-Required: No" in a message (RFC 8689 section 3): its sender would rather have it arrive than
 * have it encrypted, a report of a broken certificate for instance.
 */
#ifndef NUNCIO_RELAY_TLS_REQUIRED_H
#define NUNCIO_RELAY_TLS_REQUIRED_H

#include "base/slice.h"

/* `text`: the beginning of the message. More than one such field is none (section 3). */
bool tls_required_is_no(struct slice text);

#endif
