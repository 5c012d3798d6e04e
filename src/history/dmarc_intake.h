/* Takes DMARC reports apart that local has handed on, and keeps what is about our domains. */
#ifndef NUNCIO_HISTORY_DMARC_INTAKE_H
#define NUNCIO_HISTORY_DMARC_INTAKE_H

#include "io/channel.h"

struct config;

/* A MSG_DMARC_REPORT; its descriptors stay the caller's. What is no report is logged and left. */
void dmarc_intake_take(const char *path, const struct config *config,
                       const struct channel_message *message);

#endif
