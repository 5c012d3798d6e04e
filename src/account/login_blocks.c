/*
 * Beside the throttle, which knows monotonic time alone, stands a table of the blocks that are in
 * the store: a row that is missing there before its time is over was removed by an administrator.
 *
 * A block that could not be stored (the disk is full) is in force until a restart.
 */
#include "account/login_blocks.h"

#include "account/throttle.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include <string.h>
#include <uthash.h>

struct entry {
    enum throttle_kind kind;
    uint64_t until_ms; /* wall time */
    bool seen;         /* during a reading */
    UT_hash_handle hh;
    size_t key_len;
    char key[]; /* 'a' or 'u', then the subject */
};

struct login_blocks {
    struct throttle *throttle;
    struct entry *stored;
};

static struct throttle_rules throttle_rules(const struct config_auth *rules)
{
    return (struct throttle_rules){.failures = rules->failures,
                                   .block_first_ms = rules->block_first_ms,
                                   .block_max_ms = rules->block_max_ms};
}

struct login_blocks *login_blocks_new(const struct config_auth *rules)
{
    struct login_blocks *blocks = xcalloc(1, sizeof(*blocks));
    struct throttle_rules limits = throttle_rules(rules);

    blocks->throttle = throttle_new(&limits);
    return blocks;
}

static void drop(struct login_blocks *blocks, struct entry *entry)
{
    HASH_DEL(blocks->stored, entry);
    free(entry);
}

void login_blocks_free(struct login_blocks *blocks)
{
    struct entry *entry, *next;

    if (!blocks)
        return;
    HASH_ITER(hh, blocks->stored, entry, next)
    drop(blocks, entry);
    throttle_free(blocks->throttle);
    free(blocks);
}

void login_blocks_set_rules(struct login_blocks *blocks, const struct config_auth *rules)
{
    struct throttle_rules limits = throttle_rules(rules);

    throttle_set_rules(blocks->throttle, &limits);
}

bool login_blocks_may_try(struct login_blocks *blocks, struct slice address, struct slice account)
{
    uint64_t until;

    return throttle_may_try(blocks->throttle, address, account, clock_mono_ms(), &until);
}

bool login_blocks_knows(struct login_blocks *blocks, struct slice address, struct slice account)
{
    return throttle_knows(blocks->throttle, address, account);
}

void login_blocks_succeeded(struct login_blocks *blocks, struct slice address, struct slice account)
{
    throttle_succeeded(blocks->throttle, address, account, clock_mono_ms());
}

static struct slice kind_name(enum throttle_kind kind)
{
    return kind == THROTTLE_ADDRESS ? SLICE("address") : SLICE("account");
}

static struct entry *note(struct login_blocks *blocks, enum throttle_kind kind,
                          struct slice subject, uint64_t until_ms)
{
    size_t key_len = 1 + subject.len;
    struct entry *entry = xcalloc(1, sizeof(*entry) + key_len), *old;

    entry->kind = kind;
    entry->until_ms = until_ms;
    entry->key_len = key_len;
    entry->key[0] = kind == THROTTLE_ADDRESS ? 'a' : 'u';
    if (subject.len)
        memcpy(entry->key + 1, subject.ptr, subject.len);
    HASH_FIND(hh, blocks->stored, entry->key, key_len, old);
    if (old)
        drop(blocks, old);
    HASH_ADD_KEYPTR(hh, blocks->stored, entry->key, key_len, entry);
    return entry;
}

static int keep(struct login_blocks *blocks, struct store *store,
                const struct throttle_block *block, uint64_t mono_ms)
{
    uint64_t wall_ms = clock_wall_ms();
    struct store_block row = {.kind = kind_name(block->kind),
                              .subject = block->subject,
                              .failures = block->failures,
                              .since_ms = wall_ms,
                              .until_ms = wall_ms + (block->until_ms - mono_ms)};
    int r;

    log_warn(NULL, "login-blocked", LOG_SLICE("kind", row.kind), LOG_SLICE("subject", row.subject),
             LOG_INT("failures", row.failures),
             LOG_INT("seconds", (block->until_ms - mono_ms) / 1000));
    if (!store)
        return 0;
    r = store_block_set(store, &row);
    if (r == 0)
        note(blocks, block->kind, block->subject, row.until_ms);
    else
        log_warn(NULL, "login-block-not-stored", LOG_ERRNO(r));
    return r;
}

int login_blocks_failed(struct login_blocks *blocks, struct store *store, struct slice address,
                        struct slice account)
{
    struct throttle_block begun[2];
    uint64_t now = clock_mono_ms();
    unsigned count = throttle_failed(blocks->throttle, address, account, now, begun);
    int result = 0;

    for (unsigned i = 0; i < count; i++) {
        int r = begun[i].until_ms > now ? keep(blocks, store, &begun[i], now) : 0;
        if (r < 0)
            result = r;
    }
    return result;
}

struct reading {
    struct login_blocks *blocks;
    bool opened;
    uint64_t wall_ms, mono_ms;
};

static void on_block(void *arg, const struct store_block *row)
{
    const struct reading *reading = arg;
    struct throttle_block block = {.subject = row->subject, .failures = row->failures};

    if (row->until_ms <= reading->wall_ms)
        return;
    block.kind = slice_eq(row->kind, SLICE("address")) ? THROTTLE_ADDRESS : THROTTLE_ACCOUNT;
    block.until_ms = reading->mono_ms + (row->until_ms - reading->wall_ms);
    if (reading->opened)
        throttle_restore(reading->blocks->throttle, &block, reading->mono_ms);
    note(reading->blocks, block.kind, row->subject, row->until_ms)->seen = true;
}

/* Those whose row is gone. */
static void lift_missing(struct login_blocks *blocks, const struct reading *reading)
{
    struct entry *entry, *next;

    HASH_ITER(hh, blocks->stored, entry, next)
    {
        struct slice subject = slice_from(entry->key + 1, entry->key_len - 1);
        if (entry->seen)
            continue;
        if (entry->until_ms > reading->wall_ms) {
            throttle_lift(blocks->throttle, entry->kind, subject);
            log_info(NULL, "login-block-lifted", LOG_SLICE("kind", kind_name(entry->kind)),
                     LOG_SLICE("subject", subject));
        }
        drop(blocks, entry);
    }
}

int login_blocks_read(struct login_blocks *blocks, struct store *store, bool opened)
{
    struct reading reading = {
        .blocks = blocks, .opened = opened, .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms()};
    struct entry *entry, *next;
    int r;

    HASH_ITER(hh, blocks->stored, entry, next)
    entry->seen = false;
    r = store_block_each(store, on_block, &reading);
    if (r == 0)
        lift_missing(blocks, &reading);
    return r;
}

int login_blocks_expire(struct login_blocks *blocks, struct store *store)
{
    uint64_t wall_ms = clock_wall_ms();
    struct entry *entry, *next;

    HASH_ITER(hh, blocks->stored, entry, next)
    {
        if (entry->until_ms <= wall_ms)
            drop(blocks, entry);
    }
    return store_block_expire(store, wall_ms);
}

size_t login_blocks_count(const struct login_blocks *blocks)
{
    uint64_t now = clock_wall_ms();
    const struct entry *entry;
    size_t count = 0;

    for (entry = blocks->stored; entry; entry = entry->hh.next)
        count += entry->until_ms > now;
    return count;
}
