/* What a configuration means, in words. See config_words.h. */
#include "control/config_words.h"

struct slice words_endpoint(struct arena *arena, const struct config_endpoint *endpoint)
{
    if (endpoint->kind == ENDPOINT_UNIX)
        return arena_printf(arena, "unix:%.*s", SLICE_ARG(endpoint->host));
    if (slice_find(endpoint->host, ':') >= 0)
        return arena_printf(arena, "[%.*s]:%u", SLICE_ARG(endpoint->host), endpoint->port);
    return arena_printf(arena, "%.*s:%u", SLICE_ARG(endpoint->host), endpoint->port);
}

struct slice words_endpoints(struct arena *arena, const struct config_endpoints *endpoints)
{
    struct slice text = SLICE_NULL;

    for (size_t i = 0; i < endpoints->count; i++)
        text = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(text), i ? " " : "",
                            SLICE_ARG(words_endpoint(arena, &endpoints->list[i])));
    return text;
}

/* What differs from a route as it is without settings. */
static struct slice route_extras(struct arena *arena, const struct config_route *route)
{
    static const char *const policies[] = {"may", "none", "encrypt", "verify", "dane-only"};
    struct slice text = SLICE_NULL;

    if (route->tls != TLS_POLICY_MAY)
        text = arena_printf(arena, ", tls %s", policies[route->tls]);
    if (route->login.user.len)
        text =
            arena_printf(arena, "%.*s, login %.*s", SLICE_ARG(text), SLICE_ARG(route->login.user));
    if (route->fallback.len)
        text = arena_printf(arena, "%.*s, else route %.*s", SLICE_ARG(text),
                            SLICE_ARG(route->fallback));
    return text;
}

struct slice words_route(struct arena *arena, const struct config *config, struct slice name)
{
    const struct config_route *route = config_find_route(config, name);
    struct slice hosts = words_endpoints(arena, &route->hosts);

    if (route->mx)
        hosts = route->port == 25
                    ? SLICE("the domain's servers")
                    : arena_printf(arena, "the domain's servers, port %u", route->port);
    return arena_printf(arena, "route %.*s (%s%.*s%.*s)", SLICE_ARG(name),
                        route->protocol == PROTOCOL_LMTP ? "LMTP to " : "", SLICE_ARG(hosts),
                        SLICE_ARG(route_extras(arena, route)));
}

/* How the domain is handled, in words. */
struct slice words_domain(struct arena *arena, const struct config *config,
                          const struct config_domain *domain)
{
    const char *who = domain->recipients == RECIPIENTS_ANY ? "any recipient" : "known recipients";
    struct slice catch_all = SLICE_NULL;

    if (domain->alias_of.len)
        return arena_printf(arena, "the same as %.*s", SLICE_ARG(domain->alias_of));
    if (domain->backup)
        return arena_printf(arena, "backup for better servers, %s, %.*s", who,
                            SLICE_ARG(words_route(arena, config, domain->target)));
    if (!domain->local)
        return arena_printf(arena, "relayed inward, %s, %.*s", who,
                            SLICE_ARG(words_route(arena, config, domain->target)));
    if (domain->catch_all.len)
        catch_all = arena_printf(arena, ", all others to %.*s", SLICE_ARG(domain->catch_all));
    if (domain->deliver == DELIVER_ROUTE)
        return arena_printf(arena, "ours, %s%.*s, delivered over %.*s", who, SLICE_ARG(catch_all),
                            SLICE_ARG(words_route(arena, config, domain->target)));
    if (domain->deliver == DELIVER_PROGRAM)
        return arena_printf(arena, "ours, %s%.*s, delivered to program %.*s", who,
                            SLICE_ARG(catch_all), SLICE_ARG(domain->target));
    return arena_printf(arena, "ours, %s%.*s, mailboxes in %.*s/mail/%.*s", who,
                        SLICE_ARG(catch_all), SLICE_ARG(config->state), SLICE_ARG(domain->name));
}

struct slice words_foreign(struct arena *arena, const struct config *config)
{
    if (config->default_route.len)
        return words_route(arena, config, config->default_route);
    return SLICE("refused: 'default_route none'");
}

struct slice words_source(struct arena *arena, const struct config_source *source)
{
    return arena_printf(arena, "%.*s:%u", SLICE_ARG(source->file), source->line);
}

/* By which line, for what is decided by one. */
static struct slice by(struct arena *arena, const struct config_source *source)
{
    return source->line ? arena_printf(arena, " (%.*s)", SLICE_ARG(words_source(arena, source)))
                        : SLICE_NULL;
}

struct slice words_where(struct arena *arena, const struct config *config, struct slice name)
{
    const struct config_domain *domain = config_find_domain(config, name);
    const struct config_destination *destination = config_find_destination(config, name);

    if (domain)
        return arena_printf(arena, "%.*s%.*s", SLICE_ARG(words_domain(arena, config, domain)),
                            SLICE_ARG(by(arena, &domain->source)));
    if (destination)
        return arena_printf(arena, "foreign, destination %.*s, %.*s%.*s",
                            SLICE_ARG(destination->pattern),
                            SLICE_ARG(words_route(arena, config, destination->route)),
                            SLICE_ARG(by(arena, &destination->source)));
    return arena_printf(arena, "foreign, %.*s", SLICE_ARG(words_foreign(arena, config)));
}
