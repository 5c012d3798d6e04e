/*
 * The order of look-ups of an address, and the memory that makes it fast. See resolve.h.
 *
 * One answer needs up to four look-ups in the store, made in one read transaction. Answers are
 * cached; whether another process changed the store is asked at most each 100 ms, so a new account
 * is known at the latest then. An answer that depends on `via` is not cached, nor is a failure.
 *
 * A failing store never makes a user unknown: the answer is "later", for an unknown user is a
 * bounce. So is a domain that is not in the configuration: whoever asks has another one in force.
 */
#include "account/resolve.h"

#include "account/cache.h"
#include "account/full.h"
#include "mail/address.h"

#include <errno.h>

enum { FRESH_MS = 100 };

struct resolver {
    struct config *config;
    struct store *store;
    bool broken; /* it is not asked any more */
    struct cache *cache;
    struct full *full;
    bool checked; /* `version` and `checked_ms` are set */
    uint64_t version;
    uint64_t checked_ms;
    struct resolver_counts counts;
};

/* One question on its way. */
struct question {
    struct resolver *resolver;
    struct arena *arena;
    struct address address;
    const struct config_domain *domain; /* that the address means, aliases of domains undone */
    bool domain_alias;                  /* it was another one */
    struct slice key;                   /* canonical address */
    struct slice base;                  /* the same without +tag, or empty */
    struct slice via;                   /* canonical, or empty */
    struct slice via_base;
    bool about_ourselves; /* asked about an address of the configuration */
    struct msg_resolved *answer;
};

static void answer_question(struct question *q, struct slice address, struct slice via);

struct resolver *account_resolver_new(struct config *config)
{
    struct resolver *resolver = xcalloc(1, sizeof(*resolver));

    resolver->config = config_ref(config);
    resolver->cache = cache_new();
    resolver->full = full_new();
    return resolver;
}

void account_resolver_free(struct resolver *resolver)
{
    config_unref(resolver->config);
    cache_free(resolver->cache);
    full_free(resolver->full);
    free(resolver);
}

void resolver_set_config(struct resolver *resolver, struct config *config)
{
    struct config *old = resolver->config;

    resolver->config = config_ref(config);
    config_unref(old);
    cache_clear(resolver->cache);
}

void resolver_set_store(struct resolver *resolver, struct store *store)
{
    resolver->store = store;
    resolver->broken = false;
    resolver->checked = false;
    cache_clear(resolver->cache);
}

static const struct config_domain *find_domain(const struct config *config, struct slice name,
                                               bool *ret_alias)
{
    const struct config_domain *domain = config_find_domain(config, name);

    *ret_alias = domain && domain->alias_of.len;
    return *ret_alias ? config_find_domain(config, domain->alias_of) : domain;
}

static struct slice lower(struct arena *arena, struct slice text)
{
    struct slice copy = arena_dup(arena, text);
    char *bytes = (char *)(uintptr_t)copy.ptr;

    for (size_t i = 0; i < copy.len; i++)
        bytes[i] = ascii_lower(bytes[i]);
    return copy;
}

static struct slice join(struct arena *arena, struct slice local, struct slice domain)
{
    return arena_printf(arena, "%.*s@%.*s", SLICE_ARG(address_local_quote(arena, local)),
                        SLICE_ARG(domain));
}

/* The canonical forms of a mailbox in this domain, with and (if there is one) without its tag. */
static void make_keys(struct arena *arena, struct slice local, struct slice domain,
                      struct slice *ret_key, struct slice *ret_base)
{
    struct slice plain = lower(arena, address_local_unquote(arena, local)), user, tag;

    *ret_key = join(arena, plain, domain);
    if (address_split_tag(plain, '+', &user, &tag))
        *ret_base = join(arena, user, domain);
}

/* The same for an address that may be anywhere. */
static void make_keys_of(const struct question *q, struct slice mailbox, struct slice *ret_key,
                         struct slice *ret_base)
{
    const struct config_domain *domain;
    struct address address;
    bool alias;

    *ret_base = SLICE_NULL;
    if (address_parse_mailbox(mailbox, ADDRESS_UTF8, &address).error != ADDRESS_OK) {
        *ret_key = mailbox;
        return;
    }
    domain = find_domain(q->resolver->config, address.domain, &alias);
    if (domain)
        make_keys(q->arena, address.local, domain->name, ret_key, ret_base);
    else
        *ret_key = address_key(q->arena, mailbox);
}

static void answer(struct question *q, enum resolve_status status, const char *text)
{
    q->answer->status = status;
    q->answer->text = slice_from_cstr(text);
}

static void answer_expand(struct question *q, struct slice target, const char *text)
{
    answer(q, RESOLVE_EXPAND, text);
    q->answer->targets = arena_alloc(q->arena, sizeof(target));
    q->answer->targets[0] = target;
    q->answer->n_targets = 1;
}

