/*
 * Writing a checkpoint: what the store knows, so that its log can be dropped and the next start is
 * short. The form is told in checkpoint_load.c.
 *
 * It holds the cursors, the live messages, and for each of them what its outcomes add up to. The
 * latter is not kept in memory (100,000 deferred messages would cost more than all the rest): it is
 * made by merging the checkpoint before with the log since then, a part of the ids at a time, so
 * that the memory for it stays small.
 *
 * Temporary file, fsync, rename, fsync of the directory. Until the last of these went well the
 * earlier checkpoint may be the one that a crash brings back, so nothing it needs is freed. When it
 * fails, the store goes on with a longer log, and tries again later with another file.
 */
#include "spool/outcome.h"
#include "spool/store.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/wire.h"

#include <errno.h>

enum {
    LOG_SHARE = 4,     /* a quarter of an own segment: for less it is not worth its syncs */
    SEGMENTS_MAX = 16, /* that a start has to read again */
    PART_BYTES = 4 * 1024 * 1024,
    PARTS_MAX = 64,
    CHUNK = 256 * 1024,
    RETRY_MS = 5000,
};

static uint64_t log_bytes(const struct spool_store *store)
{
    const struct store_log *own = &store->logs[store->own];
    uint64_t bytes = 0;

    for (unsigned i = 0; i < own->n_segments; i++) {
        const struct store_segment *segment = &store->segments[own->segments[i]];
        bytes += segment->cursor.batch_end - segment->base.batch_end;
    }
    return bytes;
}

bool store_checkpoint_due(const struct spool_store *store)
{
    uint64_t most = store->log->options.segment_size / LOG_SHARE;

    if (store->checkpoint_failed_ms && clock_mono_ms() - store->checkpoint_failed_ms < RETRY_MS)
        return false;
    if (most < store->checkpoint_bytes)
        most = store->checkpoint_bytes;
    return store->moved_out || store->since_checkpoint >= SEGMENTS_MAX || log_bytes(store) > most;
}

/* ---- the file ------------------------------------------------------------------------------ */

struct signature_place {
    uint64_t id, at;
};

struct output {
    struct disk *disk;
    int handle;
    struct buf buf;
    uint32_t crc;
    uint64_t at;
    int failed;
    struct signature_place *signatures; /* those in the file */
    size_t n_signatures, room;
};

static void flush(struct output *out)
{
    struct iovec iov = {.iov_base = out->buf.ptr, .iov_len = out->buf.len};

    if (out->buf.overflow)
        out->failed = -EMSGSIZE;
    if (out->failed == 0 && out->buf.len)
        out->failed = out->disk->ops->pwritev(out->disk, out->handle, &iov, 1, out->at);
    out->crc = crc32c(out->crc, out->buf.ptr, out->buf.len);
    out->at += out->buf.len;
    buf_reset(&out->buf);
}

static void flush_chunk(struct output *out)
{
    if (out->buf.len >= CHUNK)
        flush(out);
}

static void put_cursor(struct buf *buf, const struct scan_cursor *cursor)
{
    wire_put_u32(buf, cursor->offset);
    wire_put_u32(buf, cursor->batch_end);
    wire_put_u32(buf, cursor->batch);
}

static void put_segments(struct output *out, const struct spool_store *store)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < store->n_segments; i++)
        n += store->segments[i].used;
    wire_put_u32(&out->buf, n);
    for (uint32_t i = 0; i < store->n_segments; i++) {
        const struct store_segment *segment = &store->segments[i];
        if (!segment->used)
            continue;
        wire_put_u32(&out->buf, i);
        wire_put_u8(&out->buf, segment->log);
        wire_put_u8(&out->buf, (uint8_t)(segment->complete | segment->damaged << 1));
        wire_put_u8(&out->buf, segment->header.writer_number);
        wire_put_u64(&out->buf, segment->header.number);
        wire_put_u64(&out->buf, segment->header.first_number);
        wire_put_u64(&out->buf, segment->header.salt);
        wire_put_u64(&out->buf, segment->durable);
        wire_put_u64(&out->buf, segment->size);
        put_cursor(&out->buf, &segment->cursor);
        flush_chunk(out);
    }
}

