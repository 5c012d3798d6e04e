/*
 * Entries by route and domain (in ASCII lower case). Each stands in one of three lists: to be sent,
 * sent, or answered (the oldest answer first). See sites.h.
 */
#include "queue/sites.h"

#include "base/arena.h"

#include <uthash.h>
#include <utlist.h>

enum { KEY_MAX = 1024 };

struct waiter {
    uint64_t message_id;
    struct waiter *next;
};

enum entry_state { UNSENT, SENT, ANSWERED, ENTRY_STATES };

struct entry {
    struct arena arena; /* of the answer */
    char *key;          /* the route, a zero byte, the domain */
    size_t key_len, route_len;
    enum entry_state state;
    uint64_t request;
    uint64_t since; /* of the question */
    uint64_t valid_until;
    struct msg_site answer;
    struct waiter *waiters;
    struct entry *prev, *next; /* in the list of its state */
    UT_hash_handle by_key, by_request;
};

struct sites {
    struct sites_events events;
    struct entry *entries_by_key;
    struct entry *entries_by_request; /* those without an answer */
    struct entry *lists[ENTRY_STATES];
    uint64_t last_request;
};

struct sites *sites_new(const struct sites_events *events)
{
    struct sites *sites = xcalloc(1, sizeof(*sites));

    sites->events = *events;
    return sites;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void set_state(struct sites *sites, struct entry *entry, enum entry_state state)
{
    DL_DELETE(sites->lists[entry->state], entry);
    entry->state = state;
    DL_APPEND(sites->lists[state], entry);
}

static void drop_entry(struct sites *sites, struct entry *entry)
{
    struct waiter *waiter, *tmp;

    HASH_DELETE(by_key, sites->entries_by_key, entry);
    if (entry->state != ANSWERED)
        HASH_DELETE(by_request, sites->entries_by_request, entry);
    DL_DELETE(sites->lists[entry->state], entry);
    LL_FOREACH_SAFE(entry->waiters, waiter, tmp)
    free(waiter);
    arena_done(&entry->arena);
    free(entry->key);
    free(entry);
}

void sites_free(struct sites *sites)
{
    struct entry *entry, *tmp;

    if (!sites)
        return;
    HASH_ITER(by_key, sites->entries_by_key, entry, tmp)
    drop_entry(sites, entry);
    free(sites);
}

struct key {
    char bytes[KEY_MAX];
    size_t len, route_len;
};

/* Both are at most a few hundred bytes (RFC 5321 section 4.5.3.1); what is longer is cut, and the
 * finder says that there is no such domain. */
static void make_key(struct slice route, struct slice domain, struct key *key)
{
    route = slice_sub(route, 0, KEY_MAX / 2);
    domain = slice_sub(domain, 0, KEY_MAX / 2 - 1);
    memcpy(key->bytes, route.ptr, route.len);
    key->route_len = route.len;
    key->bytes[route.len] = '\0';
    for (size_t i = 0; i < domain.len; i++)
        key->bytes[route.len + 1 + i] = ascii_lower(domain.ptr[i]);
    key->len = route.len + 1 + domain.len;
}

static struct entry *find_entry(const struct sites *sites, const struct key *key)
{
    struct entry *entry = NULL;

    HASH_FIND(by_key, sites->entries_by_key, key->bytes, key->len, entry);
    return entry;
}

static struct entry *make_entry(struct sites *sites, const struct key *key)
{
    struct entry *entry = xcalloc(1, sizeof(*entry));

    if (HASH_CNT(by_key, sites->entries_by_key) >= SITES_MAX && sites->lists[ANSWERED])
        drop_entry(sites, sites->lists[ANSWERED]);
    arena_init(&entry->arena);
    entry->key = xslicedup(slice_from(key->bytes, key->len));
    entry->key_len = key->len;
    entry->route_len = key->route_len;
    HASH_ADD_KEYPTR(by_key, sites->entries_by_key, entry->key, entry->key_len, entry);
    entry->state = ANSWERED; /* with an answer that is not valid */
    DL_APPEND(sites->lists[ANSWERED], entry);
    return entry;
}

const struct msg_site *sites_find(const struct sites *sites, struct slice route,
                                  struct slice domain, uint64_t now)
{
    struct key key;
    const struct entry *entry;

