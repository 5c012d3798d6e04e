/*
 * Ways to other servers: route, and `relay`, which is short for one. See section.h.
 *
 * The safe choice where a setting is missing: TLS wherever the other side offers it, a certificate
 * that proves the name where a password is to be said, DANE and MTA-STS heeded. What must agree
 * between routes is check_route.c's business, which domains go over them section_destination.c's.
 */
#include "config/section_route.h"

#include "config/value.h"

void section_take_default_route(struct reader *reader, const struct setting *setting,
                                const struct statement *statement, void *section)
{
    struct config *config = section;

    if (config->default_route.len)
        setting_complain(reader, statement,
                         "'relay' sets the default route already; "
                         "keep one of them");
    setting_take_name(reader, setting, statement, section);
    if (!slice_eq(config->default_route, ROUTE_NONE))
        setting_refer(reader, REFERENCE_ROUTE, config->default_route, statement->source);
}

struct config_route section_route_default(struct slice name, struct config_source source)
{
    return (struct config_route){.name = name,
                                 .port = 25,
                                 .concurrency = 20,
                                 .address_concurrency = 20,
                                 .recipients = 100,
                                 .messages = 1000,
                                 .idle_ms = 5000,
                                 .ipv6 = true,
                                 .dane = true,
                                 .mta_sts = true,
                                 .login = {.mechanisms = MECHANISM_ALL},
                                 .fallback_after_ms = 10 * 60 * 1000,
                                 .source = source};
}

/* Settings that have no meaning for the way that the route goes. */
static void check_way(struct reader *reader, const struct statement *statement,
                      const struct config_route *route)
{
    if (section_find(statement, "host"))
        section_refuse(reader, statement, "lmtp", "does not go with host; make a route for each");
    if (!route->mx) {
        section_refuse(reader, statement, "port",
                       "is for routes with 'mx'; write it behind the host: host "
                       "mx.example.org:25");
        return;
    }
    section_refuse(reader, statement, "host",
                   "does not go with mx: either these hosts, or those that DNS names for the "
                   "domain; make a route for each");
    section_refuse(reader, statement, "lmtp",
                   "does not go with mx: the servers that DNS names speak SMTP; make a route for "
                   "each");
}

/* RFC 8314 section 3: on this port, TLS comes first. */
static bool all_on_port_465(const struct config_endpoints *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        if (hosts->list[i].port != 465)
            return false;
    }
    return hosts->count > 0;
}

void section_route_settle(struct reader *reader, const struct statement *statement,
                          struct config_route *route)
{
    check_way(reader, statement, route);
    if (!section_find(statement, "tls_implicit") && all_on_port_465(&route->hosts))
        route->tls_implicit = true;
    if (!section_find(statement, "tls") && section_find(statement, "login"))
        route->tls = TLS_POLICY_VERIFY;
    if (!section_find(statement, "fallback"))
        section_refuse(reader, statement, "fallback_after",
                       "needs the route that mail goes over then; add: fallback NAME");
}

void section_take_route(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_route route = section_route_default(SLICE_NULL, statement->source);

    if (!section_name(reader, setting, statement, &route.name))
        return;
    if (slice_eq(route.name, ROUTE_NONE))
        setting_complain(reader, statement, "'none' is the word for no route; use another name");
    section_read_block(reader, setting, statement, route.name, &route);
    if (!route.mx && !section_find(statement, "host") && !section_find(statement, "lmtp")) {
        route.mx = slice_eq(route.name, ROUTE_WORLD);
        if (!route.mx)
            setting_complain(reader, statement,
                             "route %.*s leads nowhere; add 'mx' for the servers that DNS names, "
                             "or one like: host mx.example.org:25",
                             SLICE_ARG(route.name));
    }
    section_route_settle(reader, statement, &route);
    config->routes[config->n_routes++] = route;
}

/* `relay HOST:PORT` is a route of this name, and the default one. */
void section_take_relay(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_route route = section_route_default(SLICE("relay"), statement->source);
    struct setting hosts = *setting;

    hosts.offset = offsetof(struct config_route, hosts);
    setting_take_endpoints(reader, &hosts, statement, &route);
    route.tls_implicit = all_on_port_465(&route.hosts);
    config->routes[config->n_routes++] = route;
    if (config->default_route.len)
        setting_complain(reader, statement, "default_route is set already; keep one of them");
    config->default_route = route.name;
}

void section_take_lmtp(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct config_route *route = section;

    setting_take_endpoints(reader, setting, statement, section);
    route->protocol = PROTOCOL_LMTP;
}

static void add_source(struct reader *reader, struct config_ips *sources, struct slice text)
{
    struct arena *arena = &reader->config->arena;
    struct slice *list = arena_alloc(arena, (sources->count + 1) * sizeof(*list));

    if (sources->count)
        memcpy(list, sources->list, sources->count * sizeof(*list));
    list[sources->count++] = setting_keep(reader, text);
    sources->list = list;
}

/* Any number of addresses, in one statement or more. */
void section_take_source(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    struct config_route *route = section;
    uint8_t address[16];
    int family;

    if (statement->n_values == 0)
        setting_complain(reader, statement, "source wants a value, like: %s", setting->example);
    for (size_t i = 0; i < statement->n_values; i++) {
        struct slice text = statement->values[i];
        if (value_parse_ip(text, &family, address))
            add_source(reader, &route->sources, text);
        else
            setting_complain(reader, statement,
                             "source: '%.*s' is not an IP address (without brackets or port)",
                             SLICE_ARG(text));
    }
}

/* `rate 100/1m`: so many messages in that time. */
void section_take_rate(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct config_route *route = section;
    struct slice value;
    uint64_t count, ms;
    ptrdiff_t slash;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    slash = slice_find(value, '/');
    if (slash < 0 || !slice_parse_u64(slice_sub(value, 0, (size_t)slash), 1000000, &count) ||
        !value_parse_duration(slice_skip(value, (size_t)slash + 1), &ms) || count == 0 || ms == 0 ||
        ms > UINT64_C(86400000)) {
        setting_complain(reader, statement,
                         "rate wants messages and a time of at most a day, not '%.*s'; like: %s",
                         SLICE_ARG(value), setting->example);
        return;
    }
    route->rate = (unsigned)count;
    route->rate_ms = ms;
}

void section_take_fallback(struct reader *reader, const struct setting *setting,
                           const struct statement *statement, void *section)
{
    struct config_route *route = section;

    setting_take_name(reader, setting, statement, section);
    setting_refer(reader, REFERENCE_ROUTE, route->fallback, statement->source);
}
