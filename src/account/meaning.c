/*
 * The order of look-ups of an address. See meaning.h, and resolve.h for the rules.
 *
 * A directory that cannot tell never makes a user unknown: the answer is "later", for an unknown
 * user is a bounce. So is a domain that is not in the configuration: whoever asks has another one
 * in force.
 *
 * "Waits" goes all the way up as an answer without a status: every function here returns as soon as
 * it meets one, and is called again with all that was found remembered in the walk.
 */
#include "account/meaning.h"

#include "mail/address.h"

/* One question, or one that it leads to. */
struct question {
    const struct meaning *meaning;
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
    *ret_base = SLICE_NULL;
    if (address_split_tag(plain, '+', &user, &tag))
        *ret_base = join(arena, user, domain);
}

void meaning_keys(const struct meaning *meaning, struct slice mailbox,
                  struct meaning_keys *ret_keys)
{
    struct arena *arena = &meaning->walk->arena;
    struct address address;
    bool alias;

    *ret_keys = (struct meaning_keys){.key = mailbox};
    if (address_parse_mailbox(mailbox, ADDRESS_UTF8, &address).error != ADDRESS_OK)
        return;
    ret_keys->domain = find_domain(meaning->config, address.domain, &alias);
    if (ret_keys->domain)
        make_keys(arena, address.local, ret_keys->domain->name, &ret_keys->key, &ret_keys->base);
    else
        ret_keys->key = address_key(arena, mailbox);
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

static void answer_account(struct question *q, struct slice key,
                           const struct directory_entry *account)
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
    q->answer->account = key;
    q->answer->quota_bytes = account->own_quota ? account->quota_bytes : q->domain->quota_bytes;
    q->answer->quota_messages = account->quota_messages;
}

/* Whether the address came out of this very alias, so that its mailbox is meant. */
static bool came_from(const struct question *q, struct slice key)
{
    return q->via.len && (slice_eq(q->via, key) || slice_eq(q->via_base, key));
}

/* An alias or account of this canonical address: with DIRECTORY_FOUND it is answered. */
static enum directory_status find_mailbox(struct question *q, struct slice key)
{
    struct directory *directory = directories_of(q->meaning->directories, q->domain);
    const struct directory_entry *entry;
    enum directory_status status = walk_find(q->meaning->walk, directory, key, &entry);

    if (status != DIRECTORY_FOUND)
        return status;
    if (entry->targets.count && !came_from(q, key)) {
        answer(q, RESOLVE_EXPAND, "alias");
        q->answer->targets = entry->targets.list;
        q->answer->n_targets = (uint32_t)entry->targets.count;
        return DIRECTORY_FOUND;
    }
    if (!entry->is_account)
        return DIRECTORY_NONE;
    answer_account(q, key, entry);
    return DIRECTORY_FOUND;
}

/* Whether `mailbox`, as the configuration names it, is the address in question. */
static bool is_same(const struct question *q, struct slice mailbox)
{
    struct meaning_keys keys;

    if (q->key.len == 0) /* <postmaster> without a domain */
        return false;
    meaning_keys(q->meaning, mailbox, &keys);
    return slice_eq(keys.key, q->key) || slice_eq(keys.key, q->base) || slice_eq(keys.base, q->key);
}

enum stand_in { STAND_IN_WAITS, STAND_IN_NONE, STAND_IN_GOOD, STAND_IN_LATER };

static bool is_ours(const struct question *q, struct slice mailbox)
{
    return config_find_domain(q->meaning->config, address_domain(mailbox)) != NULL;
}

/*
 * Whether mail for the address in question can go to this one of the configuration instead: not to
 * nobody of ours, where it would be sent only to be bounced. What catches all may lead to another
 * domain's catch-all, which is not followed further.
 */
static enum stand_in stand_in(const struct question *q, struct slice mailbox)
{
    struct msg_resolved found = {0};
    struct question question = {
        .meaning = q->meaning, .arena = q->arena, .about_ourselves = true, .answer = &found};

    if (mailbox.len == 0 || is_same(q, mailbox))
        return STAND_IN_NONE;
    if (q->about_ourselves || !is_ours(q, mailbox))
        return STAND_IN_GOOD;
    answer_question(&question, mailbox, SLICE_NULL);
    switch ((int)found.status) {
    case 0:
        return STAND_IN_WAITS;
    case RESOLVE_UNKNOWN:
        return STAND_IN_NONE;
    case RESOLVE_LATER:
        return STAND_IN_LATER;
    default:
        return STAND_IN_GOOD;
    }
}

