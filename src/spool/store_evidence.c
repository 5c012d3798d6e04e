/*
 * A store that opens while a writer lives (the queue role was restarted, receive was not) has not
 * heard how far that writer's log is durable. But outcomes in the own log speak of messages there:
 * if these were read only when the writer says so, a finished one would be taken for a new one, and
 * a deferred one would have lost its state.
 *
 * An outcome exists only for a message that was published. So the batch that holds the message, and
 * all before it, are known to be synced. Nothing behind is touched.
 */
#include "spool/store.h"

#include <errno.h>

/* Goes through the records behind the segment's cursor, without moving it. */
static int peek(struct spool_store *store, struct store_segment *segment,
                void (*each)(struct spool_store *store, struct store_segment *segment,
                             const struct scan_record *record, struct live_table *ids),
                struct live_table *ids)
{
    struct scan *scan = &store->scanner;
    struct scan_record record;
    int result = store_segment_handle(store, segment);

    if (result < 0)
        return result;
    scan_aim(scan, store->disk, segment->handle, &segment->header);
    scan->cursor = segment->cursor;
    scan->peek = true;
    result = store->disk->ops->size(store->disk, segment->handle, &scan->limit);
    if (result < 0)
        return result;
    while ((result = scan_next(scan, &record)) == SCAN_RECORD)
        each(store, segment, &record, ids);
    return result < 0 ? result : 0;
}

static void note_outcome(struct spool_store *store, struct store_segment *segment,
                         const struct scan_record *record, struct live_table *ids)
{
    uint64_t id = record->header.id;

    (void)segment;
    if (record->header.type != RECORD_OUTCOME || id == 0)
        return;
    if (!live_table_find(&store->live, id) && !live_table_find(ids, id))
        live_table_add(ids, &(struct live){.id = id});
}

static void note_message(struct spool_store *store, struct store_segment *segment,
                         const struct scan_record *record, struct live_table *ids)
{
    uint64_t end = spool_align(store->scanner.cursor.batch_end);

    if (record->header.type == RECORD_MESSAGE && live_table_find(ids, record->header.id) &&
        end > segment->durable)
        segment->durable = end;
}

static bool is_living(const struct spool_store *store, const struct store_segment *segment)
{
    return segment->used && segment->present && !segment->dead && segment->log != store->own;
}

int store_find_evidence(struct spool_store *store)
{
    const struct store_log *own = &store->logs[store->own];
    struct live_table ids = {0};
    bool living = false;
    int result = 0;

    for (uint32_t i = 0; i < store->n_segments; i++)
        living |= is_living(store, &store->segments[i]);
    for (unsigned i = own->reading; i < own->n_segments && living && result == 0; i++) {
        struct store_segment *segment = &store->segments[own->segments[i]];
        if (segment->present && segment->dead && !segment->complete)
            result = peek(store, segment, note_outcome, &ids);
    }
    for (uint32_t i = 0; i < store->n_segments && ids.count && result == 0; i++) {
        if (is_living(store, &store->segments[i]))
            result = peek(store, &store->segments[i], note_message, &ids);
    }
    live_table_done(&ids);
    return result;
}
