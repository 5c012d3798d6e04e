/*
 * Reading a checkpoint, and going through the outcomes that it and the log behind it hold.
 *
 *   magic, version u32
 *   count u8, then the name of each log
 *   count u32, then for each segment: slot u32, log u8, flags u8 (1 complete, 2 damaged), writer
 *     number u8, number u64, first number u64, salt u64, durable u64, size u64, cursor 3 x u32
 *   count u64, then for each live message: id u64, slot u32, offset u32, length u32, flags u8
 *   then, to the end, for each live message of which something is known: id u64, outcome
 *   crc u32 of all before
 *
 * It is no cache: messages that were finished before it are known as such only by not being in it.
 * So one that is damaged is told loudly, and the server does not start by itself: whoever removes
 * the file accepts that mail is delivered again.
 */
#include "spool/outcome.h"
#include "spool/store.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "base/wire.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

enum { CRC_SIZE = 4, FLAG_COMPLETE = 1, FLAG_DAMAGED = 2, TRIM_BYTES = 1024 * 1024 };

static int read_file(struct disk *disk, const char *path, char **ret_bytes, uint64_t *ret_size)
{
    int handle = disk->ops->open(disk, path, DISK_READ);
    char *bytes;
    uint64_t size;
    ssize_t n;
    int result;

    if (handle < 0)
        return handle;
    result = disk->ops->size(disk, handle, &size);
    if (result == 0) {
        bytes = xmalloc((size_t)size);
        n = disk->ops->pread(disk, handle, bytes, (size_t)size, 0);
        if (n == (ssize_t)size)
            *ret_bytes = bytes;
        else
            free(bytes);
        result = n < 0 ? (int)n : (uint64_t)n < size ? -EIO : 0;
        *ret_size = size;
    }
    disk->ops->close(disk, handle);
    return result;
}

static int judge(struct spool_store *store, const char *path, struct slice all,
                 struct slice *ret_body)
{
    struct wire wire = wire_from(all);
    struct slice magic = wire_get_bytes(&wire, CHECKPOINT_MAGIC_LEN);
    uint32_t version = wire_get_u32(&wire);
    struct wire tail;
    uint32_t crc;

    if (wire.failed || memcmp(magic.ptr, CHECKPOINT_MAGIC, CHECKPOINT_MAGIC_LEN) != 0 ||
        wire.rest.len < CRC_SIZE)
        return -EBADMSG;
    if (version > SPOOL_VERSION) {
        store_trouble(store, "%s has format %u, made by a newer program; this one knows %d", path,
                      version, SPOOL_VERSION);
        return -ENOTSUP;
    }
    tail = wire_from(slice_skip(all, all.len - CRC_SIZE));
    crc = wire_get_u32(&tail);
    if (crc32c(0, all.ptr, all.len - CRC_SIZE) != crc)
        return -EBADMSG;
    *ret_body = slice_sub(wire.rest, 0, wire.rest.len - CRC_SIZE);
    return 0;
}

int checkpoint_read(struct spool_store *store, struct checkpoint *ret_checkpoint)
{
    struct spool_path path = spool_path(store->logs[store->own].directory, "checkpoint");
    struct checkpoint checkpoint = {0};
    uint64_t size = 0;
    int result = read_file(store->disk, path.text, &checkpoint.bytes, &size);

    if (result == -ENOENT) {
        *ret_checkpoint = checkpoint;
        return 0;
    }
    if (result == 0)
        result =
            judge(store, path.text, slice_from(checkpoint.bytes, (size_t)size), &checkpoint.body);
    if (result == -EBADMSG)
        store_trouble(store,
                      "%s is damaged. It tells what was delivered already; if it is removed, the "
                      "server starts and delivers again what it finds in the spool",
                      path.text);
    if (result < 0) {
        free(checkpoint.bytes);
        return result;
    }
    store->checkpoint_bytes = size;
    *ret_checkpoint = checkpoint;
    return 0;
}

