/*
 * Giving room back: whole segments whose messages are all finished, and bodies nobody speaks of.
 *
 * A message is gone from the table only when its last outcome was read from the synced log, so
 * nothing here waits for a sync of outcomes. The order is: unlink, sync the directory, forget. As
 * long as that sync has not gone well the segment stays in the checkpoints, read to its end and
 * without a live message, so that its return would bring nothing back.
 *
 * A writer's newest segment is never freed, because its name is what keeps numbers from repeating.
 * A segment of the own log must also lie before the last checkpoint: until then its outcomes count.
 */
#include "spool/store.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

static bool is_free(const struct spool_store *store, const struct store_segment *segment)
{
    const struct store_log *log = &store->logs[segment->log];
    uint32_t newest = log->segments[log->n_segments - 1];

    if (!segment->used || !segment->complete || segment->live || segment->gone)
        return false;
    if (segment == &store->segments[newest] || segment->wait_checkpoint)
        return false;
    return segment->log != store->own || segment->base.offset == segment->cursor.offset;
}

static int remove_file(struct spool_store *store, struct store_segment *segment)
{
    const char *directory = store->logs[segment->log].directory;
    struct spool_path path = spool_segment_path(directory, segment->header.number, ".seg");
    struct spool_path aside = spool_segment_path(directory, segment->header.number, ".damaged");

    store_segment_close(store, segment);
    if (segment->damaged)
        return store->disk->ops->rename(store->disk, path.text, aside.text);
    return store->disk->ops->unlink(store->disk, path.text);
}

static void free_of_log(struct spool_store *store, struct store_log *log)
{
    uint8_t number = (uint8_t)(log - store->logs);
    uint32_t *freed = xcalloc(log->n_segments + 1, sizeof(*freed));
    unsigned n = 0;
    int result = 0;

    for (unsigned i = 0; i < log->n_segments; i++) {
        struct store_segment *segment = &store->segments[log->segments[i]];
        if (segment->log != number || !is_free(store, segment))
            continue;
        result = remove_file(store, segment);
        if (result == 0 || result == -ENOENT)
            freed[n++] = log->segments[i];
        else
            store_trouble(store, "segment %s cannot be removed: %s",
                          store_segment_text(store, segment).text, log_strerror(result));
    }
    result = n ? store->disk->ops->fsync_dir(store->disk, log->directory) : 0;
    for (unsigned i = 0; i < n; i++) {
        if (result == 0)
            store_drop_segment(store, freed[i]);
        else
            store->segments[freed[i]].gone = true;
    }
    free(freed);
}

void store_free_segments(struct spool_store *store)
{
    store->free_wanted = false;
    for (unsigned i = 0; i < store->n_logs; i++) {
        if (store->logs[i].n_segments)
            free_of_log(store, &store->logs[i]);
    }
}

/* ---- bodies -------------------------------------------------------------------------------- */

struct sweep {
    struct spool_store *store;
    struct store_log *log;
    uint8_t writer_number;
    uint64_t before; /* ids of older segments belong to a writer that is no more */
};

static int see_file(void *arg, const char *name)
{
    struct sweep *sweep = arg;
    uint64_t id;

    if (!spool_body_name(name, &id) || spool_id_writer(id) != sweep->writer_number)
        return 0;
    if (spool_id_segment(id) >= sweep->before || live_table_find(&sweep->store->live, id))
        return 0;
    sweep->store->disk->ops->unlink(sweep->store->disk,
                                    spool_path(sweep->log->directory, name).text);
    return 0;
}

void store_sweep_bodies(struct spool_store *store, struct store_log *log)
{
    struct sweep sweep = {.store = store, .log = log};
    const struct store_segment *newest;

    if (log->n_segments == 0)
        return;
    newest = &store->segments[log->segments[log->n_segments - 1]];
    sweep.writer_number = newest->header.writer_number;
    /* The newest writer may still speak of its bodies, or may have died just now; its predecessors
     * will not, once all that they wrote is read. */
    sweep.before = newest->header.first_number;
    for (unsigned i = log->reading; i < log->n_segments; i++) {
        const struct store_segment *segment = &store->segments[log->segments[i]];
        if (segment->header.number < sweep.before && !segment->complete)
            return;
    }
    log->sweep = false;
    store->disk->ops->list(store->disk, log->directory, see_file, &sweep);
}
