/* A hash table of counters with chains; an entry lives as long as its count is above zero. See
 * clients.h. The hash is seeded per process, so that nobody outside can make long chains. */
#include "receive/clients.h"

#include <pthread.h>
#include <sys/random.h>

enum { BUCKETS = 4096 };

struct client {
    struct client *next;
    uint64_t prefix; /* IPv4: the address; IPv6: the upper half */
    enum smtp_family family;
    unsigned count;
};

struct clients {
    pthread_mutex_t lock; /* guards the buckets */
    uint64_t seed;
    struct client *buckets[BUCKETS];
};

struct clients *clients_new(void)
{
    struct clients *clients = xcalloc(1, sizeof(*clients));

    pthread_mutex_init(&clients->lock, NULL);
    if (getrandom(&clients->seed, sizeof(clients->seed), GRND_NONBLOCK) < 0)
        clients->seed = (uint64_t)(uintptr_t)clients;
    return clients;
}

void clients_free(struct clients *clients)
{
    if (!clients)
        return;
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (clients->buckets[i]) {
            struct client *next = clients->buckets[i]->next;
            free(clients->buckets[i]);
            clients->buckets[i] = next;
        }
    }
    pthread_mutex_destroy(&clients->lock);
    free(clients);
}

static uint64_t prefix_of(const struct smtp_endpoint *client)
{
    size_t len = client->family == SMTP_FAMILY_IPV4 ? 4 : 8;
    uint64_t prefix = 0;

    memcpy(&prefix, client->address, len);
    return prefix;
}

/* The link to the client's entry, or to the NULL behind its chain. With the lock held. */
static struct client **find(struct clients *clients, enum smtp_family family, uint64_t prefix)
{
    uint64_t key[2] = {prefix ^ clients->seed, (uint64_t)family};
    struct client **link = &clients->buckets[slice_hash(slice_from(key, sizeof(key))) % BUCKETS];

    while (*link && ((*link)->prefix != prefix || (*link)->family != family))
        link = &(*link)->next;
    return link;
}

bool clients_enter(struct clients *clients, const struct smtp_endpoint *client, unsigned max)
{
    uint64_t prefix = prefix_of(client);
    struct client **link;
    bool room;

    if (client->family == SMTP_FAMILY_NONE)
        return true;
    pthread_mutex_lock(&clients->lock);
    link = find(clients, client->family, prefix);
    if (!*link) {
        *link = xcalloc(1, sizeof(**link));
        **link = (struct client){.prefix = prefix, .family = client->family};
    }
    room = (*link)->count < max;
    if (room) {
        (*link)->count++;
    } else if ((*link)->count == 0) {
        free(*link); /* a limit of none at all */
        *link = NULL;
    }
    pthread_mutex_unlock(&clients->lock);
    return room;
}

void clients_leave(struct clients *clients, const struct smtp_endpoint *client)
{
    struct client **link, *entry;

    if (client->family == SMTP_FAMILY_NONE)
        return;
    pthread_mutex_lock(&clients->lock);
    link = find(clients, client->family, prefix_of(client));
    entry = *link;
    if (entry && --entry->count == 0) {
        *link = entry->next;
        free(entry);
    }
    pthread_mutex_unlock(&clients->lock);
}
