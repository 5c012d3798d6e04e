/*
 * May an account send as this address? See meaning.h.
 *
 * Its own are, cheapest first:
 *
 *   - the address of the account, in its domain and in those that are aliases of it;
 *   - an address that was granted to it, by itself or by its domain ("@domain"), which may be
 *     foreign;
 *   - its address with a +tag, as long as that is not an account or alias by itself;
 *   - an alias whose targets include the account, directly or through aliases (OWN_DEPTH_MAX deep),
 *     but not through another account's mailbox: who gets a copy of somebody's mail is not he;
 *   - what reaches the account as its domain's catch_all, or as postmaster.
 *
 * A directory that cannot tell now makes the answer "later", unless something else says yes.
 * Aliases are searched breadth first, and no further than OWN_LOOKUPS_MAX look-ups.
 */
#include "account/meaning.h"

#include "mail/address.h"

#include <errno.h>

enum { OWN_DEPTH_MAX = 5, OWN_LOOKUPS_MAX = 256 };

enum own { OWN_WAITS, OWN_YES, OWN_NO, OWN_LATER };

struct claim {
    const struct meaning *meaning;
    struct slice account; /* canonical, aliases of domains undone */
    struct meaning_keys address;
    struct slice given; /* the address, canonical as it stands */
};

/* Mailboxes still to be looked at, one generation of aliases after the other. */
struct search {
    const struct claim *claim;
    struct slice *list; /* canonical addresses */
    size_t count, size;
    enum own found; /* OWN_NO until something better */
};

static struct directory *directory_of(const struct claim *claim, const struct config_domain *domain)
{
    return directories_of(claim->meaning->directories, domain);
}

static enum own is_granted(const struct claim *claim)
{
    struct directories *directories = claim->meaning->directories;
    struct store *store = directories_store(directories);
    int r = store ? store_grant_find(store, claim->account, claim->address.key) : -EBUSY;

    if (r == STORE_MISSING && !slice_eq(claim->given, claim->address.key))
        r = store_grant_find(store, claim->account, claim->given);
    directories_store_note(directories, r);
    if (r < 0)
        return OWN_LATER;
    return r == 0 ? OWN_YES : OWN_NO;
}

static void push(struct search *search, struct slice address)
{
    struct arena *arena = &search->claim->meaning->walk->arena;

    for (size_t i = 0; i < search->count; i++) {
        if (slice_eq(search->list[i], address))
            return;
    }
    if (search->count == search->size) {
        struct slice *longer;
        search->size = search->size ? search->size * 2 : 16;
        longer = arena_alloc(arena, search->size * sizeof(*longer));
        for (size_t i = 0; i < search->count; i++)
            longer[i] = search->list[i];
        search->list = longer;
    }
    search->list[search->count++] = address;
}

/* A target is the account, or an address of ours that may lead to it. */
static void look_at_target(struct search *search, struct slice target)
{
    struct meaning_keys keys;

    meaning_keys(search->claim->meaning, target, &keys);
    if (slice_eq(keys.key, search->claim->account) || slice_eq(keys.base, search->claim->account))
        search->found = OWN_YES;
    else if (keys.domain && search->count < OWN_LOOKUPS_MAX)
        push(search, keys.key);
}

/* An account that keeps its mail, and perhaps has others get a copy. */
static bool is_mailbox(struct search *search, const struct directory_entry *entry,
                       struct slice address)
{
    for (size_t i = 0; entry->is_account && i < entry->targets.count; i++) {
        struct meaning_keys keys;
        meaning_keys(search->claim->meaning, entry->targets.list[i], &keys);
        if (slice_eq(keys.key, address) || slice_eq(keys.base, address))
            return true;
    }
    return false;
}

static void open_alias(struct search *search, struct slice address)
{
    const struct meaning *meaning = search->claim->meaning;
    const struct directory_entry *entry;
    enum directory_status status = walk_find(
        meaning->walk, directories_of_account(meaning->directories, address), address, &entry);

    if (!status) /* WALK_WAITS */
        search->found = OWN_WAITS;
    else if (status == DIRECTORY_LATER)
        search->found = OWN_LATER;
    if (status == DIRECTORY_FOUND && is_mailbox(search, entry, address))
        return;
    for (size_t i = 0; status == DIRECTORY_FOUND && i < entry->targets.count; i++) {
        look_at_target(search, entry->targets.list[i]);
        if (search->found == OWN_YES)
            return;
    }
}