/* A mailbox that the domain delivers to a route or a program. */
static void answer_elsewhere(struct question *q)
{
    if (q->domain->deliver == DELIVER_PROGRAM)
        answer_expand(q, arena_printf(q->arena, "program:%.*s", SLICE_ARG(q->domain->target)),
                      "the domain is delivered to a program");
    else if (q->domain_alias)
        answer_expand(q,
                      arena_printf(q->arena, "%.*s@%.*s", SLICE_ARG(q->address.local),
                                   SLICE_ARG(q->domain->name)),
                      "domain alias");
    else
        answer(q, RESOLVE_ROUTE, "the domain's mailboxes are behind its route");
}

static void answer_account(struct question *q, const struct store_account *account)
{
    if (!account->enabled) {
        answer(q, RESOLVE_UNKNOWN, "the account is disabled");
        return;
    }
    if (q->domain->deliver != DELIVER_MAILDIR) {
        answer_elsewhere(q);
        return;
    }
    answer(q, RESOLVE_LOCAL, "account");
    q->answer->account = account->address;
    q->answer->quota_bytes = account->own_quota ? account->quota_bytes : q->domain->quota_bytes;
    q->answer->quota_messages = account->quota_messages;
}

/* Whether the address came out of this very alias, so that its mailbox is meant. */
static bool came_from(const struct question *q, struct slice key)
{
    return q->via.len && (slice_eq(q->via, key) || slice_eq(q->via_base, key));
}

/* An alias or account of this canonical address. 0 with the answer, STORE_MISSING or -errno. */
static int find_mailbox(struct question *q, struct slice key)
{
    struct store *store = q->resolver->store;
    struct store_targets targets = {0};
    struct store_account account;
    int r = STORE_MISSING;

    if (!came_from(q, key))
        r = store_alias_find(store, q->arena, key, &targets);
    if (r == 0) {
        answer(q, RESOLVE_EXPAND, "alias");
        q->answer->targets = targets.list;
        q->answer->n_targets = (uint32_t)targets.count;
        return 0;
    }
    if (r == STORE_MISSING)
        r = store_account_find(store, q->arena, key, &account);
    if (r == 0)
        answer_account(q, &account);
    return r;
}

/* Whether `mailbox`, as the configuration names it, is the address in question. */
static bool is_same(const struct question *q, struct slice mailbox)
{
    struct slice key, base;

    if (q->key.len == 0) /* <postmaster> without a domain */
        return false;
    make_keys_of(q, mailbox, &key, &base);
    return slice_eq(key, q->key) || slice_eq(key, q->base) || slice_eq(base, q->key);
}

/* Whether an address of the configuration is nobody of ours: mail would be sent there only to be
 * bounced. What catches all may lead to another domain's catch-all, which is not followed further.
 */
static bool is_nobody(const struct question *q, struct slice mailbox)
{
    struct msg_resolved found = {0};
    struct question question = {
        .resolver = q->resolver, .arena = q->arena, .about_ourselves = true, .answer = &found};

    if (q->about_ourselves)
        return false;
    answer_question(&question, mailbox, SLICE_NULL);
    return found.status == RESOLVE_UNKNOWN;
}

/* Whether mail for the address in question can go to this one of the configuration instead. */
static bool can_stand_in(const struct question *q, struct slice mailbox)
{
    return mailbox.len && !is_same(q, mailbox) && !is_nobody(q, mailbox);
}

static void answer_postmaster(struct question *q)
{
    struct slice configured = q->resolver->config->postmaster;

    if (can_stand_in(q, configured)) {
        answer_expand(q, configured, "the configured postmaster");
        return;
    }
    if (q->domain && can_stand_in(q, q->domain->catch_all)) {
        answer_expand(q, q->domain->catch_all, "catch-all");
        return;
    }
    answer(q, RESOLVE_LOCAL, "postmaster is always there");
    q->answer->account = SLICE("postmaster");
}

/* The address is neither an alias nor an account. */
static void answer_missing(struct question *q)
{
    const struct config_domain *domain = q->domain;

    if (domain->recipients == RECIPIENTS_ANY)
        answer_elsewhere(q);
    else if (slice_eq_nocase(q->address.local, SLICE("postmaster")) && domain->local)
        answer_postmaster(q);
    else if (slice_eq_nocase(q->address.local, SLICE("postmaster")))
        answer_elsewhere(q);
    else if (can_stand_in(q, domain->catch_all))
        answer_expand(q, domain->catch_all, "catch-all");
    else
        answer(q, RESOLVE_UNKNOWN, "no such user");
}

static int look_up(struct question *q)
{
    int r = store_read_begin(q->resolver->store);

    if (r < 0)
        return r;
    r = find_mailbox(q, q->key);
    if (r == STORE_MISSING && q->base.len)
        r = find_mailbox(q, q->base);
    store_read_end(q->resolver->store);
    return r;
}

