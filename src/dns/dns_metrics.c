/* See dns_metrics.h. Names after Prometheus's conventions; docs/metrics.md has them all. */
#include "dns/dns_metrics.h"

void dns_metrics(struct dns *dns, const char *labels, struct exposition *exposition)
{
    struct dns_numbers numbers = dns_numbers(dns);

    exposition_counter(exposition, "nuncio_dns_questions_total", "Questions to the DNS.", labels,
                       numbers.asked);
    exposition_counter(exposition, "nuncio_dns_cache_hits_total",
                       "Those that were answered from what was known.", labels, numbers.known);
    exposition_counter(exposition, "nuncio_dns_failures_total",
                       "Those that got no answer, or none that can be trusted.", labels,
                       numbers.failed);
}
