/* What the receive role counts, for MSG_METRICS. */
#ifndef NUNCIO_RECEIVE_RECEIVE_METRICS_H
#define NUNCIO_RECEIVE_RECEIVE_METRICS_H

#include "base/exposition.h"
#include "receive/server.h"

void receive_metrics(struct server *server, struct exposition *exposition);

#endif
