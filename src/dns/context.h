/*
 * A libunbound context from the settings. Included by src/dns alone.
 */
#ifndef NUNCIO_DNS_CONTEXT_H
#define NUNCIO_DNS_CONTEXT_H

#include "dns/dns.h"

#include <unbound.h>

/* Reads all files that it needs, starts no thread. NULL after a line in the log that says what is
 * wrong. `validate` instead of the settings' own. */
struct ub_ctx *context_new(const struct config_dns *settings, bool validate);

#endif
