/*
 * Signatures of messages that wait: a kilobyte each, and read once for each attempt. So memory has
 * only the place, 8 bytes: that of the outcome in the own log, until the next checkpoint has been
 * written; from then on that of the message's state in the checkpoint.
 *
 * A place that does not lead to the message's outcome is told as damage and believed to be none:
 * the message is signed anew then. This can happen when the checkpoint's last step failed, so that
 * nobody can say which of two files is in force.
 */
#include "spool/outcome.h"
#include "spool/store.h"

#include "base/wire.h"

#include <errno.h>

enum { STATE_HEAD = 12 /* id u64, length u32 */, STATE_MAX = 64 * 1024 * 1024 };

void store_note_signature(struct live *live, uint32_t in, uint64_t at)
{
    live->signature_in = at <= UINT32_MAX ? in : LIVE_NO_SIGNATURE;
    live->signature_at = (uint32_t)at;
}

/* The stored outcome, good until the next record is read. */
static int read_outcome(struct spool_store *store, const struct live *live, struct slice *ret_meta)
{
    uint32_t slot = live->signature_in - LIVE_SIGNATURE_SEGMENT;
    struct store_segment *segment;
    struct scan_record record;
    int result;

    if (slot >= store->n_segments || !store->segments[slot].used ||
        live->signature_at >= store->segments[slot].cursor.batch_end)
        return -EBADMSG;
    segment = &store->segments[slot];
    result = store_segment_handle(store, segment);
    if (result < 0)
        return result;
    scan_aim(&store->reader, store->disk, segment->handle, &segment->header);
    result = scan_read_at(&store->reader, live->signature_at,
                          segment->cursor.batch_end - live->signature_at, &record);
    if (result == 0 && (record.header.type != RECORD_OUTCOME || record.header.id != live->id))
        result = -EBADMSG;
    if (result == 0)
        *ret_meta = record.meta;
    return result;
}

static int read_at(struct spool_store *store, int handle, void *to, size_t size, uint64_t at)
{
    ssize_t n = store->disk->ops->pread(store->disk, handle, to, size, at);

    return n < 0 ? (int)n : (size_t)n < size ? -EBADMSG : 0;
}

static int read_state(struct spool_store *store, int handle, const struct live *live,
                      struct arena *arena, struct slice *ret_state)
{
    char head[STATE_HEAD];
    struct wire wire = wire_from(slice_from(head, sizeof(head)));
    int result = read_at(store, handle, head, sizeof(head), live->signature_at);
    uint32_t size;
    char *state;

    if (result < 0)
        return result;
    if (wire_get_u64(&wire) != live->id)
        return -EBADMSG;
    size = wire_get_u32(&wire);
    if (size > STATE_MAX)
        return -EBADMSG;
    state = arena_alloc(arena, size);
    result = read_at(store, handle, state, size, (uint64_t)live->signature_at + STATE_HEAD);
    *ret_state = slice_from(state, size);
    return result;
}

static int read_checkpoint(struct spool_store *store, const struct live *live, struct arena *arena,
                           struct slice *ret_state)
{
    struct spool_path path = spool_path(store->logs[store->own].directory, "checkpoint");
    int handle = store->disk->ops->open(store->disk, path.text, DISK_READ);
    int result;

    if (handle < 0)
        return handle;
    result = read_state(store, handle, live, arena, ret_state);
    store->disk->ops->close(store->disk, handle);
    return result;
}

int spool_store_signature(struct spool_store *store, uint64_t id, struct arena *arena,
                          struct slice *ret_signature)
{
    const struct live *live = live_table_find(&store->live, id);
    struct slice stored = SLICE_NULL;
    struct outcome outcome;
    int result;

    if (!live || live->signature_in == LIVE_NO_SIGNATURE) {
        *ret_signature = SLICE_NULL;
        return 0;
    }
    if (live->signature_in == LIVE_SIGNATURE_CHECKPOINT)
        result = read_checkpoint(store, live, arena, &stored);
    else
        result = read_outcome(store, live, &stored);
    if (result == 0)
        result = outcome_decode(stored, arena, &outcome);
    if (result < 0)
        return result;
    *ret_signature = arena_dup(arena, outcome.signature);
    return 0;
}
