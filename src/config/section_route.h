/*
 * What routes and destinations share while they are read.
 */
#ifndef NUNCIO_CONFIG_SECTION_ROUTE_H
#define NUNCIO_CONFIG_SECTION_ROUTE_H

#include "config/section.h"

/* The route that is there without being written, and the word for none. */
#define ROUTE_WORLD SLICE("world")
#define ROUTE_NONE  SLICE("none")

/* One whose settings are all missing. */
struct config_route section_route_default(struct slice name, struct config_source source);
/* What follows from the settings of the block, when all of them are read; tells those that do not
 * go together. */
void section_route_settle(struct reader *reader, const struct statement *statement,
                          struct config_route *route);

#endif
