/*
 * What must agree between the sections of a configuration, when all of it is read.
 */
#ifndef NUNCIO_CONFIG_CHECK_H
#define NUNCIO_CONFIG_CHECK_H

#include "config/setting.h"

/* Sorts the lists that are searched by name, adds the default listener, and tells every mistake.
 * `main_file` stands for what is missing altogether. */
void check_config(struct reader *reader, struct slice main_file);

/* A problem of this line, for the files that check_config() is made of. */
void check_complain(struct reader *reader, const struct config_source *source, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

bool check_same_endpoint(const struct config_endpoint *a, const struct config_endpoint *b);

/* Wider than a network may be that is given rights: /8 for IPv4, /32 for IPv6. */
bool check_network_is_wide(const struct config_network *network);

#endif
