/*
 * A window is a ring of SLOTS counters, one for each minute of an hour (or second of a minute), so
 * a count is exact to a minute in both directions: what is older than an hour never counts, and
 * what is younger than 59 minutes always does. About 1.3 KiB an account.
 *
 * The snapshot keeps the slots by their age, without the times of either clock:
 *
 *     version (u8)  { account, tripped (u8), 5 windows: n (u8) { age (u8) count (u32) }* }*
 *
 * It is read as anything from a disk, byte by byte, although only we write it.
 */
#include "account/breaker.h"

#include "base/wire.h"

#include <errno.h>
#include <uthash.h>

enum { SLOTS = 60, SECOND_MS = 1000, MINUTE_MS = 60 * 1000, SNAPSHOT_VERSION = 2 };

struct window {
    uint64_t newest; /* number of the newest slot since the clock's zero */
    uint32_t counts[SLOTS];
};

enum window_kind {
    WINDOW_MINUTE,
    WINDOW_MESSAGES,
    WINDOW_RECIPIENTS,
    WINDOW_BOUNCES,
    WINDOW_HELD,
    WINDOWS
};

struct entry {
    char *account;
    size_t len;
    bool tripped;
    struct window windows[WINDOWS];
    UT_hash_handle hh;
};

struct breaker {
    struct entry *entries; /* least recently used first */
};

static uint64_t slot_ms(enum window_kind kind)
{
    return kind == WINDOW_MINUTE ? SECOND_MS : MINUTE_MS;
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Forgets what is too old now. */
static void advance(struct window *window, enum window_kind kind, uint64_t now_ms)
{
    uint64_t slot = now_ms / slot_ms(kind), steps;

    steps = slot > window->newest ? slot - window->newest : 0;
    if (steps > SLOTS)
        steps = SLOTS;
    for (uint64_t i = 1; i <= steps; i++)
        window->counts[(slot - steps + i) % SLOTS] = 0;
    window->newest += slot > window->newest ? slot - window->newest : 0;
}

static uint64_t sum(const struct window *window)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < SLOTS; i++)
        total += window->counts[i];
    return total;
}

static void count(struct window *window, uint32_t n)
{
    uint32_t *slot = &window->counts[window->newest % SLOTS];

    *slot = n < UINT32_MAX - *slot ? *slot + n : UINT32_MAX;
}

/* ---- accounts ------------------------------------------------------------------------------ */

struct breaker *breaker_new(void)
{
    return xcalloc(1, sizeof(struct breaker));
}

static void drop(struct breaker *breaker, struct entry *entry)
{
    HASH_DEL(breaker->entries, entry);
    free(entry->account);
    free(entry);
}

void breaker_free(struct breaker *breaker)
{
    if (!breaker)
        return;
    while (breaker->entries)
        drop(breaker, breaker->entries);
    free(breaker);
}

static struct entry *find(const struct breaker *breaker, struct slice account)
{
    struct entry *entry;

    HASH_FIND(hh, breaker->entries, account.ptr, account.len, entry);
    return entry;
}

/* Makes it where it is missing; it goes to the end of the order either way. */
static struct entry *use(struct breaker *breaker, struct slice account, uint64_t now_ms)
{
    struct entry *entry = find(breaker, account);

    if (entry) {
        HASH_DEL(breaker->entries, entry);
    } else {
        if (HASH_COUNT(breaker->entries) >= BREAKER_ACCOUNTS_MAX)
            drop(breaker, breaker->entries);
        entry = xcalloc(1, sizeof(*entry));
        entry->account = xslicedup(account);
        entry->len = account.len;
    }
    HASH_ADD_KEYPTR(hh, breaker->entries, entry->account, entry->len, entry);
    for (enum window_kind kind = 0; kind < WINDOWS; kind++)
        advance(&entry->windows[kind], kind, now_ms);
    return entry;
}

/* ---- verdicts ------------------------------------------------------------------------------ */

/* Would so many more be too many? */
static bool passes(const struct entry *entry, enum window_kind kind, uint32_t more, uint64_t limit,
                   struct buf *why)
{
    static const char *const names[] = {"messages in a minute", "messages in an hour",
                                        "recipients in an hour", "refused recipients in an hour",
                                        "messages held in an hour"};
    uint64_t total = sum(&entry->windows[kind]) + more;

    if (limit == 0 || total <= limit)
        return false;
    buf_printf(why, "%llu %s, the limit is %llu", (unsigned long long)total, names[kind],
               (unsigned long long)limit);
    return true;
}

