/*
 * The keeping place for open connections. Closing says QUIT and does not wait, so nothing here
 * blocks; a client is closed outside of the lock all the same.
 */
#include "relay/idle.h"

#include "base/clock.h"

struct idle_connection {
    struct idle_connection *next;
    struct client client;
    char *route;
    uint64_t until_ms;
};

void idle_init(struct idle *idle)
{
    *idle = (struct idle){0};
    pthread_mutex_init(&idle->lock, NULL);
}

static void connection_free(struct idle_connection *connection)
{
    free(connection->route);
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

/* Out of the list: the first of this route. With the lock held. */
static struct idle_connection *unlink_first(struct idle *idle, struct slice route)
{
    for (struct idle_connection **link = &idle->first; *link; link = &(*link)->next) {
        struct idle_connection *found = *link;
        if (!slice_eq(slice_from_cstr(found->route), route))
            continue;
        *link = found->next;
        found->next = NULL;
        idle->count--;
        return found;
    }
    return NULL;
}

bool idle_take(struct idle *idle, struct slice route, struct client *ret_client)
{
    for (;;) {
        struct idle_connection *found;
        pthread_mutex_lock(&idle->lock);
        found = unlink_first(idle, route);
        pthread_mutex_unlock(&idle->lock);
        if (!found)
            return false;
        if (is_good(found, clock_mono_ms())) {
            *ret_client = found->client;
            connection_free(found);
            return true;
        }
        close_list(found);
    }
}

void idle_give(struct idle *idle, struct slice route, struct client *client, uint64_t idle_ms)
{
    struct idle_connection *connection = xcalloc(1, sizeof(*connection));

    connection->client = *client;
    connection->route = xslicedup(route);
    connection->until_ms = clock_mono_ms() + idle_ms;
    pthread_mutex_lock(&idle->lock);
    connection->next = idle->first;
    idle->first = connection;
    idle->count++;
    pthread_mutex_unlock(&idle->lock);
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
