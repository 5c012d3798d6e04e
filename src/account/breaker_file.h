/*
 * The breaker's counts on disk, so that a restart gives nobody a new hour: state/accounts/counts.
 * It may be lost without harm; what is wrong with it goes to the log.
 */
#ifndef NUNCIO_ACCOUNT_BREAKER_FILE_H
#define NUNCIO_ACCOUNT_BREAKER_FILE_H

#include "account/breaker.h"

void breaker_file_save(const struct breaker *breaker, struct slice state);
void breaker_file_load(struct breaker *breaker, struct slice state);

#endif
