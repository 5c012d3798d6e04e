/*
 * Which foreign domains go over which route: destination, and the routes that are there without
 * being written. See section.h.
 *
 * A destination with settings of a route makes one, called after its first pattern. What it does
 * not say is as in route "world", but for where it goes and as whom: so a demand on security that
 * holds for the world holds for the exception too, and no password follows to another host. Since
 * "world" may be written behind them, destinations are read at the end.
 */
#include "config/section_route.h"

/* `route NAME` alone in the block. */
void section_take_destination_route(struct reader *reader, const struct setting *setting,
                                    const struct statement *statement, void *section)
{
    struct config_route *route = section;

    setting_take_name(reader, setting, statement, section);
    setting_refer(reader, REFERENCE_ROUTE, route->name, statement->source);
}

static void refuse_other_settings(struct reader *reader, const struct statement *statement)
{
    for (const struct statement *line = statement->block; line; line = line->next) {
        if (!slice_eq(line->word, SLICE("route")))
            setting_complain(reader, line,
                             "%.*s does not go with 'route NAME'; set it in that route",
                             SLICE_ARG(line->word));
    }
}

static const struct config_route *find_world(const struct config *config)
{
    for (size_t i = 0; i < config->n_routes; i++) {
        if (slice_eq(config->routes[i].name, ROUTE_WORLD))
            return &config->routes[i];
    }
    return NULL;
}

static struct config_route like_world(const struct config *config, struct config_source source)
{
    const struct config_route plain = section_route_default(SLICE_NULL, source);
    struct config_route route = *find_world(config);

    route.name = SLICE_NULL;
    route.mx = false;
    route.protocol = plain.protocol;
    route.hosts = plain.hosts;
    route.port = plain.port;
    route.tls_implicit = plain.tls_implicit;
    route.login = plain.login;
    route.source = source;
    return route;
}

/* The name of the route that the block names or makes. */
static struct slice read_way(struct reader *reader, const struct pending_destination *pending,
                             struct slice pattern)
{
    const struct statement *statement = pending->statement;
    struct config *config = reader->config;
    struct config_route route = like_world(config, statement->source);

    if (section_find(statement, "source"))
        route.sources = (struct config_ips){0};
    section_read_block(reader, pending->setting, statement, pattern, &route);
    if (section_find(statement, "route")) {
        refuse_other_settings(reader, statement);
        return route.name;
    }
    if (!statement->block)
        setting_complain(reader, statement,
                         "destination %.*s says nothing; add 'route NAME', or settings of a "
                         "route, like: tls verify",
                         SLICE_ARG(pattern));
    route.name = pattern;
    if (!section_find(statement, "host") && !section_find(statement, "lmtp"))
        route.mx = true;
    section_route_settle(reader, statement, &route);
    config->routes[config->n_routes++] = route;
    return pattern;
}

static void read_destination(struct reader *reader, const struct pending_destination *pending)
{
    const struct statement *statement = pending->statement;
    struct config *config = reader->config;
    struct config_destination *first = &config->destinations[config->n_destinations];
    struct slice pattern, route;
    size_t n = 0;

    if (statement->n_values == 0)
        setting_complain(reader, statement, "destination wants at least one domain, like: %s",
                         pending->setting->example);
    for (size_t i = 0; i < statement->n_values; i++) {
        if (section_pattern(reader, pending->setting, statement, statement->values[i],
                            "for all other domains write 'default_route NAME'", &pattern))
            first[n++] =
                (struct config_destination){.pattern = pattern, .source = statement->source};
    }
    if (n == 0)
        return;
    route = read_way(reader, pending, first->pattern);
    for (size_t i = 0; i < n; i++)
        first[i].route = route;
    config->n_destinations += n;
}

void section_take_destination(struct reader *reader, const struct setting *setting,
                              const struct statement *statement, void *section)
{
    struct pending_destination *pending = arena_alloc(reader->scratch, sizeof(*pending));

    (void)section;
    *pending = (struct pending_destination){.setting = setting, .statement = statement};
    *reader->destinations_end = pending;
    reader->destinations_end = &pending->next;
}

void section_finish_routes(struct reader *reader)
{
    struct config *config = reader->config;

    if (!find_world(config)) {
        config->routes[config->n_routes] =
            section_route_default(ROUTE_WORLD, (struct config_source){0});
        config->routes[config->n_routes++].mx = true;
    }
    for (const struct pending_destination *one = reader->destinations; one; one = one->next)
        read_destination(reader, one);
    if (config->default_route.len == 0)
        config->default_route = ROUTE_WORLD;
    else if (slice_eq(config->default_route, ROUTE_NONE))
        config->default_route = SLICE_NULL;
}
