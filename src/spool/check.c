/*
 * `nuncio spool check`: everything is read, every checksum computed, nothing changed.
 *
 * First the spool is opened as the server would open it, without a writer: this finds what the logs
 * and the checkpoint contradict each other about. Then every segment is read from its first byte,
 * bodies included, and every body file that a live message speaks of.
 */
#include "spool/store.h"

#include "base/log.h"

#include <errno.h>

struct check {
    struct spool_store *store;
    void (*tell)(void *arg, struct slice line);
    void *arg;
};

static void see_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    (void)arg;
    (void)envelope;
    (void)location;
}

static void see_outcome(void *arg, const struct outcome *outcome)
{
    (void)arg;
    (void)outcome;
}

static void see_trouble(void *arg, struct slice text)
{
    const struct check *check = arg;

    check->tell(check->arg, text);
}

static int check_segment(struct spool_store *store, const struct store_segment *segment)
{
    struct scan *scan = &store->scanner;
    struct scan_record record;
    int result;

    scan_aim(scan, store->disk, segment->handle, &segment->header);
    scan->limit = segment->size;
    scan->durable = segment->durable;
    scan->verify = true;
    do {
        result = scan_next(scan, &record);
        if (result == SCAN_DAMAGE)
            store_trouble(store, "segment %s is damaged from byte %llu to %llu%s%s",
                          store_segment_text(store, segment).text,
                          (unsigned long long)scan->bad_from, (unsigned long long)scan->bad_to,
                          scan->bad_id ? ", message " : "",
                          scan->bad_id ? message_id_format(scan->bad_id).text : "");
    } while (result == SCAN_RECORD || result == SCAN_DAMAGE);
    return result < 0 ? result : 0;
}

static void check_segments(struct spool_store *store)
{
    for (uint32_t i = 0; i < store->n_segments; i++) {
        struct store_segment *segment = &store->segments[i];
        int result;

        if (!segment->used)
            continue;
        result = store_segment_handle(store, segment);
        if (result >= 0 && !segment->dead && !segment->complete) {
            store_notice(store, "segment %s is in use: not checked",
                         store_segment_text(store, segment).text);
            continue;
        }
        if (result >= 0)
            result = store->disk->ops->size(store->disk, segment->handle, &segment->size);
        if (result >= 0)
            result = check_segment(store, segment);
        if (result < 0)
            store_trouble(store, "segment %s cannot be read: %s",
                          store_segment_text(store, segment).text, log_strerror(result));
    }
}

/* The text of a message that has a file of its own. */
static int check_body(struct spool_store *store, const struct live *live)
{
    struct store_segment *segment = &store->segments[live->segment];
    struct store_log *log = store_log_of_id(store, live->id);
    struct scan_record record;
    int handle = store_segment_handle(store, segment);
    int result;

    if (handle < 0 || !log)
        return handle < 0 ? handle : -ENOENT;
    scan_aim(&store->reader, store->disk, handle, &segment->header);
    result = scan_read_at(&store->reader, live->offset, live->length, &record);
    if (result < 0)
        return result;
    handle = store->disk->ops->open(store->disk, spool_body_path(log->directory, live->id).text,
                                    DISK_READ);
    if (handle < 0)
        return handle;
    result = scan_check_bytes(store->disk, handle, record.header.body_offset,
                              record.header.body_length, record.header.body_crc);
    store->disk->ops->close(store->disk, handle);
    return result;
}

static void check_bodies(struct spool_store *store)
{
    for (size_t i = 0; store->live.slots && i <= store->live.mask; i++) {
        const struct live *live = &store->live.slots[i];
        int result;

        if (!live->id || !(live->flags & LIVE_BODY_FILE))
            continue;
        result = check_body(store, live);
        if (result < 0)
            store_trouble(store, "the text of message %s %s", message_id_format(live->id).text,
                          result == -EBADMSG ? "is damaged" : log_strerror(result));
    }
}

static void sum_up(struct spool_store *store)
{
    struct spool_stats stats;

    spool_store_stats(store, &stats);
    store_notice(store,
                 "%llu segments, %llu messages, %llu bytes of mail in segments, %llu texts "
                 "in files: %s",
                 (unsigned long long)stats.segments, (unsigned long long)stats.live_messages,
                 (unsigned long long)stats.live_bytes, (unsigned long long)stats.body_files,
                 store->findings ? "damaged" : "sound");
}

int spool_check(struct disk *disk, const char *directory,
                void (*tell)(void *arg, struct slice line), void *arg)
{
    struct check check = {.tell = tell, .arg = arg};
    const struct spool_store_events events = {
        .message = see_message, .outcome = see_outcome, .trouble = see_trouble, .arg = &check};
    int result = store_open_offline(disk, directory, &events, &check.store);

    if (result < 0)
        return result;
    check_segments(check.store);
    check_bodies(check.store);
    sum_up(check.store);
    result = check.store->findings > 0;
    store_close_offline(check.store);
    return result;
}
