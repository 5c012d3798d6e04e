/*
 * Which checks hold for mail to a domain and from it, in words and as JSON, with the lines that
 * decide.
 */
#ifndef NUNCIO_CONTROL_CHECKS_WORDS_H
#define NUNCIO_CONTROL_CHECKS_WORDS_H

#include "config/config.h"

#include <jansson.h>

/* Two lines for people, or none where no server delivers to this one. From the arena. */
struct slice words_checks(struct arena *arena, const struct config *config, struct slice name);
/* {"to": [{"listener", "checks": {"spf": {"action", "rule"}, ...}, "defer_ms"}], "from": ...}; "to"
 * for domains of the configuration alone. */
json_t *json_checks(struct arena *arena, const struct config *config, struct slice name);

#endif
