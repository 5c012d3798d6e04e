/*
 * From records to live messages.
 *
 * Records of the own log are applied in their order: a bounce is there before the outcome that it
 * belongs to; a copy ("moved") counts only while its message is live, so that one that was
 * overtaken by the message's end brings nothing back.
 *
 * What cannot be understood is kept: a live message whose envelope is damaged or too new holds its
 * segment, is told, and is not offered for delivery.
 */
#include "spool/outcome.h"
#include "spool/store.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

static void count_in(struct spool_store *store, const struct live *live)
{
    store->segments[live->segment].live++;
    store->segments[live->segment].live_bytes += live->length;
}

static void count_out(struct spool_store *store, const struct live *live)
{
    struct store_segment *segment = &store->segments[live->segment];

    segment->live--;
    segment->live_bytes -= live->length;
    if (segment->live == 0)
        store->free_wanted = true;
}

static void remove_body(struct spool_store *store, uint64_t id)
{
    struct store_log *log = store->read_only ? NULL : store_log_of_id(store, id);

    /* One that stays is an orphan, found at the next sweep. */
    if (log)
        store->disk->ops->unlink(store->disk, spool_body_path(log->directory, id).text);
}

void store_finish(struct spool_store *store, struct live *live)
{
    count_out(store, live);
    if (live->flags & LIVE_BODY_FILE)
        remove_body(store, live->id);
    if (live->flags & LIVE_MOVING)
        store->moving--;
    live_table_remove(&store->live, live);
}

static struct spool_location location_of(const struct live *live)
{
    return (struct spool_location){
        .segment = live->segment, .offset = live->offset, .length = live->length};
}

static void set_aside(struct spool_store *store, struct live *live, const char *why)
{
    live->flags |= LIVE_ASIDE;
    store_trouble(store, "message %s in segment %s %s: set aside", message_id_format(live->id).text,
                  store_segment_text(store, &store->segments[live->segment]).text, why);
}

static void report(struct spool_store *store, struct live *live, struct slice meta)
{
    struct envelope envelope;
    int result;

    arena_reset(&store->arena);
    result = envelope_decode(meta, &store->arena, &envelope);
    if (result == 0 && envelope.id != live->id)
        result = -EBADMSG;
    if (result == 0)
        store->events.message(store->events.arg, &envelope, location_of(live));
    else
        set_aside(store, live,
                  result == -ENOTSUP ? "has an envelope that a newer program wrote"
                                     : "has a damaged envelope");
}

/* Is the text there that the record speaks of? Asked only after a crash. 0, -ENOENT, -EBADMSG for
 * another length, -errno. */
static int find_body_file(struct spool_store *store, const struct record_header *header)
{
    struct store_log *log = store_log_of_id(store, header->id);
    uint64_t size = 0;
    int handle, result;

    if (!log)
        return -ENOENT;
    handle = store->disk->ops->open(store->disk, spool_body_path(log->directory, header->id).text,
                                    DISK_READ);
    if (handle < 0)
        return handle;
    result = store->disk->ops->size(store->disk, handle, &size);
    store->disk->ops->close(store->disk, handle);
    return result == 0 && size != header->body_offset + header->body_length ? -EBADMSG : result;
}

/* Reports a message, unless its text is missing. While the store opens this waits for the outcomes:
 * the file of a finished message may be gone before its record. */
static void show(struct spool_store *store, struct live *live, const struct scan_record *record)
{
    int result = live->flags & LIVE_CHECK_BODY ? find_body_file(store, &record->header) : 0;

    live->flags &= ~(uint32_t)LIVE_CHECK_BODY;
    if (result == 0) {
        report(store, live, record->meta);
        return;
    }
    store->segments[live->segment].damaged = true;
    if (result != -ENOENT) {
        set_aside(store, live, "has a text that cannot be read");
        return;
    }
    store_trouble(store, "the text of message %s is missing", message_id_format(live->id).text);
    store_finish(store, live);
}

static void apply_moved(struct spool_store *store, uint32_t slot, const struct scan_record *record)
{
    struct live *live = live_table_find(&store->live, record->header.id);

    if (!live)
        return;
    if (live->flags & LIVE_MOVING)
        store->moving--;
    store->segments[live->segment].wait_checkpoint = true;
    store->moved_out = true;
    count_out(store, live);
    live->segment = slot;
    live->offset = record->offset;
    live->length = record->length;
    live->flags &= ~(uint32_t)LIVE_MOVING;
    count_in(store, live);
    if (!store->opening && store->events.moved)
        store->events.moved(store->events.arg, live->id, location_of(live));
}

/* Returns 1 for a new message. */
static int apply_message(struct spool_store *store, uint32_t slot, const struct scan_record *record)
{
    struct store_segment *segment = &store->segments[slot];
    struct live live = {
        .id = record->header.id,
        .segment = slot,
        .offset = record->offset,
        .length = record->length,
        .flags = record->header.flags & RECORD_BODY_FILE ? LIVE_BODY_FILE : 0,
    };

    if (record->header.flags & RECORD_MOVED) {
        apply_moved(store, slot, record);
        return 0;
    }
    if (live.id == 0 || live_table_find(&store->live, live.id))
        return 0;
    if (segment->verify && live.flags & LIVE_BODY_FILE)
        live.flags |= LIVE_CHECK_BODY;
    live_table_add(&store->live, &live);
    count_in(store, &live);
    if (!store->opening)
        show(store, live_table_find(&store->live, live.id), record);
    return 1;
}

