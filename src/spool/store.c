/*
 * The store's public face: open, poll, read again, hand over outcomes.
 *
 * Opening is: lock, own log's writer, checkpoint, listing, reading on from the cursors (others'
 * logs first, so that every outcome finds its message), and only then the events. The same reading
 * serves hints later; so there is one way by which a record becomes a message.
 */
#include "spool/store.h"

#include "base/clock.h"
#include "spool/outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum {
    OWN_WRITER_NUMBER = 2,
    OWN_SEGMENT_SIZE = 16 * 1024 * 1024,
    HOUSEKEEPING_MS = 500,
    TEXT_MAX = 8192,
};
#define OWN_LOG_NAME "queue"

static void tell(struct spool_store *store, const char *format, va_list args)
{
    struct buf text;

    if (!store->events.trouble)
        return;
    buf_init(&text, TEXT_MAX);
    buf_vprintf(&text, format, args);
    store->events.trouble(store->events.arg, buf_slice(&text));
    buf_done(&text);
}

void store_notice(struct spool_store *store, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(store, format, args);
    va_end(args);
}

void store_trouble(struct spool_store *store, const char *format, ...)
{
    va_list args;

    store->findings++;
    va_start(args, format);
    tell(store, format, args);
    va_end(args);
}

struct segment_text store_segment_text(const struct spool_store *store,
                                       const struct store_segment *segment)
{
    struct segment_text text;

    snprintf(text.text, sizeof(text.text), "%llx of %s", (unsigned long long)segment->header.number,
             store->logs[segment->log].name);
    return text;
}

/* ---- opening ------------------------------------------------------------------------------- */

static struct spool_store *new_store(struct disk *disk, const char *directory,
                                     const struct spool_store_events *events)
{
    struct spool_store *store = xcalloc(1, sizeof(*store));

    store->disk = disk;
    store->directory = xstrdup(directory);
    store->events = *events;
    store->lock_handle = -1;
    store->opening = true;
    store->free_wanted = true;
    arena_init(&store->arena);
    return store;
}

static int open_own_log(struct spool_store *store, const struct spool_writer_options *given)
{
    struct spool_writer_options options = *given;
    struct spool_path path = spool_path(store->directory, OWN_LOG_NAME);

    options.disk = store->disk;
    options.directory = path.text;
    options.writer_number = OWN_WRITER_NUMBER;
    if (options.segment_size == 0)
        options.segment_size = OWN_SEGMENT_SIZE;
    store->own = (uint8_t)(store_add_log(store, SLICE(OWN_LOG_NAME)) - store->logs);
    return spool_writer_open(&options, &store->log);
}

/* Of the checkpoint's segments, those that are no more. */
static void drop_missing(struct spool_store *store)
{
    struct live *all = live_table_sorted(&store->live);
    size_t count = store->live.count;

    for (size_t i = 0; i < count; i++) {
        struct store_segment *segment = &store->segments[all[i].segment];
        if (segment->present)
            continue;
        store_trouble(store, "message %s is lost: segment %s is missing",
                      message_id_format(all[i].id).text, store_segment_text(store, segment).text);
        store_finish(store, live_table_find(&store->live, all[i].id));
    }
    free(all);
    for (uint32_t slot = 0; slot < store->n_segments; slot++) {
        if (store->segments[slot].used && !store->segments[slot].present)
            store_drop_segment(store, slot);
    }
}

static int read_all(struct spool_store *store)
{
    int result = 0;

    for (unsigned i = 0; i < store->n_logs && result >= 0; i++)
        result = store_rescan_log(store, &store->logs[i]);
    if (result == 0)
        result = store_find_evidence(store);
    for (unsigned i = 0; i < store->n_logs && result >= 0; i++) {
        if (i != store->own)
            result = store_read_log(store, &store->logs[i], UINT32_MAX);
    }
    if (result >= 0)
        result = store_read_log(store, &store->logs[store->own], UINT32_MAX);
    return result < 0 ? result : 0;
}

static bool is_told(void *arg, uint64_t id)
{
    const struct spool_store *store = arg;
    const struct live *live = live_table_find(&store->live, id);

    return live && !(live->flags & LIVE_ASIDE);
}

