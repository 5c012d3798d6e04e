/* The keys of `nuncio dkim` that must be published, for `nuncio dns`. */
#ifndef NUNCIO_CONTROL_PUBLISH_KEYS_H
#define NUNCIO_CONTROL_PUBLISH_KEYS_H

#include "config/config.h"
#include "control/publish.h"

/* Fills keys and keys_shut of the site. Called by root it becomes the owner of the keys for good,
 * so it comes after all that only root can read, and before there is a second thread. */
void publish_keys_find(const struct config *config, struct arena *arena, struct publish_site *site);

#endif
