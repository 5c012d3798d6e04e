/*
 * A unit was made for a site some time ago: which of its recipients belong there still?
 */
#ifndef NUNCIO_RELAY_SITE_CHECK_H
#define NUNCIO_RELAY_SITE_CHECK_H

#include "relay/finder.h"
#include "relay/outcome.h"

enum { SITE_CHECK_MS = 60 * 1000 };

/*
 * The destination of the unit's site (a reference), or NULL when every recipient is decided: those
 * of another site are DONE_AGAIN, those to whom no mail can go DONE_NEVER. Over a route with fixed
 * hosts all go to them. May wait for DNS, SITE_CHECK_MS at the most.
 */
struct destination *site_check(struct finder *finder, struct config *config,
                               const struct config_route *route, struct outcome *outcome);

#endif
