/*
 * Ways to other servers that are allowed and yet look like oversights.
 */
#ifndef NUNCIO_CONFIG_WARN_ROUTE_H
#define NUNCIO_CONFIG_WARN_ROUTE_H

#include "config/config.h"

void warn_routes(const struct config *config, struct problem_list *problems);

#endif