static void tell_outcome(void *arg, const struct outcome *outcome)
{
    struct spool_store *store = arg;

    store->events.outcome(store->events.arg, outcome);
}

/* Everything as it was, in memory; then the events. */
static int recover(struct spool_store *store, struct checkpoint *checkpoint)
{
    const struct outcome_visitor visitor = {.wanted = is_told, .visit = tell_outcome, .arg = store};
    int result = checkpoint->bytes ? checkpoint_restore(checkpoint, store) : 0;

    if (result == 0)
        result = store_find_logs(store);
    if (result == 0)
        result = read_all(store);
    if (result < 0)
        return result;
    drop_missing(store);
    store->opening = false;
    store_report_messages(store);
    return store_visit_outcomes(store, checkpoint, &visitor);
}

static int start(struct spool_store *store, const struct spool_writer_options *queue_log)
{
    struct checkpoint checkpoint = {0};
    int result = spool_make_directory(store->disk, store->directory);

    if (result == 0)
        result = store->lock_handle = spool_take_lock(store->disk, store->directory);
    if (result >= 0)
        result = open_own_log(store, queue_log);
    if (result == 0)
        result = checkpoint_read(store, &checkpoint);
    if (result == 0)
        result = recover(store, &checkpoint);
    checkpoint_done(&checkpoint);
    return result;
}

static void free_store(struct spool_store *store)
{
    if (store->log)
        spool_writer_close(store->log);
    for (uint32_t i = 0; i < store->n_segments; i++) {
        if (store->segments[i].used)
            store_segment_close(store, &store->segments[i]);
    }
    if (store->lock_handle >= 0)
        store->disk->ops->close(store->disk, store->lock_handle);
    for (unsigned i = 0; i < store->n_logs; i++) {
        free(store->logs[i].name);
        free(store->logs[i].directory);
        free(store->logs[i].segments);
    }
    live_table_done(&store->live);
    scan_done(&store->scanner);
    scan_done(&store->reader);
    arena_done(&store->arena);
    free(store->segments);
    free(store->directory);
    free(store);
}

int spool_store_open(const struct spool_store_options *options, struct spool_store **ret_store)
{
    struct spool_store *store = new_store(options->disk, options->directory, options->events);
    int result = start(store, &options->queue_log);

    if (result < 0) {
        free_store(store);
        return result;
    }
    *ret_store = store;
    return 0;
}

/* The lock file is not made, so without one nobody can have it. */
static int lock_offline(struct spool_store *store)
{
    int result;

    store->lock_handle =
        store->disk->ops->open(store->disk, spool_path(store->directory, "lock").text, DISK_READ);
    if (store->lock_handle == -ENOENT)
        return 0;
    if (store->lock_handle < 0)
        return store->lock_handle;
    result = store->disk->ops->lock(store->disk, store->lock_handle);
    return result;
}

int store_open_offline(struct disk *disk, const char *directory,
                       const struct spool_store_events *events, struct spool_store **ret_store)
{
    struct spool_store *store = new_store(disk, directory, events);
    struct checkpoint checkpoint = {0};
    int result = lock_offline(store);

    store->read_only = true;
    store->own = (uint8_t)(store_add_log(store, SLICE(OWN_LOG_NAME)) - store->logs);
    if (result == 0)
        result = checkpoint_read(store, &checkpoint);
    if (result == 0)
        result = recover(store, &checkpoint);
    checkpoint_done(&checkpoint);
    if (result < 0) {
        free_store(store);
        return result;
    }
    *ret_store = store;
    return 0;
}

void store_close_offline(struct spool_store *store)
{
    free_store(store);
}

void spool_store_close(struct spool_store *store)
{
    /* Outcomes that the committer still has come after this checkpoint, in the log. A failure is
     * told; the next start has more to read then. */
    store_save_checkpoint(store);
    free_store(store);
}

/* ---- reading on ---------------------------------------------------------------------------- */

static void raise_durable(struct store_segment *segment, uint64_t length)
{
    if (segment && length > segment->durable)
        segment->durable = length;
}