static void put_live(struct output *out, const struct spool_store *store)
{
    wire_put_u64(&out->buf, store->live.count);
    for (size_t i = 0; store->live.slots && i <= store->live.mask; i++) {
        const struct live *live = &store->live.slots[i];
        if (!live->id)
            continue;
        wire_put_u64(&out->buf, live->id);
        wire_put_u32(&out->buf, live->segment);
        wire_put_u32(&out->buf, live->offset);
        wire_put_u32(&out->buf, live->length);
        wire_put_u8(&out->buf, (uint8_t)(live->flags & LIVE_BODY_FILE));
        flush_chunk(out);
    }
}

/* ---- outcomes ------------------------------------------------------------------------------ */

/* The ids of one part, with what their outcomes add up to. */
struct merge {
    const struct spool_store *store;
    unsigned part, parts;
    struct live_table index; /* `segment` is the position in states */
    struct outcome_state *states;
    uint64_t *ids;
    uint32_t n, room;
    struct arena arena;
};

static bool is_of_part(void *arg, uint64_t id)
{
    const struct merge *merge = arg;

    return id % merge->parts == merge->part && live_table_find(&merge->store->live, id);
}

static void merge_outcome(void *arg, const struct outcome *outcome)
{
    struct merge *merge = arg;
    const struct live *known = live_table_find(&merge->index, outcome->id);
    uint32_t at = known ? known->segment : merge->n;

    if (!known) {
        if (merge->n == merge->room) {
            merge->room = merge->room ? merge->room * 2 : 64;
            merge->states = xrealloc(merge->states, merge->room * sizeof(merge->states[0]));
            merge->ids = xrealloc(merge->ids, merge->room * sizeof(merge->ids[0]));
        }
        live_table_add(&merge->index, &(struct live){.id = outcome->id, .segment = at});
        merge->states[at] = (struct outcome_state){0};
        merge->ids[at] = outcome->id;
        merge->n++;
    }
    outcome_merge(&merge->states[at], &merge->arena, outcome);
}

/* The state that comes next in the file has the message's signature. */
static void note_signature(struct output *out, uint64_t id)
{
    if (out->n_signatures == out->room) {
        out->room = out->room ? out->room * 2 : 64;
        out->signatures = xrealloc(out->signatures, out->room * sizeof(*out->signatures));
    }
    out->signatures[out->n_signatures++] =
        (struct signature_place){.id = id, .at = out->at + out->buf.len};
}

static void put_states(struct output *out, const struct merge *merge)
{
    struct buf one;

    buf_init(&one, UINT32_MAX);
    for (uint32_t i = 0; i < merge->n; i++) {
        const struct outcome_state *state = &merge->states[i];
        const struct outcome whole = {
            .recipients = state->recipients,
            .n_recipients = state->n_recipients,
            .added = state->added,
            .n_added = state->n_added,
            .first_added = state->first_added,
            .signature = state->signature,
        };
        buf_reset(&one);
        outcome_encode(&one, &whole);
        if (whole.signature.len)
            note_signature(out, merge->ids[i]);
        wire_put_u64(&out->buf, merge->ids[i]);
        wire_put_slice(&out->buf, buf_slice(&one));
        flush_chunk(out);
    }
    buf_done(&one);
}

static int put_part(struct output *out, struct spool_store *store, const struct checkpoint *earlier,
                    unsigned part, unsigned parts)
{
    struct merge merge = {.store = store, .part = part, .parts = parts};
    const struct outcome_visitor visitor = {
        .wanted = is_of_part, .visit = merge_outcome, .arg = &merge};
    int result;

    arena_init(&merge.arena);
    result = store_visit_outcomes(store, earlier, &visitor);
    if (result == 0)
        put_states(out, &merge);
    arena_done(&merge.arena);
    live_table_done(&merge.index);
    free(merge.states);
    free(merge.ids);
    return result;
}