/* Postmaster's mail is always taken, so one that cannot be looked up now counts as being there. */
static void answer_postmaster(struct question *q)
{
    struct slice configured = q->meaning->config->postmaster;
    enum stand_in status = stand_in(q, configured);

    if (status == STAND_IN_WAITS)
        return;
    if (status != STAND_IN_NONE) {
        answer_expand(q, configured, "the configured postmaster");
        return;
    }
    status = q->domain ? stand_in(q, q->domain->catch_all) : STAND_IN_NONE;
    if (status == STAND_IN_WAITS)
        return;
    if (status != STAND_IN_NONE) {
        answer_expand(q, q->domain->catch_all, "catch-all");
        return;
    }
    answer(q, RESOLVE_LOCAL, "postmaster is always there");
    q->answer->account = SLICE("postmaster");
}

static void answer_catch_all(struct question *q)
{
    switch (stand_in(q, q->domain->catch_all)) {
    case STAND_IN_WAITS:
        break;
    case STAND_IN_NONE:
        answer(q, RESOLVE_UNKNOWN, "no such user");
        break;
    case STAND_IN_GOOD:
        answer_expand(q, q->domain->catch_all, "catch-all");
        break;
    case STAND_IN_LATER:
        answer(q, RESOLVE_LATER, "the catch-all address cannot be looked up now");
        break;
    }
}

/* The address is neither an alias nor an account. */
static void answer_missing(struct question *q)
{
    bool postmaster = slice_eq_nocase(q->address.local, SLICE("postmaster"));

    if (q->domain->recipients == RECIPIENTS_ANY || (postmaster && !q->domain->local))
        answer_elsewhere(q);
    else if (postmaster)
        answer_postmaster(q);
    else
        answer_catch_all(q);
}

static void answer_from_directory(struct question *q)
{
    enum directory_status status = find_mailbox(q, q->key);

    if (status == DIRECTORY_NONE && q->base.len)
        status = find_mailbox(q, q->base);
    if (status == DIRECTORY_NONE)
        answer_missing(q);
    else if (status == DIRECTORY_LATER)
        answer(q, RESOLVE_LATER, "the accounts of the domain cannot be read now");
}

/*
 * An address that stands for a sender elsewhere (SRS) comes before all that exists or catches: it
 * was made for somebody who is not here. Forged ones are nobody's, not even a catch-all's: whoever
 * makes them up wants mail to be sent on. False: it is none. What a day changes is not to be kept.
 */
static bool answer_srs(struct question *q)
{
    const struct meaning *meaning = q->meaning;
    struct slice sender;

    if (!address_is_srs(q->address.local))
        return false;
    meaning->walk->fleeting = true;
    switch (srs_reverse(meaning->srs, q->address.local, meaning->days, q->arena, &sender)) {
    case SRS_NO_SRS:
        return false;
    case SRS_OK:
        answer_expand(q, sender, "the sender of forwarded mail");
        break;
    case SRS_FORGED:
        if (meaning->srs->n_secrets)
            answer(q, RESOLVE_FORGED, "this rewritten address was not made here");
        else
            answer(q, RESOLVE_LATER, "the secret of rewritten addresses is not there");
        break;
    case SRS_OLD:
        answer(q, RESOLVE_EXPIRED, "this rewritten address has expired");
        break;
    }
    return true;
}

/* The address is well-formed and in a domain; which one, and what does that mean? */
static void answer_in_domain(struct question *q, struct slice via)
{
    const struct config_domain *domain =
        find_domain(q->meaning->config, q->address.domain, &q->domain_alias);
    struct meaning_keys keys;

    if (!domain) {
        answer(q, RESOLVE_LATER, "the domain is not in the configuration");
        return;
    }
    q->domain = domain;
    if (!domain->local && domain->recipients == RECIPIENTS_ANY) {
        answer_elsewhere(q);
        return;
    }
    if (domain->local && answer_srs(q))
        return;
    make_keys(q->arena, q->address.local, domain->name, &q->key, &q->base);
    if (via.len) {
        meaning_keys(q->meaning, via, &keys);
        q->via = keys.key;
        q->via_base = keys.base;
    }
    answer_from_directory(q);
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

void meaning_of_address(const struct meaning *meaning, const struct msg_resolve *request,
                        struct msg_resolved *ret_answer)
{
    struct question q = {.meaning = meaning, .arena = &meaning->walk->arena, .answer = ret_answer};

    *ret_answer = (struct msg_resolved){0};
    answer_question(&q, request->address, request->via);
}
