/*
 * Failed logins, counted. See throttle.h for what is blocked when.
 *
 * Three kinds of subjects share one hash table: addresses, accounts, and pairs of both that have
 * logged in once ("known"). Whether a pair is known decides everything: the blocks of the address
 * and of the account hold for strangers only, a known pair has failures and a block of its own.
 *
 * What an attacker can do with it, and what he gains:
 *
 * - Guess in parallel: the caller asks again when it knows the answer and before it tells it, so
 *   that of a thousand guesses under way at once `failures` are answered and the rest learn
 * nothing. Failures during a block are not counted, so they cannot lengthen it either.
 * - Clear his address by logging in to an account of his own in between: a success takes back only
 *   failures for that same account.
 * - Change address: IPv6 counts by /64, since that is what one line gets; who owns a /48 has 65,536
 *   of them, who has a botnet has more. Then the account's own count stops him. What is left is one
 *   guess an hour at the most, for each account.
 * - Lock out an account's owner, by failing for him on purpose. It does not touch the addresses
 * that he uses already; a new one of his waits an hour at the most (ACCOUNT_BLOCK_MAX_MS), and it
 * takes ACCOUNT_FACTOR times as many failures from several addresses to start that.
 * - Lock out the address that he shares with others (an office, a carrier's NAT): only those who
 *   have never logged in from there.
 * - Guess from an address that the owner uses: the pair's own count stops him as any other.
 * - Push counters out of the bounded table: each costs him a failed login from an address that is
 *   not blocked, which is seconds of hashing for every thousand; what is blocked is never pushed
 *   out by what is not, and known pairs only by other successful logins.
 * - Find names that fall into one bucket of the hash table: the same price for each name, and what
 *   he gets is a list of a few thousand to walk.
 *
 * Known pairs are kept in memory alone. After a restart an owner is a stranger until he has logged
 * in once, so that a block of his account that is still in force then holds for him, too.
 */
#include "account/throttle.h"

#include <arpa/inet.h>
#include <uthash.h>
#include <utlist.h>

enum {
    FORGET_MS = 24 * 60 * 60 * 1000,
    ACCOUNT_FACTOR = 4,
    ACCOUNT_BLOCK_MAX_MS = 60 * 60 * 1000,
    KEY_MAX = 512, /* longer ones are nobody's name */
};

/* Where a subject is kept, each in the order of use. */
enum shelf { SHELF_FAILED, SHELF_BLOCKED, SHELF_KNOWN, SHELF_COUNT };
enum { BLOCKED_MAX = THROTTLE_SUBJECTS_MAX / 2 };

struct subject {
    enum shelf shelf;
    unsigned failures;
    uint64_t failed_ms; /* the last one */
    uint64_t until_ms;  /* blocked, when that is to come */
    /* Of an address: the account that it failed for last, and how often in a row. */
    uint64_t last_account;
    unsigned last_failures;
    UT_hash_handle hh;
    struct subject *prev, *next;
    size_t key_len;
    char key[]; /* 'A' address, 'U' account, or 'K' address NUL account */
};

struct throttle {
    struct throttle_rules rules;
    struct subject *subjects;
    struct subject *shelves[SHELF_COUNT]; /* least recently used first */
    size_t counts[SHELF_COUNT];
};

/* What one call is about. A key of length 0: there is no such subject. */
struct key {
    char text[KEY_MAX];
    size_t len;
};
struct keys {
    struct key address, account, pair;
};

struct throttle *throttle_new(const struct throttle_rules *rules)
{
    struct throttle *throttle = xcalloc(1, sizeof(*throttle));

    throttle->rules = *rules;
    return throttle;
}

static void unshelve(struct throttle *throttle, struct subject *subject)
{
    DL_DELETE(throttle->shelves[subject->shelf], subject);
    throttle->counts[subject->shelf]--;
}

static void drop(struct throttle *throttle, struct subject *subject)
{
    unshelve(throttle, subject);
    HASH_DEL(throttle->subjects, subject);
    free(subject);
}

