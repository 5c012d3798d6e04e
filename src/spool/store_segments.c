/*
 * Which logs and segments there are, and which of them have lost their writer.
 *
 * A segment is locked by its writer from before it has a name until it is complete, so a free lock
 * means that nobody will write to it again. Then it is synced (the writer may have died between
 * write and sync) and read to its end: by its heads alone when it ends in a seal, which was written
 * after all else was synced; with every checksum when not.
 *
 * Descriptors are kept open for reading, at most STORE_HANDLES_MAX of them.
 */
#include "spool/store.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

struct store_log *store_find_log(struct spool_store *store, struct slice name)
{
    for (unsigned i = 0; i < store->n_logs; i++) {
        if (slice_eq(slice_from_cstr(store->logs[i].name), name))
            return &store->logs[i];
    }
    return NULL;
}

struct store_log *store_add_log(struct spool_store *store, struct slice name)
{
    struct store_log *log = store_find_log(store, name);

    if (log)
        return log;
    if (store->n_logs == STORE_LOGS_MAX) {
        store_trouble(store, "%s holds more than %d directories: %.*s is left alone",
                      store->directory, STORE_LOGS_MAX, SLICE_ARG(name));
        return NULL;
    }
    log = &store->logs[store->n_logs++];
    *log = (struct store_log){.name = xslicedup(name)};
    log->directory = xstrdup(spool_path(store->directory, log->name).text);
    return log;
}

struct store_log *store_log_of_id(struct spool_store *store, uint64_t id)
{
    for (unsigned i = 0; i < store->n_logs; i++) {
        struct store_log *log = &store->logs[i];
        if (log->n_segments &&
            store->segments[log->segments[0]].header.writer_number == spool_id_writer(id))
            return log;
    }
    return NULL;
}

static uint32_t free_slot(struct spool_store *store)
{
    uint32_t slot = 0;

    while (slot < store->n_segments && store->segments[slot].used)
        slot++;
    if (slot == store->n_segments) {
        store->n_segments = store->n_segments ? store->n_segments * 2 : 16;
        store->segments = xrealloc(store->segments, store->n_segments * sizeof(store->segments[0]));
        memset(store->segments + slot, 0, (store->n_segments - slot) * sizeof(store->segments[0]));
    }
    return slot;
}

uint32_t store_add_segment(struct spool_store *store, struct store_log *log,
                           const struct segment_header *header)
{
    uint32_t slot = free_slot(store);
    unsigned at = log->n_segments;

    store->segments[slot] = (struct store_segment){
        .used = true,
        .log = (uint8_t)(log - store->logs),
        .handle = -1,
        .header = *header,
        .cursor = {.offset = SPOOL_BLOCK, .batch_end = SPOOL_BLOCK},
        .base = {.offset = SPOOL_BLOCK, .batch_end = SPOOL_BLOCK},
    };
    if (log->n_segments == log->room) {
        log->room = log->room ? log->room * 2 : 16;
        log->segments = xrealloc(log->segments, log->room * sizeof(log->segments[0]));
    }
    for (; at > 0 && store->segments[log->segments[at - 1]].header.number > header->number; at--)
        log->segments[at] = log->segments[at - 1];
    log->segments[at] = slot;
    log->n_segments++;
    if (at < log->reading)
        log->reading = at;
    return slot;
}

void store_segment_close(struct spool_store *store, struct store_segment *segment)
{
    if (segment->handle < 0)
        return;
    store->disk->ops->close(store->disk, segment->handle);
    segment->handle = -1;
    store->handles--;
}

void store_drop_segment(struct spool_store *store, uint32_t slot)
{
    struct store_segment *segment = &store->segments[slot];
    struct store_log *log = &store->logs[segment->log];
    unsigned at = 0;

    store_segment_close(store, segment);
    segment->used = false;
    while (log->segments[at] != slot)
        at++;
    log->n_segments--;
    memmove(log->segments + at, log->segments + at + 1,
            (log->n_segments - at) * sizeof(log->segments[0]));
    if (log->reading > at)
        log->reading--;
}

