/* Checks of senders that do nothing, or more than was meant. */
#ifndef NUNCIO_CONFIG_WARN_CHECKS_H
#define NUNCIO_CONFIG_WARN_CHECKS_H

#include "config/config.h"

void warn_checks(const struct config *config, struct problem_list *problems);

#endif