    make_key(route, domain, &key);
    entry = find_entry(sites, &key);
    return entry && entry->state == ANSWERED && now < entry->valid_until ? &entry->answer : NULL;
}

/* ---- questions ----------------------------------------------------------------------------- */

void sites_send_more(struct sites *sites)
{
    while (sites->lists[UNSENT]) {
        struct entry *entry = sites->lists[UNSENT];
        struct slice domain =
            slice_from(entry->key + entry->route_len + 1, entry->key_len - entry->route_len - 1);
        struct msg_site_ask question = {.request = entry->request,
                                        .route = slice_from(entry->key, entry->route_len),
                                        .domain = domain};
        if (sites->events.send(sites->events.arg, &question) < 0)
            return;
        set_state(sites, entry, SENT);
    }
}

static void begin_question(struct sites *sites, struct entry *entry, uint64_t now)
{
    arena_reset(&entry->arena);
    entry->answer = (struct msg_site){0};
    entry->request = ++sites->last_request;
    entry->since = now;
    HASH_ADD(by_request, sites->entries_by_request, request, sizeof(entry->request), entry);
    set_state(sites, entry, UNSENT);
}

bool sites_ask(struct sites *sites, struct slice route, struct slice domain, uint64_t message_id,
               uint64_t now, uint64_t *ret_since)
{
    struct waiter *waiter;
    struct entry *entry;
    struct key key;

    make_key(route, domain, &key);
    entry = find_entry(sites, &key);
    if (sites_pending(sites) >= SITES_PENDING_MAX && (!entry || entry->state == ANSWERED))
        return false;
    if (!entry)
        entry = make_entry(sites, &key);
    waiter = xcalloc(1, sizeof(*waiter));
    waiter->message_id = message_id;
    LL_PREPEND(entry->waiters, waiter);
    if (entry->state == ANSWERED) {
        begin_question(sites, entry, now);
        sites_send_more(sites);
    }
    *ret_since = entry->since;
    return true;
}

void sites_drop(struct sites *sites, struct slice route, struct slice domain)
{
    struct entry *entry;
    struct key key;

    make_key(route, domain, &key);
    entry = find_entry(sites, &key);
    if (entry && entry->state == ANSWERED)
        drop_entry(sites, entry);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void copy_answer(struct entry *entry, const struct msg_site *answer, uint64_t now)
{
    uint64_t valid_ms = answer->valid_ms;

    if (valid_ms < SITES_FRESH_MS)
        valid_ms = SITES_FRESH_MS;
    if (valid_ms > SITES_VALID_MAX_MS)
        valid_ms = SITES_VALID_MAX_MS;
    entry->valid_until = now + valid_ms;
    entry->answer = *answer;
    entry->answer.site = arena_dup(&entry->arena, answer->site);
    entry->answer.enhanced = arena_dup(&entry->arena, answer->enhanced);
    entry->answer.text = arena_dup(&entry->arena, answer->text);
}

/* Who is called may ask again, and so drop this entry among others: it is not touched then. */
void sites_take(struct sites *sites, const struct msg_site *answer, uint64_t now)
{
    struct waiter *waiter, *next;
    struct entry *entry = NULL;

    HASH_FIND(by_request, sites->entries_by_request, &answer->request, sizeof(answer->request),
              entry);
    if (!entry)
        return;
    HASH_DELETE(by_request, sites->entries_by_request, entry);
    set_state(sites, entry, ANSWERED);
    copy_answer(entry, answer, now);
    waiter = entry->waiters;
    entry->waiters = NULL;
    for (; waiter; waiter = next) {
        next = waiter->next;
        sites->events.answered(sites->events.arg, waiter->message_id);
        free(waiter);
    }
}

void sites_lost(struct sites *sites)
{
    struct entry *entry;

    DL_FOREACH(sites->lists[SENT], entry)
    entry->state = UNSENT;
    DL_CONCAT(sites->lists[SENT], sites->lists[UNSENT]);
    sites->lists[UNSENT] = sites->lists[SENT];
    sites->lists[SENT] = NULL;
}

void sites_tick(struct sites *sites, uint64_t now)
{
    struct entry *entry, *tmp;

    DL_FOREACH_SAFE(sites->lists[ANSWERED], entry, tmp)
    {
        if (now >= entry->valid_until)
            drop_entry(sites, entry);
    }
}

void sites_forget(struct sites *sites)
{
    while (sites->lists[ANSWERED])
        drop_entry(sites, sites->lists[ANSWERED]);
}

unsigned sites_pending(const struct sites *sites)
{
    return HASH_CNT(by_request, sites->entries_by_request);
}

unsigned sites_known(const struct sites *sites)
{
    return HASH_CNT(by_key, sites->entries_by_key) - sites_pending(sites);
}
