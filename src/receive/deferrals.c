/* See deferrals.h. A hash table whose order is that of coming, so that the oldest is the first. */
#include "receive/deferrals.h"

#include "base/buf.h"

#include <pthread.h>
#include <uthash.h>

/* When the table is full, whoever has been patient for so long makes room. */
enum { PATIENT_MS = 4 * 3600 * 1000 };

struct attempt {
    UT_hash_handle hh;
    uint64_t key;
    uint64_t first_ms;
};

struct deferrals {
    pthread_mutex_t lock; /* guards the table */
    struct attempt *attempts;
};

struct deferrals *deferrals_new(void)
{
    struct deferrals *deferrals = xcalloc(1, sizeof(*deferrals));

    pthread_mutex_init(&deferrals->lock, NULL);
    return deferrals;
}

static void forget(struct deferrals *deferrals, struct attempt *attempt)
{
    HASH_DELETE(hh, deferrals->attempts, attempt);
    free(attempt);
}

void deferrals_free(struct deferrals *deferrals)
{
    if (!deferrals)
        return;
    while (deferrals->attempts)
        forget(deferrals, deferrals->attempts);
    pthread_mutex_destroy(&deferrals->lock);
    free(deferrals);
}

static bool make_room(struct deferrals *deferrals, uint64_t now_ms)
{
    struct attempt *oldest = deferrals->attempts;

    if (HASH_COUNT(deferrals->attempts) < DEFERRALS_MAX)
        return true;
    if (now_ms - oldest->first_ms < PATIENT_MS)
        return false;
    forget(deferrals, oldest);
    return true;
}

static void note(struct deferrals *deferrals, uint64_t key, uint64_t now_ms)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));

    attempt->key = key;
    attempt->first_ms = now_ms;
    HASH_ADD(hh, deferrals->attempts, key, sizeof(attempt->key), attempt);
}

uint64_t deferrals_age(struct deferrals *deferrals, uint64_t key, uint64_t now_ms)
{
    struct attempt *attempt = NULL;
    uint64_t age = 0;

    pthread_mutex_lock(&deferrals->lock);
    HASH_FIND(hh, deferrals->attempts, &key, sizeof(key), attempt);
    if (attempt && now_ms - attempt->first_ms > DEFERRALS_KEEP_MS) {
        forget(deferrals, attempt);
        attempt = NULL;
    }
    if (attempt)
        age = now_ms - attempt->first_ms;
    else if (make_room(deferrals, now_ms))
        note(deferrals, key, now_ms);
    else
        age = UINT64_MAX;
    pthread_mutex_unlock(&deferrals->lock);
    return age;
}
