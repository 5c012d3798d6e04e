/*
 * Keys by their bytes. See dkim_key_memory.h.
 *
 * Each key has one place, by a hash of its bytes, and drives out what was there: who sends with
 * many keys costs others at most the loading of theirs. What is found is compared byte by byte, so
 * the result is that of loading, only sooner. Key records are asked for each time, whatever is
 * known here.
 */
#include "trust/dkim_key_memory.h"

#include <openssl/evp.h>

#include <pthread.h>
#include <stdlib.h>

enum { PLACES = 256, DATA_MAX = 1200 }; /* 8192 bits of RSA are 1062 bytes */

struct place {
    enum dkim_key_kind kind;
    struct slice data; /* our own copy */
    EVP_PKEY *loaded;
};

static struct place places[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards places */

static EVP_PKEY *find(const struct place *place, const struct dkim_key *key)
{
    EVP_PKEY *found = NULL;

    pthread_mutex_lock(&lock);
    if (place->loaded && place->kind == key->kind && slice_eq(place->data, key->data) &&
        EVP_PKEY_up_ref(place->loaded) == 1)
        found = place->loaded;
    pthread_mutex_unlock(&lock);
    return found;
}

static void keep(struct place *place, const struct dkim_key *key, EVP_PKEY *loaded)
{
    struct place now = {.kind = key->kind, .loaded = loaded};
    struct place before;

    now.data = slice_from(xslicedup(key->data), key->data.len);
    EVP_PKEY_up_ref(loaded);
    pthread_mutex_lock(&lock);
    before = *place;
    *place = now;
    pthread_mutex_unlock(&lock);
    EVP_PKEY_free(before.loaded);
    free((void *)before.data.ptr);
}

EVP_PKEY *dkim_key_recall(const struct dkim_key *key)
{
    struct place *place = &places[slice_hash(key->data) % PLACES];
    EVP_PKEY *loaded = find(place, key);

    if (loaded)
        return loaded;
    loaded = dkim_key_load(key);
    if (loaded && key->data.len <= DATA_MAX)
        keep(place, key, loaded);
    return loaded;
}