static void apply_outcome(struct spool_store *store, uint32_t slot,
                          const struct scan_record *record)
{
    struct live *live = live_table_find(&store->live, record->header.id);

    if (!live)
        return;
    if (outcome_is_finished(record->meta))
        store_finish(store, live);
    else if (outcome_may_be_signed(record->meta))
        store_note_signature(live, LIVE_SIGNATURE_SEGMENT + slot, record->offset);
}

static void tell_damage(struct spool_store *store, struct store_segment *segment,
                        const struct scan *scan)
{
    segment->damaged = true;
    if (store->read_only)
        return;
    store_trouble(store,
                  "segment %s is damaged from byte %llu to %llu%s%s: set aside, the rest goes on",
                  store_segment_text(store, segment).text, (unsigned long long)scan->bad_from,
                  (unsigned long long)scan->bad_to, scan->bad_id ? ", message " : "",
                  scan->bad_id ? message_id_format(scan->bad_id).text : "");
}

static void complete(struct spool_store *store, struct store_segment *segment)
{
    segment->complete = true;
    store->since_checkpoint++;
    store->free_wanted = true;
    store->logs[segment->log].sweep = true;
}

/* Applies one scan result; false when there is nothing more to read now. */
static bool apply(struct spool_store *store, uint32_t slot, int result,
                  const struct scan_record *record, int *count)
{
    struct store_segment *segment = &store->segments[slot];

    switch (result) {
    case SCAN_RECORD:
        if (record->header.type == RECORD_MESSAGE)
            *count += apply_message(store, slot, record);
        else if (record->header.type == RECORD_OUTCOME && segment->log == store->own)
            apply_outcome(store, slot, record);
        return true;
    case SCAN_DAMAGE:
        tell_damage(store, segment, &store->scanner);
        return true;
    case SCAN_TORN:
        store_notice(store,
                     "segment %s ends in a batch that was never finished (byte %llu): dropped, "
                     "nobody was told that it is stored",
                     store_segment_text(store, segment).text,
                     (unsigned long long)store->scanner.bad_from);
        complete(store, segment);
        return false;
    case SCAN_SEALED:
        complete(store, segment);
        return false;
    default:
        if (segment->dead)
            complete(store, segment);
        return false;
    }
}

static void aim(struct spool_store *store, const struct store_segment *segment)
{
    struct scan *scan = &store->scanner;

    scan_aim(scan, store->disk, segment->handle, &segment->header);
    scan->cursor = segment->cursor;
    scan->limit = segment->dead ? segment->size : segment->durable;
    scan->durable = segment->durable;
    scan->verify = segment->verify;
}

/* Up to max messages of one segment. */
static int read_segment(struct spool_store *store, uint32_t slot, unsigned max)
{
    struct store_segment *segment = &store->segments[slot];
    struct scan_record record;
    int count = 0, result;
    bool more = true;

    if (!segment->dead && segment->durable <= segment->cursor.batch_end)
        return 0;
    result = store_segment_handle(store, segment);
    if (result < 0)
        return result;
    aim(store, segment);
    while (more && (unsigned)count < max) {
        result = scan_next(&store->scanner, &record);
        if (result < 0)
            return result;
        segment->cursor = store->scanner.cursor;
        more = apply(store, slot, result, &record, &count);
        /* Events may make the store grow. */
        segment = &store->segments[slot];
    }
    return count;
}

int store_read_log(struct spool_store *store, struct store_log *log, unsigned max)
{
    int count = 0;

    for (unsigned i = log->reading; i < log->n_segments && (unsigned)count < max; i++) {
        struct store_segment *segment = &store->segments[log->segments[i]];
        int result = 0;

        if (!segment->complete && segment->present)
            result = read_segment(store, log->segments[i], max - (unsigned)count);
        if (result < 0) {
            if (!segment->complained)
                store_trouble(store, "segment %s cannot be read: %s",
                              store_segment_text(store, segment).text, log_strerror(result));
            segment->complained = true;
            return result;
        }
        count += result;
    }
    while (log->reading < log->n_segments && store->segments[log->segments[log->reading]].complete)
        log->reading++;
    return count;
}

void store_report_messages(struct spool_store *store)
{
    struct live *all = live_table_sorted(&store->live);
    size_t count = store->live.count;

    for (size_t i = 0; i < count; i++) {
        struct store_segment *segment = &store->segments[all[i].segment];
        struct scan_record record;
        int result = store_segment_handle(store, segment);

        if (result >= 0) {
            if (store->reader.handle != segment->handle || i == 0 ||
                all[i - 1].segment != all[i].segment)
                scan_aim(&store->reader, store->disk, segment->handle, &segment->header);
            result = scan_read_at(&store->reader, all[i].offset, all[i].length, &record);
        }
        if (result == 0) {
            show(store, live_table_find(&store->live, all[i].id), &record);
            continue;
        }
        segment->damaged = true;
        set_aside(store, live_table_find(&store->live, all[i].id), "cannot be read");
    }
    free(all);
}