void checkpoint_done(struct checkpoint *checkpoint)
{
    free(checkpoint->bytes);
    /* With much deferred mail this is the largest block there ever is; glibc would keep it. */
    if (checkpoint->body.len > TRIM_BYTES)
        malloc_trim(0);
    *checkpoint = (struct checkpoint){0};
}

/* ---- logs, segments, live messages --------------------------------------------------------- */

/* Slots and logs have other numbers in the store than they had in the file. */
struct restore {
    struct spool_store *store; /* NULL: look only */
    struct wire wire;
    uint8_t n_logs;
    uint8_t logs[UINT8_MAX];
    struct {
        uint32_t from, to;
    } * slots;
    uint32_t n_slots;
};

static void get_logs(struct restore *restore)
{
    restore->n_logs = wire_get_u8(&restore->wire);
    for (unsigned i = 0; i < restore->n_logs; i++) {
        struct slice name = wire_get_slice(&restore->wire);
        struct store_log *log;
        if (!restore->store || restore->wire.failed)
            continue;
        log = store_add_log(restore->store, name);
        if (log)
            restore->logs[i] = (uint8_t)(log - restore->store->logs);
        else
            restore->wire.failed = true;
    }
}

static void get_segment(struct restore *restore, uint32_t at)
{
    struct wire *wire = &restore->wire;
    uint32_t slot = wire_get_u32(wire);
    uint8_t log = wire_get_u8(wire);
    uint8_t flags = wire_get_u8(wire);
    struct segment_header header = {.version = SPOOL_VERSION};
    struct store_segment read = {0};
    struct store_segment *segment;

    header.writer_number = wire_get_u8(wire);
    header.number = wire_get_u64(wire);
    header.first_number = wire_get_u64(wire);
    header.salt = wire_get_u64(wire);
    read.durable = wire_get_u64(wire);
    read.size = wire_get_u64(wire);
    read.cursor.offset = wire_get_u32(wire);
    read.cursor.batch_end = wire_get_u32(wire);
    read.cursor.batch = wire_get_u32(wire);
    if (log >= restore->n_logs)
        wire->failed = true;
    if (wire->failed || !restore->store)
        return;
    restore->slots[at].from = slot;
    restore->slots[at].to =
        store_add_segment(restore->store, &restore->store->logs[restore->logs[log]], &header);
    segment = &restore->store->segments[restore->slots[at].to];
    segment->durable = read.durable;
    segment->size = read.size;
    segment->cursor = segment->base = read.cursor;
    segment->complete = flags & FLAG_COMPLETE;
    segment->dead = segment->complete;
    segment->damaged = flags & FLAG_DAMAGED;
}