static void take_hint(struct spool_store *store, struct store_log *log, uint64_t segment,
                      uint64_t length)
{
    /* A new segment: the one before is complete, and a spare may have come. */
    if (segment != log->hint_segment)
        log->rescan = true;
    log->hint_segment = segment;
    log->hint_length = length;
    raise_durable(store_find_segment(store, log, segment), length);
}

void spool_store_hint(struct spool_store *store, const char *writer, uint64_t segment,
                      uint64_t length)
{
    struct store_log *log = store_add_log(store, slice_from_cstr(writer));

    if (log)
        take_hint(store, log, segment, length);
}

void spool_store_rescan(struct spool_store *store, const char *writer)
{
    struct store_log *log = store_add_log(store, slice_from_cstr(writer));

    if (log)
        log->rescan = true;
}

static int poll_log(struct spool_store *store, struct store_log *log, unsigned max)
{
    if (log->rescan) {
        int result = store_rescan_log(store, log);
        if (result < 0)
            return result;
        raise_durable(store_find_segment(store, log, log->hint_segment), log->hint_length);
    }
    return store_read_log(store, log, max);
}

static void keep_house(struct spool_store *store)
{
    uint64_t now = clock_mono_ms();

    if (store_checkpoint_due(store))
        store_save_checkpoint(store);
    if (now - store->freed_ms < HOUSEKEEPING_MS && store->freed_ms)
        return;
    store->freed_ms = now;
    if (store->free_wanted)
        store_free_segments(store);
    for (unsigned i = 0; i < store->n_logs; i++) {
        if (store->logs[i].sweep)
            store_sweep_bodies(store, &store->logs[i]);
    }
    store_move_messages(store);
}

int spool_store_poll(struct spool_store *store, unsigned max)
{
    uint64_t segment, length;
    int count = 0;

    spool_writer_durable(store->log, &segment, &length);
    take_hint(store, &store->logs[store->own], segment, length);
    for (unsigned i = 0; i < store->n_logs && (unsigned)count < max; i++) {
        int result = poll_log(store, &store->logs[i], max - (unsigned)count);
        if (result < 0)
            return result;
        count += result;
    }
    keep_house(store);
    return count;
}

void spool_store_position(struct spool_store *store, const char *writer, uint64_t *ret_segment,
                          uint64_t *ret_length)
{
    const struct store_log *log = store_find_log(store, slice_from_cstr(writer));
    const struct store_segment *segment;

    *ret_segment = *ret_length = 0;
    if (!log || log->n_segments == 0)
        return;
    /* All of them read: the end of the last. */
    segment = &store->segments[log->segments[log->reading < log->n_segments ? log->reading
                                                                            : log->n_segments - 1]];
    *ret_segment = segment->header.number;
    *ret_length = segment->cursor.offset;
    /* What is behind the last record of a batch is padding, and published with it. */
    if (segment->cursor.offset == segment->cursor.batch_end)
        *ret_length = (*ret_length + SPOOL_BLOCK - 1) / SPOOL_BLOCK * SPOOL_BLOCK;
}

/* ---- reading again ------------------------------------------------------------------------- */

/* Of one segment the reader keeps what it read last: who asks for a text has just asked for its
 * envelope. Durable records do not change. */
static void aim_reader(struct spool_store *store, const struct store_segment *segment)
{
    const struct scan *reader = &store->reader;

    if (reader->handle != segment->handle || reader->header.salt != segment->header.salt ||
        reader->header.number != segment->header.number)
        scan_aim(&store->reader, store->disk, segment->handle, &segment->header);
}

static int read_record(struct spool_store *store, struct spool_location location,
                       struct scan_record *ret_record)
{
    struct store_segment *segment;
    int result;

    if (location.segment >= store->n_segments || !store->segments[location.segment].used)
        return -EBADMSG;
    segment = &store->segments[location.segment];
    result = store_segment_handle(store, segment);
    if (result < 0)
        return result;
    aim_reader(store, segment);
    return scan_read_at(&store->reader, location.offset, location.length, ret_record);
}

int spool_store_envelope(struct spool_store *store, struct spool_location location,
                         struct arena *arena, struct envelope *ret_envelope)
{
    struct scan_record record;
    int result = read_record(store, location, &record);

