/* See login_gate.h. Routes with a login are few: a list is enough. */
#include "relay/login_gate.h"

#include "base/clock.h"

#include <pthread.h>
#include <utlist.h>

enum state { STATE_UNKNOWN, STATE_TRYING, STATE_PROVEN, STATE_SHUT };

struct entry {
    struct entry *next;
    char *route;
    enum state state;
    uint64_t until_ms; /* shut */
    uint64_t shut_ms;  /* for so long the last time, 0: since it worked, never */
    char words[LOGIN_WORDS_MAX];
};

struct login_gate {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct entry *entries;
    unsigned epoch;
};

struct login_gate *login_gate_new(void)
{
    struct login_gate *gate = xcalloc(1, sizeof(*gate));

    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
    return gate;
}

static void forget(struct login_gate *gate)
{
    struct entry *entry, *next;

    LL_FOREACH_SAFE(gate->entries, entry, next)
    {
        free(entry->route);
        free(entry);
    }
    gate->entries = NULL;
}

void login_gate_free(struct login_gate *gate)
{
    if (!gate)
        return;
    forget(gate);
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

void login_gate_reset(struct login_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    forget(gate);
    gate->epoch++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* With the lock held. */
static struct entry *entry_of(struct login_gate *gate, struct slice route)
{
    struct entry *entry;

    LL_FOREACH(gate->entries, entry)
    {
        if (slice_eq(slice_from_cstr(entry->route), route))
            return entry;
    }
    entry = xcalloc(1, sizeof(*entry));
    entry->route = xslicedup(route);
    LL_PREPEND(gate->entries, entry);
    return entry;
}

bool login_gate_enter(struct login_gate *gate, struct slice route, struct login_pass *ret_pass,
                      uint64_t *ret_left_ms, char words[LOGIN_WORDS_MAX])
{
    struct entry *entry;
    uint64_t now;
    bool open;

    pthread_mutex_lock(&gate->lock);
    while ((entry = entry_of(gate, route))->state == STATE_TRYING)
        pthread_cond_wait(&gate->changed, &gate->lock);
    now = clock_mono_ms();
    if (entry->state == STATE_SHUT && entry->until_ms <= now)
        entry->state = STATE_UNKNOWN;
    open = entry->state != STATE_SHUT;
    *ret_pass = (struct login_pass){.epoch = gate->epoch, .first = entry->state == STATE_UNKNOWN};
    if (ret_pass->first)
        entry->state = STATE_TRYING;
    if (!open) {
        *ret_left_ms = entry->until_ms - now;
        memcpy(words, entry->words, LOGIN_WORDS_MAX);
    }
    pthread_mutex_unlock(&gate->lock);
    return open;
}

static void shut(struct entry *entry, const char *words)
{
    uint64_t longer = entry->shut_ms ? 2 * entry->shut_ms : LOGIN_SHUT_FIRST_MS;

    entry->shut_ms = longer < LOGIN_SHUT_MAX_MS ? longer : LOGIN_SHUT_MAX_MS;
    entry->until_ms = clock_mono_ms() + entry->shut_ms;
    entry->state = STATE_SHUT;
    snprintf(entry->words, sizeof(entry->words), "%s", words);
}

uint64_t login_gate_leave(struct login_gate *gate, struct slice route,
                          const struct login_pass *pass, enum login_end end, const char *words)
{
    uint64_t shut_ms = 0;

    pthread_mutex_lock(&gate->lock);
    if (pass->epoch == gate->epoch) {
        struct entry *entry = entry_of(gate, route);
        if (end == LOGIN_FAILED && entry->state != STATE_SHUT) {
            shut(entry, words);
        } else if (end == LOGIN_WORKED && entry->state == STATE_TRYING && pass->first) {
            entry->state = STATE_PROVEN;
            entry->shut_ms = 0;
        } else if (pass->first && entry->state == STATE_TRYING) {
            entry->state = STATE_UNKNOWN;
        }
        shut_ms = entry->state == STATE_SHUT ? entry->shut_ms : 0;
        pthread_cond_broadcast(&gate->changed);
    }
    pthread_mutex_unlock(&gate->lock);
    return shut_ms;
}