void throttle_free(struct throttle *throttle)
{
    struct subject *subject, *next;

    if (!throttle)
        return;
    HASH_ITER(hh, throttle->subjects, subject, next)
    drop(throttle, subject);
    free(throttle);
}

void throttle_set_rules(struct throttle *throttle, const struct throttle_rules *rules)
{
    throttle->rules = *rules;
}

/* ---- names --------------------------------------------------------------------------------- */

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The text into out[INET6_ADDRSTRLEN + 4]; false when `address` is none. A zone ("%eth0") says
 * which link, not who. */
static bool format_subject(struct slice address, char *out)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    ptrdiff_t zone = slice_find(address, '%');

    if (zone >= 0)
        address.len = (size_t)zone;
    if (address.len == 0 || address.len >= sizeof(text))
        return false;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return inet_ntop(AF_INET, bytes, out, INET6_ADDRSTRLEN);
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return false;
    if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
        return inet_ntop(AF_INET, bytes + sizeof(mapped_prefix), out, INET6_ADDRSTRLEN);
    memset(bytes + 8, 0, 8);
    inet_ntop(AF_INET6, bytes, out, INET6_ADDRSTRLEN);
    memcpy(out + strlen(out), "/64", sizeof("/64"));
    return true;
}

struct slice throttle_subject_of(struct arena *arena, struct slice address)
{
    char text[INET6_ADDRSTRLEN + 4];

    return format_subject(address, text) ? arena_dup(arena, slice_from_cstr(text)) : SLICE_NULL;
}

/* Without the parts that it is made of there is no key. Letters are folded, so that no spelling of
 * a name has a count of its own. */
static void make_key(struct key *key, char kind, struct slice first, struct slice second)
{
    key->len = 0;
    if (first.len == 0 || first.len + second.len + 2 > KEY_MAX)
        return;
    key->text[key->len++] = kind;
    for (size_t i = 0; i < first.len; i++)
        key->text[key->len++] = ascii_lower(first.ptr[i]);
    if (second.len == 0)
        return;
    key->text[key->len++] = '\0';
    for (size_t i = 0; i < second.len; i++)
        key->text[key->len++] = ascii_lower(second.ptr[i]);
}

static void make_keys(struct keys *keys, struct slice address, struct slice account)
{
    char text[INET6_ADDRSTRLEN + 4] = "";
    struct slice subject = format_subject(address, text) ? slice_from_cstr(text) : SLICE_NULL;

    make_key(&keys->address, 'A', subject, SLICE_NULL);
    make_key(&keys->account, 'U', account, SLICE_NULL);
    keys->pair.len = 0;
    if (account.len)
        make_key(&keys->pair, 'K', subject.len ? subject : SLICE("local"), account);
}

static struct slice name_of(const struct subject *subject)
{
    return slice_from(subject->key + 1, subject->key_len - 1);
}

/* ---- the table ------------------------------------------------------------------------------ */

static struct subject *find(struct throttle *throttle, const struct key *key)
{
    struct subject *subject = NULL;

    if (key->len)
        HASH_FIND(hh, throttle->subjects, key->text, key->len, subject);
    return subject;
}

/* To the end of its shelf. Where there are too many, the first goes. */
static void shelve(struct throttle *throttle, struct subject *subject, enum shelf shelf)
{
    size_t *counts = throttle->counts;

    subject->shelf = shelf;
    DL_APPEND(throttle->shelves[shelf], subject);
    counts[shelf]++;
    if (counts[SHELF_BLOCKED] > BLOCKED_MAX)
        drop(throttle, throttle->shelves[SHELF_BLOCKED]);
    if (counts[SHELF_BLOCKED] + counts[SHELF_FAILED] > THROTTLE_SUBJECTS_MAX)
        drop(throttle, throttle->shelves[SHELF_FAILED]);
    if (counts[SHELF_KNOWN] > THROTTLE_SUBJECTS_MAX)
        drop(throttle, throttle->shelves[SHELF_KNOWN]);
}

static struct subject *find_or_add(struct throttle *throttle, const struct key *key,
                                   enum shelf shelf)
{
    struct subject *subject = find(throttle, key);

