/*
 * The keeping place for open connections. Closing says QUIT and does not wait, so nothing here
 * blocks; a client is closed outside of the lock all the same.
 */
#include "relay/idle.h"

#include "base/clock.h"

struct idle_connection {
    struct idle_connection *next;
    struct client client;
    char *settings, *site;
    uint64_t until_ms;
};

void idle_init(struct idle *idle)
{
    *idle = (struct idle){0};
    pthread_mutex_init(&idle->lock, NULL);
}

static void connection_free(struct idle_connection *connection)
{
    free(connection->settings);
    free(connection->site);
    free(connection);
}

static void close_list(struct idle_connection *connection)
{
    while (connection) {
        struct idle_connection *next = connection->next;
        client_quit(&connection->client);
        connection_free(connection);
        connection = next;
    }
}

void idle_done(struct idle *idle)
{
    idle_drop_all(idle);
    pthread_mutex_destroy(&idle->lock);
}

static bool is_good(const struct idle_connection *connection, uint64_t now)
{
    return connection->until_ms > now && stream_is_quiet(&connection->client.stream);
}

/* What of a route makes its connections different from those of another one. */
static char *settings_of(const struct config_route *route)
{
    struct buf text;
    char *copy;

    buf_init(&text, 64 * 1024);
    buf_printf(&text, "%d %d %d%d%d%d%d %u %.*s %.*s %.*s", (int)route->protocol, (int)route->tls,
               route->tls_implicit, route->dane, route->mta_sts, route->ipv6, route->mx,
               (unsigned)route->port, SLICE_ARG(route->helo), SLICE_ARG(route->tls_ca),
               SLICE_ARG(route->login.user));
    /* A login is the route's own, whatever its name is. */
    if (route->login.user.len)
        buf_printf(&text, " %.*s", SLICE_ARG(route->name));
    for (size_t i = 0; i < route->sources.count; i++)
        buf_printf(&text, " %.*s", SLICE_ARG(route->sources.list[i]));
    copy = xslicedup(buf_slice(&text));
    buf_done(&text);
    return copy;
}

static bool comes_from(const struct client *client, struct slice source)
{
    struct socket_address off;

    if (!socket_address_parse(source, 0, &off) ||
        off.socket.any.sa_family != client->source.socket.any.sa_family)
        return false;
    if (off.socket.any.sa_family == AF_INET)
        off.socket.v4.sin_port = client->source.socket.v4.sin_port;
    else
        off.socket.v6.sin6_port = client->source.socket.v6.sin6_port;
    return memcmp(socket_address_key(&off).bytes, socket_address_key(&client->source).bytes,
                  sizeof(struct socket_address_key)) == 0;
}

/* A connection that was verified for one host is not good for another one, but whoever demands
 * nothing can use any. */
static bool is_secure_enough(const struct client *client, const struct idle_wanted *wanted)
{
    const struct security *security = wanted->security;

    return slice_eq(client->key, wanted->key) || (!security->tls_needed && !security->requiretls);
}

static bool fits(const struct idle_connection *connection, const struct idle_wanted *wanted,
                 const char *settings)
{
    const struct client *client = &connection->client;

    if (strcmp(connection->settings, settings) != 0)
        return false;
    if (wanted->unit->avoid_ipv6 && client->address.socket.any.sa_family == AF_INET6)
        return false;
    for (uint32_t i = 0; i < wanted->unit->n_sources_off; i++) {
        if (comes_from(client, wanted->unit->sources_off[i]))
            return false;
    }
    if (wanted->site.len)
        return slice_eq(slice_from_cstr(connection->site), wanted->site);
    return socket_address_eq(&client->address, wanted->address) && is_secure_enough(client, wanted);
}

/* Out of the list; with the lock held. */
static struct idle_connection *unlink_one(struct idle *idle, struct idle_connection **link)
{
    struct idle_connection *found = *link;

    *link = found->next;
    found->next = NULL;
    idle->count--;
    return found;
}

static struct idle_connection *find_fitting(struct idle *idle, const struct idle_wanted *wanted,
                                            const char *settings)
{
    struct idle_connection *found = NULL;

    pthread_mutex_lock(&idle->lock);
    for (struct idle_connection **link = &idle->first; *link; link = &(*link)->next) {
        if (fits(*link, wanted, settings)) {
            found = unlink_one(idle, link);
            break;
        }
    }
    pthread_mutex_unlock(&idle->lock);
    return found;
}

bool idle_take(struct idle *idle, const struct idle_wanted *wanted, struct client *ret_client)
{
    char *settings;
    bool taken = false;

    if (idle_count(idle) == 0)
        return false;
    settings = settings_of(wanted->route);
    while (!taken) {
        struct idle_connection *found = find_fitting(idle, wanted, settings);
        if (!found)
            break;
        taken = is_good(found, clock_mono_ms());
        if (taken) {
            *ret_client = found->client;
            connection_free(found);
        } else {
            close_list(found);
        }
    }
    free(settings);
    return taken;
}

void idle_give(struct idle *idle, const struct config_route *route, struct slice site,
               struct client *client)
{
    struct idle_connection *connection = xcalloc(1, sizeof(*connection));

    connection->client = *client;
    connection->settings = settings_of(route);
    connection->site = xslicedup(site);
    connection->until_ms = clock_mono_ms() + route->idle_ms;
    pthread_mutex_lock(&idle->lock);
    connection->next = idle->first;
    idle->first = connection;
    idle->count++;
    pthread_mutex_unlock(&idle->lock);
}

bool idle_close_one(struct idle *idle, const struct socket_address *address)
{
    struct idle_connection *found = NULL;

    pthread_mutex_lock(&idle->lock);
    for (struct idle_connection **link = &idle->first; *link; link = &(*link)->next) {
        if (socket_address_eq(&(*link)->client.address, address)) {
            found = unlink_one(idle, link);
            break;
        }
    }
    pthread_mutex_unlock(&idle->lock);
    close_list(found);
    return found != NULL;
}

unsigned idle_sweep(struct idle *idle)
{
    struct idle_connection *bad = NULL;
    uint64_t now = clock_mono_ms();
    unsigned left;

    pthread_mutex_lock(&idle->lock);
    for (struct idle_connection **link = &idle->first; *link;) {
        struct idle_connection *connection = *link;
        if (is_good(connection, now)) {
            link = &connection->next;
            continue;
        }
        *link = connection->next;
        connection->next = bad;
        bad = connection;
        idle->count--;
    }
    left = idle->count;
    pthread_mutex_unlock(&idle->lock);
    close_list(bad);
    return left;
}

void idle_drop_all(struct idle *idle)
{
    struct idle_connection *all;

    pthread_mutex_lock(&idle->lock);
    all = idle->first;
    idle->first = NULL;
    idle->count = 0;
    pthread_mutex_unlock(&idle->lock);
    close_list(all);
}

unsigned idle_count(struct idle *idle)
{
    unsigned count;

    pthread_mutex_lock(&idle->lock);
    count = idle->count;
    pthread_mutex_unlock(&idle->lock);
    return count;
}
