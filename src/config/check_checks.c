/*
 * Rules between the settings about senders and the other sections. See check_checks.h.
 *
 *   - junk_detail makes user+DETAIL, which only LMTP servers understand for sure: over SMTP it
 *     might be an unknown user, and quarantine would become a bounce;
 *   - bounces to rewritten addresses must come back here, so their domain is one of ours.
 */
#include "config/check_checks.h"

static void check_junk(struct reader *reader, const struct config_domain *domain)
{
    const struct config_route *route =
        domain->deliver == DELIVER_ROUTE ? config_find_route(reader->config, domain->target) : NULL;

    if (domain->junk_detail.len == 0 || (route && route->protocol == PROTOCOL_LMTP) ||
        (domain->deliver == DELIVER_ROUTE && !route))
        return;
    check_complain(
        reader, &domain->source, "domain %.*s: junk_detail wants a route with 'lmtp'; %s",
        SLICE_ARG(domain->name),
        domain->deliver == DELIVER_MAILDIR ? "for a Maildir write: junk_folder Junk"
                                           : "remove it; the next server sees the header");
}

static void check_srs(struct reader *reader)
{
    const struct config *config = reader->config;
    const struct config_domain *domain = config_find_domain(config, config->srs.domain);

    if (config->srs.domain.len && (!domain || !domain->local))
        check_complain(reader, &config->srs.source,
                       "srs: %.*s is not a domain whose mailboxes are ours: bounces to it would "
                       "never come back; name one with 'deliver', or add: domain %.*s",
                       SLICE_ARG(config->srs.domain), SLICE_ARG(config->srs.domain));
}

void check_checks(struct reader *reader)
{
    for (size_t i = 0; i < reader->config->n_domains; i++)
        check_junk(reader, &reader->config->domains[i]);
    check_srs(reader);
}