    if (subject || key->len == 0)
        return subject;
    subject = xcalloc(1, sizeof(*subject) + key->len);
    subject->key_len = key->len;
    memcpy(subject->key, key->text, key->len);
    HASH_ADD_KEYPTR(hh, throttle->subjects, subject->key, subject->key_len, subject);
    shelve(throttle, subject, shelf);
    return subject;
}

static void use(struct throttle *throttle, struct subject *subject)
{
    enum shelf shelf = subject->shelf == SHELF_KNOWN ? SHELF_KNOWN
                       : subject->until_ms           ? SHELF_BLOCKED
                                                     : SHELF_FAILED;

    unshelve(throttle, subject);
    shelve(throttle, subject, shelf);
}

/* ---- counting ------------------------------------------------------------------------------- */

static unsigned allowed_failures(const struct throttle *throttle, const struct subject *subject)
{
    return throttle->rules.failures * (subject->key[0] == 'U' ? ACCOUNT_FACTOR : 1);
}

static uint64_t block_length(const struct throttle *throttle, const struct subject *subject)
{
    uint64_t length = throttle->rules.block_first_ms, max = throttle->rules.block_max_ms;

    if (subject->key[0] == 'U' && max > ACCOUNT_BLOCK_MAX_MS)
        max = ACCOUNT_BLOCK_MAX_MS;
    for (unsigned n = allowed_failures(throttle, subject); n < subject->failures && length < max;
         n++)
        length *= 2;
    return length < max ? length : max;
}

static bool is_blocked(const struct subject *subject, uint64_t now_ms)
{
    return subject && subject->until_ms > now_ms;
}

static void forget_failures(struct subject *subject)
{
    subject->failures = subject->last_failures = 0;
    subject->until_ms = 0;
}

/* One more for a subject that is not blocked. */
static void count_failure(struct throttle *throttle, struct subject *subject, uint64_t now_ms)
{
    if (now_ms >= subject->failed_ms + FORGET_MS && now_ms >= subject->until_ms + FORGET_MS)
        forget_failures(subject);
    subject->failed_ms = now_ms;
    if (subject->failures < UINT32_MAX)
        subject->failures++;
    if (subject->failures >= allowed_failures(throttle, subject))
        subject->until_ms = now_ms + block_length(throttle, subject);
    use(throttle, subject);
}

static void take_back(struct throttle *throttle, struct subject *subject, unsigned failures)
{
    if (!subject)
        return;
    subject->failures -= failures < subject->failures ? failures : subject->failures;
    if (subject->failures < allowed_failures(throttle, subject))
        subject->until_ms = 0;
    if (subject->failures == 0)
        drop(throttle, subject);
    else
        use(throttle, subject);
}

/* ---- the interface -------------------------------------------------------------------------- */

bool throttle_may_try(struct throttle *throttle, struct slice address, struct slice account,
                      uint64_t now_ms, uint64_t *ret_until_ms)
{
    const struct subject *subjects[2] = {NULL, NULL};
    struct keys keys;
    uint64_t until = 0;

    make_keys(&keys, address, account);
    subjects[0] = find(throttle, &keys.pair);
    if (!subjects[0]) {
        subjects[0] = find(throttle, &keys.address);
        subjects[1] = find(throttle, &keys.account);
    }
    for (size_t i = 0; i < 2; i++) {
        if (is_blocked(subjects[i], now_ms) && subjects[i]->until_ms > until)
            until = subjects[i]->until_ms;
    }
    if (until)
        *ret_until_ms = until;
    return until == 0;
}

bool throttle_knows(struct throttle *throttle, struct slice address, struct slice account)
{
    struct keys keys;

    make_keys(&keys, address, account);
    return find(throttle, &keys.pair) != NULL;
}

/* How many of the address's last failures in a row were for this account. */
static void note_account(struct subject *address, struct slice account)
{
    uint64_t hash = slice_hash(account);

    if (address->last_account != hash)
        address->last_failures = 0;
    address->last_account = hash;
    address->last_failures++;
}

