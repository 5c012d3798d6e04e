/*
 * What must hold for the ways to other servers, when all of a configuration is read.
 */
#ifndef NUNCIO_CONFIG_CHECK_ROUTE_H
#define NUNCIO_CONFIG_CHECK_ROUTE_H

#include "config/check.h"

/* Tells every mistake. Lists are sorted, references exist or were told. */
void check_route(struct reader *reader);

#endif
