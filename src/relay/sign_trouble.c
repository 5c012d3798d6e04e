/* A list: it is empty as a rule, and as short as the list of domains with keys otherwise. */
#include "relay/sign_trouble.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <utlist.h>

struct trouble {
    struct trouble *next, *prev;
    char *domain;
    uint64_t since, last; /* it was had first, and last */
};

struct sign_troubles {
    pthread_mutex_t lock;  /* guards the list */
    struct trouble *first; /* the oldest */
    atomic_uint count;
};

struct sign_troubles *sign_troubles_new(void)
{
    struct sign_troubles *troubles = xcalloc(1, sizeof(*troubles));

    pthread_mutex_init(&troubles->lock, NULL);
    return troubles;
}

/* With the lock held. */
static void forget(struct sign_troubles *troubles, struct trouble *trouble)
{
    DL_DELETE(troubles->first, trouble);
    free(trouble->domain);
    free(trouble);
    atomic_fetch_sub(&troubles->count, 1);
}

void sign_troubles_free(struct sign_troubles *troubles)
{
    if (!troubles)
        return;
    while (troubles->first)
        forget(troubles, troubles->first);
    pthread_mutex_destroy(&troubles->lock);
    free(troubles);
}

/* With the lock held. */
static struct trouble *find(struct sign_troubles *troubles, struct slice domain)
{
    struct trouble *trouble;

    DL_FOREACH(troubles->first, trouble)
    {
        if (slice_eq_nocase(slice_from_cstr(trouble->domain), domain))
            return trouble;
    }
    return NULL;
}

uint64_t sign_troubles_note(struct sign_troubles *troubles, struct slice domain, uint64_t now)
{
    struct trouble *trouble;
    uint64_t since;

    pthread_mutex_lock(&troubles->lock);
    trouble = find(troubles, domain);
    if (!trouble) {
        if (atomic_load(&troubles->count) == SIGN_TROUBLES_MAX)
            forget(troubles, troubles->first);
        trouble = xcalloc(1, sizeof(*trouble));
        trouble->domain = xslicedup(domain);
        trouble->since = trouble->last = now;
        DL_APPEND(troubles->first, trouble);
        atomic_fetch_add(&troubles->count, 1);
    }
    if (now - trouble->last >= SIGN_TROUBLE_OVER_MS)
        trouble->since = now;
    trouble->last = now;
    since = trouble->since;
    pthread_mutex_unlock(&troubles->lock);
    return since;
}

void sign_troubles_end(struct sign_troubles *troubles, struct slice domain)
{
    struct trouble *trouble;

    if (!atomic_load(&troubles->count))
        return;
    pthread_mutex_lock(&troubles->lock);
    trouble = find(troubles, domain);
    if (trouble)
        forget(troubles, trouble);
    pthread_mutex_unlock(&troubles->lock);
}