static void tell_block(const struct subject *subject, struct throttle_block *ret_block)
{
    *ret_block = (struct throttle_block){
        .kind = subject->key[0] == 'A' ? THROTTLE_ADDRESS : THROTTLE_ACCOUNT,
        .subject = name_of(subject),
        .failures = subject->failures,
        .until_ms = subject->until_ms,
    };
}

/* Counts it for one subject. Making the next may push out another one, but never the one that was
 * used last: so each is through before the next begins. Returns how many blocks began. */
static unsigned fail_subject(struct throttle *throttle, const struct key *key,
                             const struct key *account, uint64_t now_ms,
                             struct throttle_block *ret_block)
{
    struct subject *subject = find_or_add(throttle, key, SHELF_FAILED);

    if (!subject || is_blocked(subject, now_ms))
        return 0;
    count_failure(throttle, subject, now_ms);
    if (subject->key[0] == 'A')
        note_account(subject, slice_from(account->text, account->len));
    if (!is_blocked(subject, now_ms))
        return 0;
    tell_block(subject, ret_block);
    return 1;
}

unsigned throttle_failed(struct throttle *throttle, struct slice address, struct slice account,
                         uint64_t now_ms, struct throttle_block ret_blocks[2])
{
    struct subject *known;
    struct keys keys;
    uint64_t until;
    unsigned n;

    if (throttle->rules.failures == 0 ||
        !throttle_may_try(throttle, address, account, now_ms, &until))
        return 0;
    make_keys(&keys, address, account);
    known = find(throttle, &keys.pair);
    if (known)
        count_failure(throttle, known, now_ms);
    n = fail_subject(throttle, &keys.address, &keys.account, now_ms, &ret_blocks[0]);
    if (!known)
        n += fail_subject(throttle, &keys.account, &keys.account, now_ms, &ret_blocks[n]);
    return n;
}

void throttle_succeeded(struct throttle *throttle, struct slice address, struct slice account,
                        uint64_t now_ms)
{
    struct subject *of_address, *known;
    struct keys keys;
    unsigned failures = 0;

    (void)now_ms;
    make_keys(&keys, address, account);
    of_address = find(throttle, &keys.address);
    if (of_address &&
        of_address->last_account == slice_hash(slice_from(keys.account.text, keys.account.len)))
        failures = of_address->last_failures;
    if (failures) {
        of_address->last_failures = 0;
        take_back(throttle, of_address, failures);
    }
    known = find(throttle, &keys.pair);
    if (!known && failures)
        take_back(throttle, find(throttle, &keys.account), failures);
    known = find_or_add(throttle, &keys.pair, SHELF_KNOWN);
    if (!known)
        return;
    forget_failures(known);
    use(throttle, known);
}

static void make_key_of_kind(struct key *key, enum throttle_kind kind, struct slice subject)
{
    make_key(key, kind == THROTTLE_ADDRESS ? 'A' : 'U', subject, SLICE_NULL);
}

void throttle_restore(struct throttle *throttle, const struct throttle_block *block,
                      uint64_t now_ms)
{
    struct subject *subject;
    struct key key;

    make_key_of_kind(&key, block->kind, block->subject);
    subject = find_or_add(throttle, &key, SHELF_FAILED);
    if (!subject)
        return;
    subject->failures = block->failures;
    subject->failed_ms = now_ms;
    subject->until_ms = block->until_ms;
    use(throttle, subject);
}

/* Is this pair one of the address, or of the account? */
static bool belongs_to(const struct subject *pair, const struct key *key)
{
    struct slice account = name_of(pair);
    struct slice address = slice_cut(&account, '\0');

    return slice_eq(key->text[0] == 'A' ? address : account,
                    slice_from(key->text + 1, key->len - 1));
}

void throttle_lift(struct throttle *throttle, enum throttle_kind kind, struct slice subject)
{
    struct subject *lifted, *pair;
    struct key key;

    make_key_of_kind(&key, kind, subject);
    if (key.len == 0)
        return;
    lifted = find(throttle, &key);
    if (lifted)
        drop(throttle, lifted);
    DL_FOREACH(throttle->shelves[SHELF_KNOWN], pair)
    {
        if (belongs_to(pair, &key))
            forget_failures(pair);
    }
}
