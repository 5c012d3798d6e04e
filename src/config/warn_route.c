/*
 * Routes and destinations that are never used, or that are weaker or stricter than was meant. See
 * warn_route.h.
 */
#include "config/warn_route.h"

static bool is_used(const struct config *config, const struct config_route *route)
{
    if (slice_eq(config->default_route, route->name))
        return true;
    for (size_t i = 0; i < config->n_domains; i++) {
        if (config->domains[i].deliver == DELIVER_ROUTE &&
            slice_eq(config->domains[i].target, route->name))
            return true;
    }
    for (size_t i = 0; i < config->n_destinations; i++) {
        if (slice_eq(config->destinations[i].route, route->name))
            return true;
    }
    for (size_t i = 0; i < config->n_routes; i++) {
        if (slice_eq(config->routes[i].fallback, route->name))
            return true;
    }
    return false;
}

static void warn_login(const struct config_route *route, struct problem_list *problems)
{
    const struct config_source *source = &route->source;

    if (route->login.user.len == 0)
        return;
    if (route->tls == TLS_POLICY_NONE)
        problem_add(problems, source->file, source->line,
                    "route %.*s: a login with 'tls none': only SCRAM and CRAM-MD5 are used, and "
                    "the mail is for everybody on the way to read",
                    SLICE_ARG(route->name));
    else if (route->tls == TLS_POLICY_MAY || route->tls == TLS_POLICY_ENCRYPT)
        problem_add(problems, source->file, source->line,
                    "route %.*s: a login without 'tls verify': whoever takes the server's place "
                    "gets the password",
                    SLICE_ARG(route->name));
}

static void warn_tls(const struct config *config, const struct config_route *route,
                     struct problem_list *problems)
{
    const struct config_source *source = &route->source;

    if (route->tls == TLS_POLICY_DANE_ONLY && !config->dns.validate)
        problem_add(problems, source->file, source->line,
                    "route %.*s: 'tls dane-only' and 'validate no' in dns: no record is ever "
                    "secure, and nothing is delivered",
                    SLICE_ARG(route->name));
    if (route->tls_implicit && route->mx && route->port == 25)
        problem_add(problems, source->file, source->line,
                    "route %.*s: tls_implicit on port 25: servers expect STARTTLS there",
                    SLICE_ARG(route->name));
    if (route->tls_ca.len && route->tls == TLS_POLICY_NONE)
        problem_add(problems, source->file, source->line,
                    "route %.*s: tls_ca does nothing with 'tls none'", SLICE_ARG(route->name));
}

/* One that a pattern before it takes all mail of. */
static void warn_destination(const struct config *config, size_t i, struct problem_list *problems)
{
    const struct config_destination *one = &config->destinations[i];
    bool below = slice_starts_with_nocase(one->pattern, SLICE("*."));
    struct slice name = below ? slice_skip(one->pattern, 2) : one->pattern;
    const struct config_destination *first = config_find_destination(config, one->pattern);

    if (!below && config_find_domain(config, name))
        problem_add(problems, one->source.file, one->source.line,
                    "destination %.*s is a domain of this server: it is handled as its section "
                    "says, and this line does nothing",
                    SLICE_ARG(name));
    if (first && first != one)
        problem_add(problems, one->source.file, one->source.line,
                    "destination %.*s comes too late: %.*s in %.*s:%u takes its mail",
                    SLICE_ARG(one->pattern), SLICE_ARG(first->pattern),
                    SLICE_ARG(first->source.file), first->source.line);
}

void warn_routes(const struct config *config, struct problem_list *problems)
{
    for (size_t i = 0; i < config->n_routes; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->source.line == 0)
            continue; /* built in */
        if (!is_used(config, route))
            problem_add(problems, route->source.file, route->source.line,
                        "route %.*s is not used by any domain or destination, nor as "
                        "default_route or fallback",
                        SLICE_ARG(route->name));
        warn_login(route, problems);
        warn_tls(config, route, problems);
    }
    for (size_t i = 0; i < config->n_destinations; i++)
        warn_destination(config, i, problems);
}
