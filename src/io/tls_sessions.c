/*
 * A table of keys, each with its few newest sessions. uthash keeps the order of insertion, and a
 * key is inserted again when a session is added to it, so its first entry is the one to go.
 */
#include "io/tls_sessions.h"

#include "base/buf.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

struct kept {
    SSL_SESSION *session;
    uint64_t until;
};

struct entry {
    unsigned char key[TLS_SESSION_KEY_BYTES];
    struct kept kept[TLS_SESSIONS_PER_KEY]; /* the newest last */
    unsigned n_kept;
    UT_hash_handle hh;
};

struct tls_sessions {
    pthread_mutex_t lock; /* guards the rest */
    struct entry *entries;
};

struct tls_sessions *tls_sessions_new(void)
{
    struct tls_sessions *sessions = xcalloc(1, sizeof(*sessions));

    pthread_mutex_init(&sessions->lock, NULL);
    return sessions;
}

static void entry_free(struct tls_sessions *sessions, struct entry *entry)
{
    HASH_DEL(sessions->entries, entry);
    for (unsigned i = 0; i < entry->n_kept; i++)
        SSL_SESSION_free(entry->kept[i].session);
    free(entry);
}

void tls_sessions_free(struct tls_sessions *sessions)
{
    while (sessions->entries)
        entry_free(sessions, sessions->entries);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

/* Out of the table, or a new one. */
static struct entry *lift_entry(struct tls_sessions *sessions, const unsigned char *key)
{
    struct entry *entry;

    HASH_FIND(hh, sessions->entries, key, TLS_SESSION_KEY_BYTES, entry);
    if (entry) {
        HASH_DEL(sessions->entries, entry);
        return entry;
    }
    if (HASH_COUNT(sessions->entries) >= TLS_SESSION_KEYS_MAX)
        entry_free(sessions, sessions->entries);
    entry = xcalloc(1, sizeof(*entry));
    memcpy(entry->key, key, TLS_SESSION_KEY_BYTES);
    return entry;
}

void tls_sessions_add(struct tls_sessions *sessions, const unsigned char key[TLS_SESSION_KEY_BYTES],
                      SSL_SESSION *session, uint64_t now)
{
    struct entry *entry;

    pthread_mutex_lock(&sessions->lock);
    entry = lift_entry(sessions, key);
    if (entry->n_kept == TLS_SESSIONS_PER_KEY) {
        SSL_SESSION_free(entry->kept[0].session);
        entry->n_kept--;
        memmove(entry->kept, entry->kept + 1, entry->n_kept * sizeof(*entry->kept));
    }
    entry->kept[entry->n_kept++] =
        (struct kept){.session = session, .until = now + TLS_SESSION_MAX_MS};
    HASH_ADD(hh, sessions->entries, key, TLS_SESSION_KEY_BYTES, entry);
    pthread_mutex_unlock(&sessions->lock);
}

/* With the lock held. */
static SSL_SESSION *take_newest(struct entry *entry, uint64_t now)
{
    struct kept *newest = &entry->kept[entry->n_kept - 1];

    if (now < newest->until && SSL_SESSION_is_resumable(newest->session) &&
        SSL_SESSION_get_protocol_version(newest->session) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(newest->session);
        return newest->session;
    }
    entry->n_kept--;
    if (now < newest->until && SSL_SESSION_is_resumable(newest->session))
        return newest->session;
    SSL_SESSION_free(newest->session);
    return NULL;
}

SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions,
                               const unsigned char key[TLS_SESSION_KEY_BYTES], uint64_t now)
{
    SSL_SESSION *session = NULL;
    struct entry *entry;

    pthread_mutex_lock(&sessions->lock);
    HASH_FIND(hh, sessions->entries, key, TLS_SESSION_KEY_BYTES, entry);
    while (entry && entry->n_kept && !session)
        session = take_newest(entry, now);
    if (entry && entry->n_kept == 0)
        entry_free(sessions, entry);
    pthread_mutex_unlock(&sessions->lock);
    return session;
}
