/*
 * Settings that are allowed and yet look like oversights, for `nuncio check-config`. See config.h.
 */
#include "config/config.h"

#include "config/check.h"
#include "config/value.h"
#include "config/warn_checks.h"
#include "config/warn_route.h"

static void warn_names(const struct config *config, struct problem_list *problems)
{
    if (slice_find(config->hostname, '.') < 0)
        problem_add(problems, SLICE_NULL, 0,
                    "hostname %.*s has no dot: other servers expect a name that is in DNS",
                    SLICE_ARG(config->hostname));
    if (config->n_domains == 0)
        problem_add(problems, SLICE_NULL, 0,
                    "there is no domain: mail is taken from trusted networks alone");
}

static void warn_relaying(const struct config *config, struct problem_list *problems)
{
    static const uint8_t loopback[16] = {127};
    bool wide = false;

    for (size_t i = 0; i < config->trusted.count; i++) {
        const struct config_network *network = &config->trusted.list[i];
        wide = wide || check_network_is_wide(network);
        if (network->family == AF_INET && network->address[0] == loopback[0])
            problem_add(problems, network->source.file, network->source.line,
                        "%s is trusted: behind a proxy or in a container every stranger can seem "
                        "to come from there",
                        value_format_network(network).text);
    }
    if (config->open_relay)
        problem_add(problems, SLICE_NULL, 0, "open_relay yes: %s",
                    wide ? "this server relays for strangers" : "nothing here needs it");
    if (config->trusted.count && config->default_route.len == 0 && config->n_destinations == 0)
        problem_add(problems, SLICE_NULL, 0,
                    "trusted clients have nowhere to send foreign mail: 'default_route none', and "
                    "there is no destination");
}

static void warn_numbers(const struct config *config, struct problem_list *problems)
{
    if (config->queue.warn_after_ms >= config->queue.expire_after_ms)
        problem_add(problems, SLICE_NULL, 0,
                    "warn_after is not shorter than expire_after: nobody is ever warned");
    if (config->limits.recipients < 100)
        problem_add(problems, SLICE_NULL, 0,
                    "limits: recipients below 100 break RFC 5321 section 4.5.3.1.8");
    if (config->limits.sessions_per_client > config->limits.sessions)
        problem_add(problems, SLICE_NULL, 0,
                    "limits: one client may use up all sessions (sessions_per_client)");
    if (config->timeouts.command_ms < 60000)
        problem_add(problems, SLICE_NULL, 0,
                    "timeouts: command is far below the 5m of RFC 5321 section 4.5.3.2.7");
}

/* Domains that accept anything. */
static void warn_domains(const struct config *config, struct problem_list *problems)
{
    for (size_t i = 0; i < config->n_domains; i++) {
        const struct config_domain *domain = &config->domains[i];
        if (domain->local && domain->recipients == RECIPIENTS_ANY)
            problem_add(problems, domain->source.file, domain->source.line,
                        "domain %.*s takes every recipient: what the next server refuses becomes "
                        "a bounce to a forged sender",
                        SLICE_ARG(domain->name));
    }
}

static void warn_listener(const struct config_listener *listener, struct problem_list *problems)
{
    const struct config_source *source = &listener->source;

    if (listener->auth != AUTH_OFF && listener->service != SERVICE_SUBMISSION)
        problem_add(problems, source->file, source->line,
                    "listen %.*s: logging in belongs on a submission listener; here it is one more "
                    "place to guess passwords at",
                    SLICE_ARG(listener->name));
    if (listener->auth == AUTH_OFF && listener->service == SERVICE_SUBMISSION)
        problem_add(problems, source->file, source->line,
                    "listen %.*s: auth off: nobody but trusted networks can send here",
                    SLICE_ARG(listener->name));
    if (listener->insecure_auth && listener->addresses.list[0].kind == ENDPOINT_INET)
        problem_add(problems, source->file, source->line, "listen %.*s: insecure_auth yes: %s",
                    SLICE_ARG(listener->name),
                    listener->tls == TLS_OFF || listener->tls == TLS_OFFERED
                        ? "whoever is on the way can read the passwords"
                        : "nothing here needs it");
}

/* Who can log in, and how. */
static void warn_login(const struct config *config, struct problem_list *problems)
{
    const unsigned oauth = MECHANISM_OAUTHBEARER | MECHANISM_XOAUTH2;

    for (size_t i = 0; i < config->n_listeners; i++)
        warn_listener(&config->listeners[i], problems);
    if ((config->auth.mechanisms & ~oauth) == 0 && config->auth.oauth.introspection.len == 0)
        problem_add(problems, SLICE_NULL, 0,
                    "auth: mechanisms are OAuth's alone, and there is no 'oauth' to ask about "
                    "tokens: nobody can log in");
    for (size_t i = 0; i < config->n_accounts; i++) {
        const struct config_accounts *accounts = &config->accounts[i];
        bool used = false;
        for (size_t j = 0; j < config->n_domains; j++)
            used = used || slice_eq(config->domains[j].accounts, accounts->name);
        if (!used)
            problem_add(problems, accounts->source.file, accounts->source.line,
                        "accounts %.*s is not used by any domain", SLICE_ARG(accounts->name));
    }
}

static void warn_web(const struct config *config, struct problem_list *problems)
{
    for (size_t i = 0; i < config->web.count; i++) {
        const struct config_endpoint *listen = &config->web.list[i];
        if (!value_is_loopback(listen->host))
            problem_add(problems, listen->source.file, listen->source.line,
                        "web: %.*s is not this machine alone: whoever reaches it reads the numbers "
                        "without a password",
                        SLICE_ARG(listen->host));
    }
}

void config_warn(const struct config *config, struct problem_list *problems)
{
    warn_names(config, problems);
    warn_relaying(config, problems);
    warn_domains(config, problems);
    warn_routes(config, problems);
    warn_login(config, problems);
    warn_web(config, problems);
    warn_checks(config, problems);
    warn_numbers(config, problems);
}
