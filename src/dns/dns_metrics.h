/* What a resolver has counted, for Prometheus. */
#ifndef NUNCIO_DNS_DNS_METRICS_H
#define NUNCIO_DNS_DNS_METRICS_H

#include "base/exposition.h"
#include "dns/dns.h"

/* `labels` tells one role's from another's: "role=\"relay\"". */
void dns_metrics(struct dns *dns, const char *labels, struct exposition *exposition);

#endif
