/*
 * Making room when there is little: messages that have been deferred for long each hold a whole
 * segment, most of which is dead. They are copied to the own log, which frees the segment.
 *
 * A copy is a record of its own kind, which means something only while its message is live. The
 * segment goes only after a checkpoint that knows the new places, since a start that finds neither
 * the message nor a trace of it could not tell such a copy from one that came too late.
 *
 * Never more than one segment at a time, only below half of it live, and only while space is short:
 * so the spool never holds more than twice the live bytes for want of moving, and no disk that has
 * room is troubled. Body files stay where they are.
 */
#include "spool/store.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

enum { CHECK_MS = 1000, SHORT_FACTOR = 4, ROUND_BYTES = 16 * 1024 * 1024 };

static bool is_space_short(const struct spool_store *store)
{
    struct disk_space space;

    if (store->disk->ops->space(store->disk, store->directory, &space) < 0)
        return false;
    return space.bytes_free < SHORT_FACTOR * store->log->options.reserve_bytes;
}

/* The one with the fewest live bytes of those that are mostly dead. */
static struct store_segment *choose(struct spool_store *store)
{
    struct store_segment *best = NULL;

    for (uint32_t i = 0; i < store->n_segments; i++) {
        struct store_segment *segment = &store->segments[i];
        const struct store_log *log = &store->logs[segment->log];
        if (!segment->used || !segment->complete || segment->live == 0 || segment->damaged)
            continue;
        if (i == log->segments[log->n_segments - 1] ||
            segment->live_bytes * 2 >= segment->cursor.batch_end)
            continue;
        if (!best || segment->live_bytes < best->live_bytes)
            best = segment;
    }
    return best;
}

/* The text is read in pieces; NULL when the record is not sound any more. */
static struct spool_body *copy_body(struct spool_store *store, const struct scan_record *record,
                                    int handle)
{
    struct spool_body *body = body_new(&store->log->bodies, record->header.id);
    uint64_t at = record->offset + RECORD_HEADER_SIZE + (uint64_t)record->header.meta_length;
    size_t len = (size_t)record->header.body_length;
    char *bytes = xmalloc(len);
    ssize_t n = store->disk->ops->pread(store->disk, handle, bytes, len, at);

    if (n == (ssize_t)len)
        body_add_whole(body, slice_from(bytes, len));
    free(bytes);
    /* One that is too large for this log's segments stays where it is. */
    if (n == (ssize_t)len && body->handle < 0 && body->crc == record->header.body_crc)
        return body;
    spool_body_free(body);
    return NULL;
}

static void move_done(void *arg, int result)
{
    struct spool_store *store = arg;

    if (result < 0)
        atomic_fetch_add(&store->moves_failed, 1);
}

static int move(struct spool_store *store, struct live *live)
{
    struct store_segment *segment = &store->segments[live->segment];
    struct spool_body *body = NULL;
    struct scan_record record;
    struct spool_job *job;
    struct spool_part *part;
    int result = store_segment_handle(store, segment);

    if (result < 0)
        return result;
    scan_aim(&store->reader, store->disk, segment->handle, &segment->header);
    result = scan_read_at(&store->reader, live->offset, live->length, &record);
    if (result < 0)
        return result;
    if (!(record.header.flags & RECORD_BODY_FILE)) {
        body = copy_body(store, &record, segment->handle);
        if (!body)
            return -EBADMSG;
    }
    record.header.flags |= RECORD_MOVED;
    job = spool_job_new(move_done, store);
    part = spool_job_add(store->log, job, &record.header, body);
    buf_add_slice(&part->bytes, record.meta);
    job->lazy = true;
    spool_job_submit(store->log, job);
    live->flags |= LIVE_MOVING;
    store->moving++;
    return 0;
}

static void move_segment(struct spool_store *store, uint32_t slot)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i <= store->live.mask && bytes < ROUND_BYTES; i++) {
        struct live *live = &store->live.slots[i];
        int result;

        if (!live->id || live->segment != slot || live->flags & LIVE_MOVING)
            continue;
        bytes += live->length;
        result = move(store, live);
        if (result < 0) {
            store->segments[slot].damaged = true;
            store_trouble(store, "message %s cannot be copied out of segment %s: %s",
                          message_id_format(live->id).text,
                          store_segment_text(store, &store->segments[slot]).text,
                          log_strerror(result));
            return;
        }
    }
}

/* Copies that could not be written are nowhere; their messages stay where they are. */
static void forget_failed(struct spool_store *store)
{
    if (atomic_load(&store->moves_failed) < store->moving)
        return;
    for (size_t i = 0; store->live.slots && i <= store->live.mask; i++)
        store->live.slots[i].flags &= ~(uint32_t)LIVE_MOVING;
    atomic_store(&store->moves_failed, 0);
    store->moving = 0;
}

void store_move_messages(struct spool_store *store)
{
    uint64_t now = clock_mono_ms();
    const struct store_segment *segment;

    if (store->moving)
        forget_failed(store);
    if (!store->events.moved || store->moving || store->live.count == 0)
        return;
    if (store->moved_ms && now - store->moved_ms < CHECK_MS)
        return;
    store->moved_ms = now;
    if (!is_space_short(store))
        return;
    segment = choose(store);
    if (segment)
        move_segment(store, (uint32_t)(segment - store->segments));
}