/* Whether the alias of this address leads to the account. */
static enum own is_member(const struct claim *claim, struct slice address)
{
    struct search search = {.claim = claim, .found = OWN_NO};
    size_t from = 0;

    push(&search, address);
    for (unsigned depth = 0; depth < OWN_DEPTH_MAX && from < search.count; depth++) {
        size_t end = search.count;
        for (; from < end; from++) {
            open_alias(&search, search.list[from]);
            if (search.found == OWN_WAITS || search.found == OWN_YES)
                return search.found;
        }
    }
    return search.found;
}

/* Whether mail to this address of the configuration reaches the account. */
static enum own stands_behind(const struct claim *claim, struct slice mailbox)
{
    struct meaning_keys keys;

    if (mailbox.len == 0)
        return OWN_NO;
    meaning_keys(claim->meaning, mailbox, &keys);
    if (slice_eq(keys.key, claim->account) || slice_eq(keys.base, claim->account))
        return OWN_YES;
    return keys.domain ? is_member(claim, keys.key) : OWN_NO;
}

/* The address is nobody's own: it is the account's that gets its mail all the same. */
static enum own is_unclaimed(const struct claim *claim)
{
    const struct config_domain *domain = claim->address.domain;
    bool postmaster = slice_eq(address_local(claim->address.key), SLICE("postmaster"));
    enum own own = OWN_NO;

    if (slice_eq(claim->address.base, claim->account))
        return OWN_YES;
    if (postmaster && domain->local)
        own = stands_behind(claim, claim->meaning->config->postmaster);
    return own == OWN_NO ? stands_behind(claim, domain->catch_all) : own;
}

static enum own judge_ours(const struct claim *claim)
{
    struct directory *directory = directory_of(claim, claim->address.domain);
    const struct directory_entry *entry;
    enum directory_status status =
        walk_find(claim->meaning->walk, directory, claim->address.key, &entry);

    if (status == DIRECTORY_NONE && claim->address.base.len &&
        !slice_eq(claim->address.base, claim->account)) {
        status = walk_find(claim->meaning->walk, directory, claim->address.base, &entry);
        if (status == DIRECTORY_FOUND)
            return OWN_NO; /* somebody else's, with a tag */
    }
    switch ((int)status) {
    case WALK_WAITS:
        return OWN_WAITS;
    case DIRECTORY_FOUND:
        return entry->targets.count ? is_member(claim, claim->address.key) : OWN_NO;
    case DIRECTORY_NONE:
        return is_unclaimed(claim);
    default:
        return OWN_LATER;
    }
}

static enum own judge(const struct claim *claim)
{
    enum own granted, own = OWN_NO;

    if (slice_eq(claim->address.key, claim->account))
        return OWN_YES;
    granted = is_granted(claim);
    if (granted == OWN_YES)
        return OWN_YES;
    if (claim->address.domain)
        own = judge_ours(claim);
    return own == OWN_NO ? granted : own;
}

void meaning_of_sender(const struct meaning *meaning, const struct msg_resolve *request,
                       struct msg_resolved *ret_answer)
{
    struct claim claim = {.meaning = meaning};
    struct meaning_keys account;
    struct address address;

    *ret_answer = (struct msg_resolved){0};
    if (address_parse_mailbox(request->address, ADDRESS_UTF8, &address).error != ADDRESS_OK) {
        ret_answer->status = RESOLVE_UNKNOWN;
        ret_answer->text = SLICE("it is not an address");
        return;
    }
    meaning_keys(meaning, request->sender, &account);
    meaning_keys(meaning, request->address, &claim.address);
    claim.account = account.key;
    claim.given = address_key(&meaning->walk->arena, request->address);
    switch (judge(&claim)) {
    case OWN_WAITS:
        break;
    case OWN_YES:
        ret_answer->status = RESOLVE_OWN;
        break;
    case OWN_NO:
        ret_answer->status = RESOLVE_UNKNOWN;
        ret_answer->text = SLICE("it is none of the account's addresses");
        break;
    case OWN_LATER:
        ret_answer->status = RESOLVE_LATER;
        ret_answer->text = SLICE("whose address it is cannot be looked up now");
        break;
    }
}