static void answer_from_store(struct question *q)
{
    struct resolver *resolver = q->resolver;
    int r = resolver->store && !resolver->broken ? look_up(q) : -EBUSY;

    if (r == STORE_MISSING) {
        answer_missing(q);
    } else if (r < 0) {
        resolver->counts.failed++;
        resolver->broken = resolver->broken || r != -EBUSY;
        answer(q, RESOLVE_LATER, "the account store cannot be read now");
    }
}

/* The address is well-formed and in a domain; which one, and what does that mean? */
static void answer_in_domain(struct question *q, struct slice via)
{
    const struct config_domain *domain =
        find_domain(q->resolver->config, q->address.domain, &q->domain_alias);

    if (!domain) {
        answer(q, RESOLVE_LATER, "the domain is not in the configuration");
        return;
    }
    q->domain = domain;
    if (!domain->local && domain->recipients == RECIPIENTS_ANY) {
        answer_elsewhere(q);
        return;
    }
    make_keys(q->arena, q->address.local, domain->name, &q->key, &q->base);
    if (via.len)
        make_keys_of(q, via, &q->via, &q->via_base);
    answer_from_store(q);
}

static void answer_question(struct question *q, struct slice address, struct slice via)
{
    struct address_result result =
        address_parse_mailbox(address, ADDRESS_UTF8 | ADDRESS_BARE_POSTMASTER, &q->address);

    if (result.error != ADDRESS_OK)
        answer(q, RESOLVE_UNKNOWN, address_error_text(result.error));
    else if (q->address.kind == ADDRESS_POSTMASTER)
        answer_postmaster(q);
    else
        answer_in_domain(q, via);
}

static void answer_uncached(struct resolver *resolver, const struct msg_resolve *request,
                            struct arena *arena, struct msg_resolved *ret_answer)
{
    struct question q = {.resolver = resolver, .arena = arena, .answer = ret_answer};

    answer_question(&q, request->address, request->via);
}

/* Empties the cache when another process has changed the store. */
static void check_version(struct resolver *resolver, uint64_t now_ms)
{
    uint64_t version;

    if (!resolver->store || resolver->broken ||
        (resolver->checked && now_ms - resolver->checked_ms < FRESH_MS))
        return;
    if (store_version(resolver->store, &version) < 0) {
        resolver->checked = false;
        cache_clear(resolver->cache);
        return;
    }
    if (!resolver->checked || version != resolver->version)
        cache_clear(resolver->cache);
    resolver->checked = true;
    resolver->version = version;
    resolver->checked_ms = now_ms;
}

static bool answer_from_cache(struct resolver *resolver, struct slice address, struct arena *arena,
                              struct msg_resolved *ret_answer)
{
    struct slice stored;

    /* The cache may forget it before the answer is used. */
    return cache_get(resolver->cache, address, &stored) &&
           msg_resolved_decode(arena_dup(arena, stored), arena, ret_answer) == 0;
}

static void remember(struct resolver *resolver, struct slice address,
                     const struct msg_resolved *answer_given)
{
    struct buf stored;

    buf_init(&stored, CACHE_ENTRY_MAX);
    msg_resolved_encode(&stored, answer_given);
    if (!stored.overflow)
        cache_put(resolver->cache, address, buf_slice(&stored));
    buf_done(&stored);
}

void resolver_resolve(struct resolver *resolver, const struct msg_resolve *request, uint64_t now_ms,
                      struct arena *arena, struct msg_resolved *ret_answer)
{
    bool cacheable = request->via.len == 0;

    *ret_answer = (struct msg_resolved){0};
    resolver->counts.asked++;
    check_version(resolver, now_ms);
    if (cacheable && answer_from_cache(resolver, request->address, arena, ret_answer)) {
        resolver->counts.from_cache++;
    } else {
        answer_uncached(resolver, request, arena, ret_answer);
        if (cacheable && ret_answer->status != RESOLVE_LATER)
            remember(resolver, request->address, ret_answer);
    }
    ret_answer->request = request->request;
    if (ret_answer->status == RESOLVE_LOCAL &&
        full_is(resolver->full, ret_answer->account, now_ms)) {
        ret_answer->status = RESOLVE_FULL;
        ret_answer->text = SLICE("the mailbox is over its quota");
    }
}

void resolver_usage(struct resolver *resolver, const struct msg_usage *usage, uint64_t now_ms)
{
    if (usage->full)
        full_note(resolver->full, usage->account, now_ms);
    else
        full_forget(resolver->full, usage->account);
}

bool resolver_store_is_broken(const struct resolver *resolver)
{
    return resolver->broken;
}

struct resolver_counts resolver_counts(const struct resolver *resolver)
{
    return resolver->counts;
}

size_t resolver_full_count(const struct resolver *resolver, uint64_t now_ms)
{
    return full_count(resolver->full, now_ms);
}