/* Slots were written in ascending order. */
static bool find_slot(const struct restore *restore, uint32_t from, uint32_t *ret_to)
{
    uint32_t low = 0, high = restore->n_slots;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (restore->slots[middle].from == from) {
            *ret_to = restore->slots[middle].to;
            return true;
        }
        if (restore->slots[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static void get_live(struct restore *restore)
{
    struct wire *wire = &restore->wire;
    struct live live = {.id = wire_get_u64(wire)};
    uint32_t slot = wire_get_u32(wire);
    struct store_segment *segment;

    live.offset = wire_get_u32(wire);
    live.length = wire_get_u32(wire);
    live.flags = wire_get_u8(wire);
    if (wire->failed || !restore->store)
        return;
    if (live.id == 0 || !find_slot(restore, slot, &live.segment)) {
        wire->failed = true;
        return;
    }
    live_table_add(&restore->store->live, &live);
    segment = &restore->store->segments[live.segment];
    segment->live++;
    segment->live_bytes += live.length;
}

/* Where the signatures are, since they are not kept in memory. */
static void note_signatures(const struct checkpoint *checkpoint, struct spool_store *store)
{
    struct wire wire = wire_from(checkpoint->states);

    while (wire.rest.len && !wire.failed) {
        uint64_t at = (uint64_t)(wire.rest.ptr - checkpoint->bytes);
        uint64_t id = wire_get_u64(&wire);
        struct slice stored = wire_get_slice(&wire);
        struct live *live = wire.failed || !outcome_may_be_signed(stored)
                                ? NULL
                                : live_table_find(&store->live, id);
        if (live)
            store_note_signature(live, LIVE_SIGNATURE_CHECKPOINT, at);
    }
}

int checkpoint_restore(struct checkpoint *checkpoint, struct spool_store *store)
{
    enum { SEGMENT_BYTES = 59 };
    struct restore restore = {.store = store, .wire = wire_from(checkpoint->body)};
    uint64_t n_live;

    get_logs(&restore);
    restore.n_slots = wire_get_u32(&restore.wire);
    if (restore.n_slots > restore.wire.rest.len / SEGMENT_BYTES)
        restore.wire.failed = true;
    if (!restore.wire.failed)
        restore.slots = xcalloc(restore.n_slots, sizeof(restore.slots[0]));
    for (uint32_t i = 0; i < restore.n_slots && !restore.wire.failed; i++)
        get_segment(&restore, i);
    n_live = wire_get_u64(&restore.wire);
    for (uint64_t i = 0; i < n_live && !restore.wire.failed; i++)
        get_live(&restore);
    free(restore.slots);
    checkpoint->states = restore.wire.rest;
    if (store && !restore.wire.failed)
        note_signatures(checkpoint, store);
    return restore.wire.failed ? -EBADMSG : 0;
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static int visit_one(struct spool_store *store, const struct outcome_visitor *visitor, uint64_t id,
                     struct slice stored)
{
    struct outcome outcome;
    int result;

    if (!visitor->wanted(visitor->arg, id))
        return 0;
    arena_reset(&store->arena);
    result = outcome_decode(stored, &store->arena, &outcome);
    if (result < 0) {
        store_trouble(store, "an outcome of message %s is damaged and counts as not there",
                      message_id_format(id).text);
        return 0;
    }
    outcome.id = id;
    visitor->visit(visitor->arg, &outcome);
    return 0;
}

static int visit_segment(struct spool_store *store, uint32_t slot,
                         const struct outcome_visitor *visitor)
{
    struct store_segment *segment = &store->segments[slot];
    struct scan *scan = &store->scanner;
    struct scan_record record;
    int result;

    if (segment->base.offset >= segment->cursor.offset)
        return 0;
    result = store_segment_handle(store, segment);
    if (result < 0)
        return result;
    scan_aim(scan, store->disk, segment->handle, &segment->header);
    scan->cursor = segment->base;
    scan->limit = spool_align(segment->cursor.batch_end);
    scan->durable = segment->durable;
    scan->verify = segment->damaged;
    while (scan->cursor.offset < segment->cursor.offset) {
        result = scan_next(scan, &record);
        if (result == SCAN_RECORD && record.header.type == RECORD_OUTCOME)
            result = visit_one(store, visitor, record.header.id, record.meta);
        if (result < 0)
            return result;
        if (result == SCAN_END || result == SCAN_SEALED || result == SCAN_TORN)
            break;
    }
    return 0;
}

int store_visit_outcomes(struct spool_store *store, const struct checkpoint *checkpoint,
                         const struct outcome_visitor *visitor)
{
    const struct store_log *own = &store->logs[store->own];
    struct wire wire = wire_from(checkpoint->states);
    int result = 0;

    while (wire.rest.len && result == 0) {
        uint64_t id = wire_get_u64(&wire);
        struct slice stored = wire_get_slice(&wire);
        result = wire.failed ? -EBADMSG : visit_one(store, visitor, id, stored);
    }
    for (unsigned i = 0; i < own->n_segments && result == 0; i++)
        result = visit_segment(store, own->segments[i], visitor);
    return result;
}