struct store_segment *store_find_segment(struct spool_store *store, struct store_log *log,
                                         uint64_t number)
{
    unsigned low = 0, high = log->n_segments;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        struct store_segment *segment = &store->segments[log->segments[middle]];
        if (segment->header.number == number)
            return segment;
        if (segment->header.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void close_some_handle(struct spool_store *store)
{
    for (uint32_t i = 0; i < store->n_segments; i++) {
        struct store_segment *segment;
        store->next_close = (store->next_close + 1) % store->n_segments;
        segment = &store->segments[store->next_close];
        if (segment->used && segment->handle >= 0) {
            store_segment_close(store, segment);
            return;
        }
    }
}

int store_segment_handle(struct spool_store *store, struct store_segment *segment)
{
    struct spool_path path =
        spool_segment_path(store->logs[segment->log].directory, segment->header.number, ".seg");

    if (segment->handle >= 0)
        return segment->handle;
    if (store->handles >= STORE_HANDLES_MAX)
        close_some_handle(store);
    segment->handle = store->disk->ops->open(store->disk, path.text, DISK_READ);
    if (segment->handle >= 0)
        store->handles++;
    return segment->handle;
}

/* Reads heads to the end: does it end in a seal? */
static bool is_sealed(struct spool_store *store, const struct store_segment *segment)
{
    struct scan *scan = &store->scanner;
    struct scan_record record;
    int result;

    scan_aim(scan, store->disk, segment->handle, &segment->header);
    scan->cursor = segment->cursor;
    scan->limit = segment->size;
    do
        result = scan_next(scan, &record);
    while (result == SCAN_RECORD);
    return result == SCAN_SEALED;
}

/* Nobody holds the segment's lock any more. */
static int take_dead(struct spool_store *store, struct store_segment *segment)
{
    int result = store->disk->ops->size(store->disk, segment->handle, &segment->size);

    if (result < 0)
        return result;
    if (!store->read_only)
        result = store->disk->ops->fsync(store->disk, segment->handle);
    /* What was acknowledged is safe all the same: its writer had synced it. */
    if (result < 0)
        store_trouble(store, "segment %s cannot be synced: %s",
                      store_segment_text(store, segment).text, log_strerror(result));
    segment->dead = true;
    segment->verify = !is_sealed(store, segment);
    /* If its writer died between a sync that failed and the cut, the cache shows what is not on the
     * disk, and no sync says so. */
    if (segment->verify && !store->read_only)
        store->disk->ops->forget(store->disk, segment->handle);
    store->logs[segment->log].sweep = true;
    return 0;
}

static int probe(struct spool_store *store, struct store_segment *segment)
{
    int handle = store_segment_handle(store, segment);
    int result;

    if (handle < 0)
        return handle;
    result = store->disk->ops->lock(store->disk, handle);
    if (result == -EAGAIN)
        return 0;
    return result < 0 ? result : take_dead(store, segment);
}

/* 0 with the header; -EBADMSG or -ENOTSUP, told; the -errno of a read that failed. */
static int read_header(struct spool_store *store, int handle, const char *path, uint64_t number,
                       struct segment_header *ret_header)
{
    unsigned char block[SPOOL_BLOCK];
    ssize_t n = store->disk->ops->pread(store->disk, handle, block, sizeof(block), 0);
    int result;

    if (n < 0) /* the disk's own EBADMSG and ENOTSUP say nothing about the header */
        return n == -EBADMSG || n == -ENOTSUP ? -EIO : (int)n;
    result = segment_header_decode(block, (size_t)n, ret_header);
    if (result == 0 && ret_header->number != number)
        result = -EBADMSG;
    if (result == -ENOTSUP)
        store_trouble(store, "%s has format %u, made by a newer program; this one knows %d", path,
                      ret_header->version, SPOOL_VERSION);
    if (result == -EBADMSG)
        store_trouble(store, "%s has no sound header and is left alone", path);
    return result;
}

static int add_found(struct spool_store *store, struct store_log *log, uint64_t number)
{
    struct spool_path path = spool_segment_path(log->directory, number, ".seg");
    int handle = store->disk->ops->open(store->disk, path.text, DISK_READ);
    struct segment_header header;
    uint32_t slot;
    int result;

    if (handle < 0)
        return handle == -ENOENT ? 0 : handle;
    result = read_header(store, handle, path.text, number, &header);
    if (result < 0) {
        store->disk->ops->close(store->disk, handle);
        return result == -EBADMSG ? 0 : result;
    }
    slot = store_add_segment(store, log, &header);
    store->segments[slot].handle = handle;
    store->segments[slot].present = true;
    store->handles++;
    return 0;
}

struct listing {
    struct spool_store *store;
    struct store_log *log;
};

static int see_file(void *arg, const char *name)
{
    struct listing *listing = arg;
    struct store_segment *segment;
    uint64_t number;

    if (!spool_segment_name(name, ".seg", &number) || number == 0)
        return 0;
    segment = store_find_segment(listing->store, listing->log, number);
    if (!segment)
        return add_found(listing->store, listing->log, number);
    segment->present = true;
    return 0;
}

int store_rescan_log(struct spool_store *store, struct store_log *log)
{
    struct listing listing = {.store = store, .log = log};
    int result = store->disk->ops->list(store->disk, log->directory, see_file, &listing);

    if (result == -ENOTDIR || result == -ENOENT)
        return 0;
    for (unsigned i = log->reading; i < log->n_segments && result == 0; i++) {
        struct store_segment *segment = &store->segments[log->segments[i]];
        if (segment->present && !segment->dead && !segment->complete)
            result = probe(store, segment);
    }
    if (result == 0)
        log->rescan = false;
    return result;
}

static int see_directory(void *arg, const char *name)
{
    struct spool_store *store = arg;
    struct spool_path path = spool_path(store->directory, name);
    int result = store->disk->ops->fsync_dir(store->disk, path.text);

    /* The sync matters: a segment that is seen to be missing is forgotten, and must not come back
     * because its unlink had not reached the disk. */
    if (result == 0)
        store_add_log(store, slice_from_cstr(name));
    return result == -ENOTDIR ? 0 : result;
}

int store_find_logs(struct spool_store *store)
{
    return store->disk->ops->list(store->disk, store->directory, see_directory, store);
}
