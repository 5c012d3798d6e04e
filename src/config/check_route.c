/*
 * Rules of routes and of those who use them. See check_route.h.
 *
 *   - mail does not go round in circles: no route leads to one of our own listeners, as far as can
 *     be told without asking DNS, and fallbacks do not come back to where they began;
 *   - nothing is demanded of a connection that it cannot have;
 *   - our password is said to nobody but the host that the configuration names, and never in the
 *     clear.
 */
#include "config/check_route.h"

#include "config/value.h"

#include <stdlib.h>

enum { FALLBACKS_MAX = 8 };

/* Mechanisms that are of no use without TLS: they say the secret, or are bound to it. */
enum {
    OAUTH = MECHANISM_OAUTHBEARER | MECHANISM_XOAUTH2,
    IN_THE_CLEAR = MECHANISM_PLAIN | MECHANISM_LOGIN | OAUTH | MECHANISM_PLUS,
};

/* Whether a connection to `host` arrives at a listener bound to all addresses. */
static bool is_this_machine(const struct config *config, struct slice host)
{
    uint8_t address[16];
    int family;

    if (slice_eq_nocase(host, SLICE("localhost")) || slice_eq_nocase(host, config->hostname))
        return true;
    if (!value_parse_ip(host, &family, address))
        return false;
    return (family == AF_INET && address[0] == 127) || slice_eq(host, SLICE("::1")) ||
           slice_eq(host, SLICE("0.0.0.0")) || slice_eq(host, SLICE("::"));
}

static bool reaches(const struct config *config, const struct config_endpoint *to,
                    const struct config_endpoint *listening)
{
    bool loopback_only;

    if (check_same_endpoint(to, listening))
        return true;
    if (to->kind != listening->kind || to->kind == ENDPOINT_UNIX || to->port != listening->port)
        return false;
    loopback_only = listening->host.len && is_this_machine(config, listening->host) &&
                    slice_eq_nocase(to->host, SLICE("localhost"));
    return loopback_only ||
           (slice_eq(listening->host, SLICE("*")) && is_this_machine(config, to->host));
}

/* The listener's address that a connection to this endpoint would reach on this machine, as far as
 * can be told without asking DNS; or NULL. */
static const struct config_endpoint *find_own_endpoint(const struct config *config,
                                                       const struct config_endpoint *endpoint)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_endpoints *addresses = &config->listeners[i].addresses;
        for (size_t k = 0; k < addresses->count; k++) {
            if (reaches(config, endpoint, &addresses->list[k]))
                return &addresses->list[k];
        }
    }
    return NULL;
}

static void check_route_host(struct reader *reader, const struct config_route *route,
                             const struct config_endpoint *host)
{
    const struct config_endpoint *own = find_own_endpoint(reader->config, host);

    if (slice_eq(host->host, SLICE("*")))
        check_complain(reader, &host->source, "'*' is for listening; name the host to connect to");
    else if (host->kind == ENDPOINT_UNIX && route->protocol == PROTOCOL_SMTP)
        check_complain(reader, &host->source, "a unix socket is for lmtp; write: lmtp unix:%.*s",
                       SLICE_ARG(host->host));
    else if (own && own->source.line)
        check_complain(reader, &host->source,
                       "a loop: this leads to our own listener (address in %.*s:%u); name the next "
                       "server",
                       SLICE_ARG(own->source.file), own->source.line);
    else if (own)
        check_complain(
            reader, &host->source,
            "a loop: this leads to our own listener (a default one, *:%u); name the next server",
            own->port);
}

/* A chain of fallbacks is short, or it is a circle. */
static void check_fallback(struct reader *reader, const struct config_route *route)
{
    const struct config_route *next = route;

    for (unsigned steps = 1; next->fallback.len; steps++) {
        next = config_find_route(reader->config, next->fallback);
        if (!next)
            return;
        if (next != route && steps < FALLBACKS_MAX)
            continue;
        if (steps == 1)
            check_complain(reader, &route->source,
                           "route %.*s falls back to itself; name another route",
                           SLICE_ARG(route->name));
        else
            check_complain(reader, &route->source,
                           "route %.*s falls back to %.*s, and so on to %s; end the circle",
                           SLICE_ARG(route->name), SLICE_ARG(route->fallback),
                           next == route ? "itself" : "more routes than mail should try");
        return;
    }
}

