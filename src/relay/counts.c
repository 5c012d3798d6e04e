/* See counts.h. Every combination is always told, so that a rate can be had from the first event
 * on. */
#include "relay/counts.h"

enum { LABELS_MAX = 64 };

static enum counted_attempt attempt_result(const struct msg_done *done)
{
    for (uint32_t i = 0; i < done->n_recipients; i++) {
        if (done->recipients[i].kind == DONE_OK)
            return COUNTED_DELIVERED;
    }
    switch (done->recipients[0].kind) {
    case DONE_NEVER:
        return COUNTED_REFUSED;
    case DONE_NETWORK:
        return COUNTED_UNREACHABLE;
    case DONE_AGAIN:
        return COUNTED_AGAIN;
    default:
        return COUNTED_DEFERRED;
    }
}

void counts_attempt(struct relay_counts *counts, const struct msg_done *done)
{
    if (counts && done->n_recipients)
        atomic_fetch_add_explicit(&counts->attempts[attempt_result(done)], 1, memory_order_relaxed);
}

void counts_opening(struct relay_counts *counts, bool opened)
{
    if (counts)
        atomic_fetch_add_explicit(opened ? &counts->opened : &counts->not_opened, 1,
                                  memory_order_relaxed);
}

void counts_tls(struct relay_counts *counts, enum security_rule rule, enum counted_tls result)
{
    if (counts)
        atomic_fetch_add_explicit(&counts->tls[rule][result], 1, memory_order_relaxed);
}

void counts_site(struct relay_counts *counts, enum site_status status)
{
    if (counts)
        atomic_fetch_add_explicit(&counts->sites[status], 1, memory_order_relaxed);
}

/* ---- metrics -------------------------------------------------------------------------------- */

static void expose_results(struct exposition *exposition, const char *name, const char *help,
                           const char *const *results, const _Atomic uint64_t *values, unsigned n)
{
    char labels[LABELS_MAX];

    for (unsigned i = 0; i < n; i++) {
        snprintf(labels, sizeof(labels), "result=\"%s\"", results[i]);
        exposition_counter(exposition, name, help, labels, atomic_load(&values[i]));
    }
}

static void expose_tls(const struct relay_counts *counts, struct exposition *exposition)
{
    static const char *const results[] = {
        [COUNTED_TLS_OK] = "ok", [COUNTED_TLS_CLEAR] = "clear", [COUNTED_TLS_FAILED] = "failed"};
    char labels[LABELS_MAX];

    for (unsigned rule = 0; rule <= SECURITY_REQUIRETLS; rule++) {
        for (unsigned i = 0; i < COUNTED_TLS_RESULTS; i++) {
            snprintf(labels, sizeof(labels), "rule=\"%s\",result=\"%s\"",
                     security_rule_name((enum security_rule)rule), results[i]);
            exposition_counter(exposition, "nuncio_relay_tls_sessions_total",
                               "Sessions with other servers, by what was demanded of them.", labels,
                               atomic_load(&counts->tls[rule][i]));
        }
    }
}

void counts_expose(const struct relay_counts *counts, struct exposition *exposition)
{
    static const char *const attempts[] = {[COUNTED_DELIVERED] = "delivered",
                                           [COUNTED_DEFERRED] = "deferred",
                                           [COUNTED_REFUSED] = "refused",
                                           [COUNTED_UNREACHABLE] = "unreachable",
                                           [COUNTED_AGAIN] = "again"};
    static const char *const sites[] = {
        [SITE_FOUND] = "found", [SITE_NEVER] = "never", [SITE_LATER] = "later"};
    static const char opened[] = "nuncio_relay_connections_opened_total";
    static const char opened_help[] = "Connections to other servers, up to EHLO, TLS and login.";

    expose_results(exposition, "nuncio_relay_attempts_total",
                   "Attempts, by what became of their recipients.", attempts, counts->attempts,
                   COUNTED_ATTEMPTS);
    exposition_counter(exposition, opened, opened_help, "result=\"ok\"",
                       atomic_load(&counts->opened));
    exposition_counter(exposition, opened, opened_help, "result=\"failed\"",
                       atomic_load(&counts->not_opened));
    expose_tls(counts, exposition);
    expose_results(exposition, "nuncio_relay_sites_total",
                   "Questions of the queue for a domain's servers, by their answer.",
                   sites + SITE_FOUND, counts->sites + SITE_FOUND, SITE_LATER);
}