    if (result < 0)
        return result;
    return envelope_decode(arena_dup(arena, record.meta), arena, ret_envelope);
}

static int open_body_file(struct spool_store *store, const struct record_header *header,
                          struct spool_text *ret_text)
{
    const struct store_log *log = store_log_of_id(store, header->id);
    struct spool_path path;
    int fd;

    if (!log)
        return -EBADMSG;
    path = spool_body_path(log->directory, header->id);
    fd = store->disk->ops->open(store->disk, path.text, DISK_READ);
    if (fd < 0)
        return fd;
    *ret_text =
        (struct spool_text){.fd = fd, .offset = header->body_offset, .length = header->body_length};
    return 0;
}

int spool_store_text(struct spool_store *store, struct spool_location location,
                     struct spool_text *ret_text)
{
    struct scan_record record;
    int result = read_record(store, location, &record);

    if (result < 0)
        return result;
    if (record.header.flags & RECORD_BODY_FILE)
        return open_body_file(store, &record.header, ret_text);
    *ret_text = (struct spool_text){
        .fd = store->segments[location.segment].handle,
        .lent = true,
        .offset = location.offset + RECORD_HEADER_SIZE + (uint64_t)record.header.meta_length,
        .length = record.header.body_length,
    };
    return 0;
}

void spool_store_text_done(struct spool_store *store, const struct spool_text *text)
{
    if (!text->lent)
        store->disk->ops->close(store->disk, text->fd);
}

/* ---- outcomes ------------------------------------------------------------------------------ */

void spool_store_outcome(struct spool_store *store, const struct outcome *outcome,
                         const struct spool_dsn *dsns, unsigned n_dsns, spool_done *done, void *arg)
{
    struct spool_job *job = spool_job_new(done, arg);
    struct record_header header = {.type = RECORD_OUTCOME, .id = outcome->id, .group = n_dsns};
    struct spool_part *part;

    for (unsigned i = 0; i < n_dsns; i++) {
        struct record_header of_dsn = {.type = RECORD_MESSAGE, .id = dsns[i].envelope.id};
        struct spool_body *body = spool_body_new(store->log, dsns[i].envelope.id);
        struct envelope envelope = dsns[i].envelope;

        body_add_whole(body, dsns[i].text);
        envelope.size = dsns[i].text.len;
        part = spool_job_add(store->log, job, &of_dsn, body);
        envelope_encode(&part->bytes, &envelope);
    }
    part = spool_job_add(store->log, job, &header, NULL);
    outcome_encode(&part->bytes, outcome);
    job->lazy = n_dsns == 0;
    spool_job_submit(store->log, job);
}

void spool_store_submit(struct spool_store *store, const struct envelope *envelope,
                        struct slice text, spool_done *done, void *arg)
{
    struct spool_body *body = spool_body_new(store->log, envelope->id);

    body_add_whole(body, text);
    spool_submit(store->log, envelope, body, done, arg);
}

uint64_t spool_store_next_id(struct spool_store *store)
{
    return spool_writer_next_id(store->log);
}

struct spool_writer *spool_store_log(struct spool_store *store)
{
    return store->log;
}

void spool_store_stats(struct spool_store *store, struct spool_stats *ret_stats)
{
    struct spool_stats stats = {.live_messages = store->live.count};

    for (uint32_t i = 0; i < store->n_segments; i++) {
        const struct store_segment *segment = &store->segments[i];
        if (!segment->used)
            continue;
        stats.segments++;
        stats.segment_bytes += segment->cursor.batch_end;
        stats.live_bytes += segment->live_bytes;
        if (segment->log == store->own)
            stats.outcome_log_bytes += segment->cursor.batch_end - segment->base.batch_end;
    }
    for (size_t i = 0; store->live.slots && i <= store->live.mask; i++)
        stats.body_files += store->live.slots[i].id && store->live.slots[i].flags & LIVE_BODY_FILE;
    *ret_stats = stats;
}

const struct histogram *spool_store_commits(const struct spool_store *store)
{
    return spool_writer_commits(store->log);
}
