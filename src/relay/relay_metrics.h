/*
 * The role's counts and states as metrics.
 */
#ifndef NUNCIO_RELAY_RELAY_METRICS_H
#define NUNCIO_RELAY_RELAY_METRICS_H

#include "base/exposition.h"
#include "relay/attempt.h"
#include "relay/policies.h"
#include "relay/workers.h"

void relay_metrics(struct attempt_shared *shared, struct policies *policies,
                   struct workers *workers, struct exposition *exposition);

#endif
