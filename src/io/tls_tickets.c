/*
 * A ring of four keys: one that seals, and those of the three hours before it. See tls_tickets.h.
 *
 * A new key takes the oldest place. Keys that are out of date are wiped whenever somebody looks
 * here; a server that nobody speaks TLS to keeps them until then. Time runs on the monotonic clock:
 * somebody who sets the wall clock does not bring a key back.
 */
#include "io/tls_tickets.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

enum { KEYS = 4, LAG_MS = 60 * 1000 };

struct entry {
    struct tls_ticket_key key;
    uint64_t made_ms;
    bool there;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry ring[KEYS];
static unsigned newest;

/* Threads read the clock before they have the lock: the key may be of a moment later. */
static bool is_younger(const struct entry *entry, uint64_t now_ms, uint64_t age_ms)
{
    return entry->there && now_ms + LAG_MS >= entry->made_ms &&
           (now_ms < entry->made_ms || now_ms - entry->made_ms < age_ms);
}

static void forget_old(uint64_t now_ms)
{
    for (unsigned i = 0; i < KEYS; i++) {
        if (ring[i].there && !is_younger(&ring[i], now_ms, TLS_TICKET_OPEN_MS))
            OPENSSL_cleanse(&ring[i], sizeof(ring[i]));
    }
}

static bool make_key(uint64_t now_ms)
{
    struct entry *entry = &ring[(newest + 1) % KEYS];

    entry->there = RAND_priv_bytes((unsigned char *)&entry->key, sizeof(entry->key)) == 1;
    entry->made_ms = now_ms;
    if (entry->there)
        newest = (newest + 1) % KEYS;
    return entry->there;
}

bool tls_tickets_seal_key(uint64_t now_ms, struct tls_ticket_key *ret_key)
{
    bool good;

    pthread_mutex_lock(&lock);
    forget_old(now_ms);
    good = is_younger(&ring[newest], now_ms, TLS_TICKET_SEAL_MS) || make_key(now_ms);
    if (good)
        *ret_key = ring[newest].key;
    pthread_mutex_unlock(&lock);
    return good;
}

bool tls_tickets_open_key(const unsigned char name[TLS_TICKET_NAME_BYTES], uint64_t now_ms,
                          struct tls_ticket_key *ret_key, bool *ret_old)
{
    bool found = false;

    pthread_mutex_lock(&lock);
    forget_old(now_ms);
    for (unsigned i = 0; i < KEYS && !found; i++) {
        found = ring[i].there && CRYPTO_memcmp(ring[i].key.name, name, TLS_TICKET_NAME_BYTES) == 0;
        if (found) {
            *ret_key = ring[i].key;
            *ret_old = !is_younger(&ring[i], now_ms, TLS_TICKET_SEAL_MS);
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}