static void check_tls(struct reader *reader, const struct config_route *route)
{
    if (route->tls == TLS_POLICY_NONE && route->tls_implicit)
        check_complain(reader, &route->source,
                       "route %.*s: 'tls none' and TLS from the first byte; keep one of them",
                       SLICE_ARG(route->name));
    if (route->tls == TLS_POLICY_DANE_ONLY && !route->dane)
        check_complain(reader, &route->source,
                       "route %.*s: 'tls dane-only' needs DANE; remove 'dane no'",
                       SLICE_ARG(route->name));
}

static void check_login_of(struct reader *reader, const struct config_route *route)
{
    const struct config_client_login *login = &route->login;

    if (login->user.len == 0)
        return;
    if (route->mx)
        check_complain(reader, &route->source,
                       "route %.*s: a login does not go with mx: whoever DNS names would get the "
                       "password; write 'host NAME:PORT'",
                       SLICE_ARG(route->name));
    if (route->tls == TLS_POLICY_NONE && (login->mechanisms & ~(unsigned)IN_THE_CLEAR) == 0)
        check_complain(reader, &route->source,
                       "route %.*s: what the login may use is said under TLS alone; write 'tls "
                       "verify' instead of 'tls none'",
                       SLICE_ARG(route->name));
}

/* A backup server hands over to servers that DNS prefers to it. */
static void check_backup(struct reader *reader, const struct config_domain *domain)
{
    const struct config_route *route =
        domain->backup ? config_find_route(reader->config, domain->target) : NULL;

    if (route && !route->mx)
        check_complain(reader, &domain->source,
                       "domain %.*s: a backup delivers to the servers that DNS prefers; route "
                       "%.*s has hosts instead of 'mx'; remove 'backup', or name another route",
                       SLICE_ARG(domain->name), SLICE_ARG(route->name));
}

static int compare_patterns(const void *a, const void *b)
{
    const struct config_destination *x = *(const struct config_destination *const *)a;
    const struct config_destination *y = *(const struct config_destination *const *)b;
    int r = slice_cmp(x->pattern, y->pattern);

    return r ? r : (x > y) - (x < y); /* equal ones in the order of the file */
}

static void check_destinations(struct reader *reader)
{
    const struct config *config = reader->config;
    size_t n = config->n_destinations;
    const struct config_destination **sorted = arena_alloc(reader->scratch, n * sizeof(*sorted));

    for (size_t i = 0; i < n; i++)
        sorted[i] = &config->destinations[i];
    if (n > 1)
        qsort(sorted, n, sizeof(*sorted), compare_patterns);
    for (size_t i = 1; i < n; i++) {
        const struct config_destination *first = sorted[i - 1], *second = sorted[i];
        if (slice_eq(first->pattern, second->pattern))
            check_complain(reader, &second->source,
                           "destination %.*s is there already in %.*s:%u; keep one of them",
                           SLICE_ARG(second->pattern), SLICE_ARG(first->source.file),
                           first->source.line);
    }
}

void check_route(struct reader *reader)
{
    const struct config *config = reader->config;

    for (size_t i = 0; i < config->n_routes; i++) {
        const struct config_route *route = &config->routes[i];
        for (size_t k = 0; k < route->hosts.count; k++)
            check_route_host(reader, route, &route->hosts.list[k]);
        check_fallback(reader, route);
        check_tls(reader, route);
        check_login_of(reader, route);
    }
    for (size_t i = 0; i < config->n_domains; i++)
        check_backup(reader, &config->domains[i]);
    check_destinations(reader);
}
