/*
 * What must hold for junk and forwarding, when all of a configuration is read.
 */
#ifndef NUNCIO_CONFIG_CHECK_CHECKS_H
#define NUNCIO_CONFIG_CHECK_CHECKS_H

#include "config/check.h"

/* Tells every mistake. Lists are sorted, references exist or were told. */
void check_checks(struct reader *reader);

#endif
