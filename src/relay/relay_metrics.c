/* See relay_metrics.h. Each number is taken under its own lock: they need not fit together. */
#include "relay/relay_metrics.h"

#include "dns/dns_metrics.h"

static void add_connections(struct attempt_shared *shared, struct workers *workers,
                            struct exposition *exposition)
{
    static const char name[] = "nuncio_relay_connections";
    static const char help[] = "Connections to other servers now.";
    struct workers_numbers numbers = workers_numbers(workers);
    unsigned idle = idle_count(&shared->idle), open = slots_count(&shared->slots);

    exposition_gauge(exposition, name, help, "state=\"busy\"", open > idle ? open - idle : 0);
    exposition_gauge(exposition, name, help, "state=\"idle\"", idle);
    exposition_gauge(exposition, "nuncio_relay_attempts_waiting",
                     "Attempts that wait for a connection or a thread.", NULL, numbers.waiting);
    exposition_gauge(exposition, "nuncio_relay_dead_addresses",
                     "Addresses of other servers that did not answer lately.", NULL,
                     dead_count(&shared->dead));
}

static void add_domains(struct attempt_shared *shared, struct exposition *exposition)
{
    static const char name[] = "nuncio_relay_domains";
    static const char help[] = "Domains whose servers are known or being looked for.";
    struct finder_numbers numbers = finder_numbers(shared->finder);

    exposition_gauge(exposition, name, help, "state=\"known\"", numbers.known);
    exposition_gauge(exposition, name, help, "state=\"searched\"", numbers.searching);
    exposition_gauge(exposition, name, help, "state=\"waiting\"", numbers.waiting);
}

static void add_policies(struct policies *policies, struct exposition *exposition)
{
    static const char name[] = "nuncio_sts_fetches_total";
    static const char help[] = "MTA-STS policies that were fetched, or could not be.";
    struct sts_numbers numbers = sts_numbers(policies->sts);

    exposition_counter(exposition, name, help, "result=\"ok\"", numbers.fetched);
    exposition_counter(exposition, name, help, "result=\"failed\"", numbers.failed);
    exposition_gauge(exposition, "nuncio_sts_policies", "MTA-STS policies that are kept.", NULL,
                     numbers.policies);
}

void relay_metrics(struct attempt_shared *shared, struct policies *policies,
                   struct workers *workers, struct exposition *exposition)
{
    counts_expose(&shared->counts, exposition);
    add_connections(shared, workers, exposition);
    add_domains(shared, exposition);
    add_policies(policies, exposition);
    dns_metrics(shared->dns, "role=\"relay\"", exposition);
}
