/*
 * What a configuration means, in words for people: where mail goes, and by which line. All texts
 * are the arena's or the configuration's.
 */
#ifndef NUNCIO_CONTROL_CONFIG_WORDS_H
#define NUNCIO_CONTROL_CONFIG_WORDS_H

#include "config/config.h"

/* "mx.example.org:25", "[::1]:25", "unix:/path"; several with blanks between them. */
struct slice words_endpoint(struct arena *arena, const struct config_endpoint *endpoint);
struct slice words_endpoints(struct arena *arena, const struct config_endpoints *endpoints);
/* "route corp (mx.example.org:25, tls verify)". The route exists. */
struct slice words_route(struct arena *arena, const struct config *config, struct slice name);
/* How a domain of the configuration is handled. */
struct slice words_domain(struct arena *arena, const struct config *config,
                          const struct config_domain *domain);
/* What becomes of all other domains' mail that may leave. */
struct slice words_foreign(struct arena *arena, const struct config *config);
/* Where mail to any domain goes, and the line that says so. */
struct slice words_where(struct arena *arena, const struct config *config, struct slice name);
/* "nuncio.conf:12" */
struct slice words_source(struct arena *arena, const struct config_source *source);

#endif