static int put_outcomes(struct output *out, struct spool_store *store,
                        const struct checkpoint *earlier)
{
    uint64_t parts = 1 + (earlier->states.len + log_bytes(store)) / PART_BYTES;
    int result = 0;

    if (parts > PARTS_MAX)
        parts = PARTS_MAX;
    for (unsigned part = 0; part < parts && result == 0; part++)
        result = put_part(out, store, earlier, part, (unsigned)parts);
    return result;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int write_all(struct output *out, struct spool_store *store,
                     const struct checkpoint *earlier)
{
    int result;

    buf_add(&out->buf, CHECKPOINT_MAGIC, CHECKPOINT_MAGIC_LEN);
    wire_put_u32(&out->buf, SPOOL_VERSION);
    wire_put_u8(&out->buf, (uint8_t)store->n_logs);
    for (unsigned i = 0; i < store->n_logs; i++)
        wire_put_slice(&out->buf, slice_from_cstr(store->logs[i].name));
    put_segments(out, store);
    put_live(out, store);
    result = put_outcomes(out, store, earlier);
    if (result < 0)
        return result;
    flush(out);
    wire_put_u32(&out->buf, out->crc);
    flush(out);
    return out->failed;
}

static int write_file(struct spool_store *store, const struct checkpoint *earlier, const char *path,
                      struct output *out)
{
    int result = store->disk->ops->unlink(store->disk, path);

    if (result < 0 && result != -ENOENT)
        return result;
    out->handle = store->disk->ops->open(store->disk, path, DISK_WRITE | DISK_CREATE);
    if (out->handle < 0)
        return out->handle;
    buf_init(&out->buf, SIZE_MAX);
    result = write_all(out, store, earlier);
    if (result == 0)
        result = store->disk->ops->fsync(store->disk, out->handle);
    store->disk->ops->close(store->disk, out->handle);
    buf_done(&out->buf);
    return result;
}

/* The new file has all signatures that were read so far; what says where they were is void. */
static void take_signatures(struct spool_store *store, const struct output *out)
{
    for (size_t i = 0; store->live.slots && i <= store->live.mask; i++)
        store->live.slots[i].signature_in = LIVE_NO_SIGNATURE;
    for (size_t i = 0; i < out->n_signatures; i++) {
        struct live *live = live_table_find(&store->live, out->signatures[i].id);
        if (live)
            store_note_signature(live, LIVE_SIGNATURE_CHECKPOINT, out->signatures[i].at);
    }
}

static int save(struct spool_store *store, struct output *out)
{
    const char *directory = store->logs[store->own].directory;
    struct spool_path temporary = spool_path(directory, "checkpoint.tmp");
    struct spool_path final = spool_path(directory, "checkpoint");
    struct checkpoint earlier = {0};
    int result = checkpoint_read(store, &earlier);

    if (result == 0 && earlier.bytes)
        result = checkpoint_restore(&earlier, NULL);
    if (result == 0)
        result = write_file(store, &earlier, temporary.text, out);
    checkpoint_done(&earlier);
    if (result == 0)
        result = store->disk->ops->rename(store->disk, temporary.text, final.text);
    if (result == 0)
        result = store->disk->ops->fsync_dir(store->disk, directory);
    return result;
}

int store_save_checkpoint(struct spool_store *store)
{
    struct output out = {.disk = store->disk};
    int result = save(store, &out);

    if (result == 0)
        take_signatures(store, &out);
    free(out.signatures);
    if (result < 0) {
        store->checkpoint_failed_ms = clock_mono_ms();
        store_trouble(store, "the spool's checkpoint cannot be written: %s", log_strerror(result));
        return result;
    }
    for (uint32_t i = 0; i < store->n_segments; i++) {
        store->segments[i].base = store->segments[i].cursor;
        store->segments[i].wait_checkpoint = false;
    }
    store->checkpoint_failed_ms = 0;
    store->checkpoint_bytes = out.at;
    store->since_checkpoint = 0;
    store->moved_out = false;
    store->free_wanted = true;
    return 0;
}
