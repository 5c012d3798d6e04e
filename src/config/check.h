/*
 * What must agree between the sections of a configuration, when all of it is read.
 */
#ifndef NUNCIO_CONFIG_CHECK_H
#define NUNCIO_CONFIG_CHECK_H

#include "config/setting.h"

/* Sorts the lists that are searched by name, adds the default listener, and tells every mistake.
 * `main_file` stands for what is missing altogether. */
void check_config(struct reader *reader, struct slice main_file);

/* The first listener's address that a connection to this endpoint would reach on this machine, as
 * far as can be told without asking DNS; or NULL. */
const struct config_endpoint *check_own_endpoint(const struct config *config,
                                                 const struct config_endpoint *endpoint);

/* Wider than a network may be that is given rights: /8 for IPv4, /32 for IPv6. */
bool check_network_is_wide(const struct config_network *network);

#endif
