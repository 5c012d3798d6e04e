/* See tls_clients.h. A configuration names few such files: a list is enough. */
#include "relay/tls_clients.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <utlist.h>

struct entry {
    struct entry *next;
    char *path;
    unsigned version; /* handed_version() when it was made */
    struct tls_client *client;
};

struct tls_clients {
    struct handed *handed;
    pthread_mutex_t lock; /* guards the rest */
    struct entry *entries;
};

struct tls_clients *tls_clients_new(struct handed *handed)
{
    struct tls_clients *clients = xcalloc(1, sizeof(*clients));

    clients->handed = handed;
    pthread_mutex_init(&clients->lock, NULL);
    return clients;
}

void tls_clients_free(struct tls_clients *clients)
{
    struct entry *entry, *next;

    if (!clients)
        return;
    LL_FOREACH_SAFE(clients->entries, entry, next)
    {
        tls_client_unref(entry->client);
        free(entry->path);
        free(entry);
    }
    pthread_mutex_destroy(&clients->lock);
    free(clients);
}

/* With the lock held. */
static struct entry *entry_of(struct tls_clients *clients, struct slice path)
{
    struct entry *entry;

    LL_FOREACH(clients->entries, entry)
    {
        if (slice_eq(slice_from_cstr(entry->path), path))
            return entry;
    }
    entry = xcalloc(1, sizeof(*entry));
    entry->path = xslicedup(path);
    LL_PREPEND(clients->entries, entry);
    return entry;
}

/* The client anew, from the file as it is now. False: the older one, if any, is of no use. */
static bool renew(struct tls_clients *clients, struct entry *entry, struct slice path,
                  char why[TLS_CLIENTS_WHY_MAX])
{
    struct tls_client *client = NULL;
    unsigned version;
    struct buf text;
    int r = -ENOENT;

    buf_init(&text, HANDED_CA_MAX);
    if (!handed_read(clients->handed, path, &text, &version)) {
        snprintf(why, TLS_CLIENTS_WHY_MAX, "%.*s: %.*s", SLICE_ARG(path),
                 SLICE_ARG(buf_slice(&text)));
    } else {
        r = tls_client_new(buf_slice(&text), false, &client);
        if (r < 0)
            snprintf(why, TLS_CLIENTS_WHY_MAX, "%.*s: %s", SLICE_ARG(path),
                     r == -EINVAL ? "there is no certificate in it" : log_strerror(r));
    }
    buf_done(&text);
    if (r < 0)
        return false;
    tls_client_unref(entry->client);
    entry->client = client;
    return true;
}

struct tls_client *tls_clients_get(struct tls_clients *clients, struct slice path,
                                   char why[TLS_CLIENTS_WHY_MAX])
{
    unsigned version = handed_version(clients->handed);
    struct tls_client *client = NULL;
    struct entry *entry;

    pthread_mutex_lock(&clients->lock);
    entry = entry_of(clients, path);
    if ((entry->client && entry->version == version) || renew(clients, entry, path, why)) {
        entry->version = version;
        client = tls_client_ref(entry->client);
    }
    pthread_mutex_unlock(&clients->lock);
    return client;
}
