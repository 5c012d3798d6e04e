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
    pthread_mutex_t lock;      /* guards the rest */
    struct tls_client *system; /* NULL: not read yet */
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
    tls_client_unref(clients->system);
    pthread_mutex_destroy(&clients->lock);
    free(clients);
}

int tls_clients_read_system(struct tls_clients *clients)
{
    struct tls_client *client, *before;
    int r = tls_client_new(SLICE_NULL, false, &client);

    if (r < 0)
        return r;
    pthread_mutex_lock(&clients->lock);
    before = clients->system;
    clients->system = client;
    pthread_mutex_unlock(&clients->lock);
    tls_client_unref(before);
    return 0;
}

/* With the lock held. */
static struct tls_client *system_client(struct tls_clients *clients, char why[TLS_CLIENTS_WHY_MAX])
{
    if (!clients->system)
        snprintf(why, TLS_CLIENTS_WHY_MAX, "the system's CAs cannot be had");
    return clients->system ? tls_client_ref(clients->system) : NULL;
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

/* Likewise. */
static struct tls_client *file_client(struct tls_clients *clients, struct slice path,
                                      char why[TLS_CLIENTS_WHY_MAX])
{
    unsigned version = handed_version(clients->handed);
    struct entry *entry = entry_of(clients, path);

    if ((!entry->client || entry->version != version) && !renew(clients, entry, path, why))
        return NULL;
    entry->version = version;
    return tls_client_ref(entry->client);
}

struct tls_client *tls_clients_get(struct tls_clients *clients, struct slice path,
                                   char why[TLS_CLIENTS_WHY_MAX])
{
    struct tls_client *client;

    pthread_mutex_lock(&clients->lock);
    client = path.len ? file_client(clients, path, why) : system_client(clients, why);
    pthread_mutex_unlock(&clients->lock);
    return client;
}
