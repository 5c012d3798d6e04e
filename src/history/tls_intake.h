/*
 * From MSG_TLS_REPORT to the store: the mail is read from its descriptor, the report taken out of
 * it and checked. What is no report is logged and left alone: the mail itself has been delivered.
 */
#ifndef NUNCIO_HISTORY_TLS_INTAKE_H
#define NUNCIO_HISTORY_TLS_INTAKE_H

#include "io/channel.h"

struct config;

/* A message of local; the descriptor stays the caller's to close. `path`: of the store. */
void tls_intake_take(const char *path, const struct config *config,
                     const struct channel_message *message);

#endif
