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

/* Whom it asks, for people; empty when it recurses. */
enum { CONTEXT_RESOLVERS_TEXT = 128 };
void context_resolvers(const struct config_dns *settings, char text[CONTEXT_RESOLVERS_TEXT]);
/* The name whose keys are trusted: the owner of the first trust anchor, "." in general. */
void context_anchor_name(const struct config_dns *settings, char name[DNS_NAME_MAX + 2]);

#endif