enum breaker_verdict breaker_submit(struct breaker *breaker, struct slice account,
                                    const struct breaker_limits *limits, uint32_t recipients,
                                    uint64_t now_ms, struct buf *why)
{
    struct entry *entry = use(breaker, account, now_ms);

    if (passes(entry, WINDOW_MESSAGES, 1, limits->messages_per_hour, why) ||
        passes(entry, WINDOW_RECIPIENTS, recipients, limits->recipients_per_hour, why))
        return BREAKER_TRIP;
    if (passes(entry, WINDOW_MINUTE, 1, limits->messages_per_minute, why))
        return BREAKER_LATER;
    count(&entry->windows[WINDOW_MINUTE], 1);
    count(&entry->windows[WINDOW_MESSAGES], 1);
    count(&entry->windows[WINDOW_RECIPIENTS], recipients);
    return BREAKER_GO;
}

enum breaker_verdict breaker_hold(struct breaker *breaker, struct slice account,
                                  const struct breaker_limits *limits, uint64_t now_ms,
                                  struct buf *why)
{
    struct entry *entry = use(breaker, account, now_ms);
    uint64_t limit = limits->messages_per_hour;

    if (limit && limit < BREAKER_HELD_MIN)
        limit = BREAKER_HELD_MIN;
    if (passes(entry, WINDOW_HELD, 1, limit, why))
        return BREAKER_LATER;
    count(&entry->windows[WINDOW_HELD], 1);
    return BREAKER_GO;
}

enum breaker_verdict breaker_bounced(struct breaker *breaker, struct slice account,
                                     const struct breaker_limits *limits, uint32_t recipients,
                                     uint64_t now_ms, struct buf *why)
{
    struct entry *entry = use(breaker, account, now_ms);

    count(&entry->windows[WINDOW_BOUNCES], recipients);
    return passes(entry, WINDOW_BOUNCES, 0, limits->bounces_per_hour, why) ? BREAKER_TRIP
                                                                           : BREAKER_GO;
}

void breaker_tripped(struct breaker *breaker, struct slice account, uint64_t now_ms)
{
    use(breaker, account, now_ms)->tripped = true;
}

void breaker_thawed(struct breaker *breaker, struct slice account)
{
    struct entry *entry = find(breaker, account);

    if (entry && entry->tripped)
        drop(breaker, entry);
}

/* ---- the snapshot -------------------------------------------------------------------------- */

/* Slots of age 0 to SLOTS - 1; *ret_count is what one of them holds. */
static uint32_t count_of_age(const struct window *window, enum window_kind kind, unsigned age,
                             uint64_t now_ms)
{
    uint64_t slot = now_ms / slot_ms(kind);

    if (slot < age || slot - age > window->newest || slot - age + SLOTS <= window->newest)
        return 0;
    return window->counts[(slot - age) % SLOTS];
}

static void save_window(const struct window *window, enum window_kind kind, uint64_t now_ms,
                        struct buf *out)
{
    uint8_t n = 0;

    for (unsigned age = 0; age < SLOTS; age++)
        n = (uint8_t)(n + (count_of_age(window, kind, age, now_ms) != 0));
    wire_put_u8(out, n);
    for (unsigned age = 0; age < SLOTS; age++) {
        uint32_t value = count_of_age(window, kind, age, now_ms);
        if (value == 0)
            continue;
        wire_put_u8(out, (uint8_t)age);
        wire_put_u32(out, value);
    }
}

void breaker_save(const struct breaker *breaker, uint64_t now_ms, struct buf *out)
{
    wire_put_u8(out, SNAPSHOT_VERSION);
    for (const struct entry *entry = breaker->entries; entry; entry = entry->hh.next) {
        wire_put_slice(out, slice_from(entry->account, entry->len));
        wire_put_u8(out, entry->tripped);
        for (enum window_kind kind = 0; kind < WINDOWS; kind++)
            save_window(&entry->windows[kind], kind, now_ms, out);
    }
}

/* False: damage. */
static bool load_window(struct wire *in, struct window *window, enum window_kind kind,
                        uint64_t elapsed_ms)
{
    uint8_t n = wire_get_u8(in);

    for (uint8_t i = 0; i < n && !in->failed; i++) {
        uint64_t age = wire_get_u8(in) + elapsed_ms / slot_ms(kind);
        uint32_t value = wire_get_u32(in);
        if (age < SLOTS && age <= window->newest)
            window->counts[(window->newest - age) % SLOTS] = value;
    }
    return !in->failed && n <= SLOTS;
}

int breaker_load(struct breaker *breaker, struct slice saved, uint64_t elapsed_ms, uint64_t now_ms)
{
    struct wire in = wire_from(saved);
    bool good = wire_get_u8(&in) == SNAPSHOT_VERSION;

    while (good && in.rest.len) {
        struct slice account = wire_get_slice(&in);
        struct entry *entry = use(breaker, account, now_ms);
        entry->tripped = wire_get_u8(&in);
        for (enum window_kind kind = 0; good && kind < WINDOWS; kind++)
            good = load_window(&in, &entry->windows[kind], kind, elapsed_ms);
    }
    if (good)
        return 0;
    while (breaker->entries)
        drop(breaker, breaker->entries);
    return -EBADMSG;
}
