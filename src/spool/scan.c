/*
 * From bytes to records. See scan.h for what counts as damage and what as a torn tail.
 *
 * Reads through a window: a few KiB for a record's head while bodies are skipped, more where all is
 * read. A length is believed only when it fits the batch, and a batch only when it fits the limit.
 *
 * In a damaged batch each record stands for itself: what is sound was acknowledged and is kept. An
 * outcome counts only together with the bounces that it caused: without them the recipient would be
 * forgotten, so the step is forgotten instead and will be done again.
 */
#include "spool/scan.h"

#include "base/buf.h"
#include "base/crc32c.h"

#include <errno.h>
#include <string.h>

enum { WINDOW_HEADS = 4096, WINDOW_ALL = 256 * 1024 };

void scan_aim(struct scan *scan, struct disk *disk, int handle, const struct segment_header *header)
{
    *scan = (struct scan){
        .disk = disk,
        .handle = handle,
        .header = *header,
        .cursor = {.offset = SPOOL_BLOCK, .batch_end = SPOOL_BLOCK},
        .buffer = scan->buffer,
        .buffer_size = scan->buffer_size,
    };
}

int scan_init(struct scan *scan, struct disk *disk, int handle)
{
    unsigned char block[SPOOL_BLOCK];
    ssize_t n = disk->ops->pread(disk, handle, block, sizeof(block), 0);

    if (n < 0)
        return (int)n;
    *scan = (struct scan){
        .disk = disk,
        .handle = handle,
        .cursor = {.offset = SPOOL_BLOCK, .batch_end = SPOOL_BLOCK},
    };
    return segment_header_decode(block, (size_t)n, &scan->header);
}

void scan_done(struct scan *scan)
{
    free(scan->buffer);
    scan->buffer = NULL;
    scan->buffer_size = 0;
}

/* `need` bytes at `offset`. -ENODATA when the file ends before. */
static int view(struct scan *scan, uint64_t offset, size_t need, unsigned char **ret_bytes)
{
    size_t window = scan->verify ? WINDOW_ALL : WINDOW_HEADS;
    ssize_t n;

    if (offset < scan->window || offset + need > scan->window + scan->window_len) {
        /* What lies behind the limit may be written at this moment. */
        if (offset + window > scan->limit)
            window = scan->limit > offset ? (size_t)(scan->limit - offset) : 0;
        if (window < need)
            window = need;
        if (window > scan->buffer_size) {
            free(scan->buffer);
            scan->buffer = xmalloc(window);
            scan->buffer_size = window;
        }
        scan->window_len = 0;
        n = scan->disk->ops->pread(scan->disk, scan->handle, scan->buffer, window, offset);
        if (n < 0)
            return (int)n;
        scan->window = offset;
        scan->window_len = (size_t)n;
        if ((size_t)n < need)
            return -ENODATA;
    }
    *ret_bytes = scan->buffer + (offset - scan->window);
    return 0;
}

static struct spool_place place_at(const struct scan *scan, uint64_t offset)
{
    return (struct spool_place){
        .salt = scan->header.salt, .segment = scan->header.number, .offset = offset};
}

/* Header and meta of the record at `offset`, which must end before `end`. -EBADMSG if not. */
static int read_head(struct scan *scan, uint64_t offset, uint64_t end,
                     struct scan_record *ret_record)
{
    struct scan_record record;
    unsigned char *bytes = NULL;
    int result;

    if (offset + RECORD_HEADER_SIZE > end)
        return -EBADMSG;
    result = view(scan, offset, RECORD_HEADER_SIZE, &bytes);
    if (result < 0)
        return result == -ENODATA ? -EBADMSG : result;
    if (!record_header_peek(bytes, &record.header) || record_length(&record.header) > end - offset)
        return -EBADMSG;
    result = view(scan, offset, RECORD_HEADER_SIZE + (size_t)record.header.meta_length, &bytes);
    if (result < 0)
        return result == -ENODATA ? -EBADMSG : result;
    if (!record_check(bytes, &record.header, place_at(scan, offset)))
        return -EBADMSG;
    record.meta = slice_from(bytes + RECORD_HEADER_SIZE, record.header.meta_length);
    record.offset = (uint32_t)offset;
    record.length = (uint32_t)record_length(&record.header);
    *ret_record = record;
    return 0;
}

int scan_check_bytes(struct disk *disk, int handle, uint64_t offset, uint64_t length, uint32_t crc)
{
    unsigned char *chunk = xmalloc(WINDOW_ALL);
    uint32_t found = 0;
    int result = 0;

    while (length && result == 0) {
        size_t want = length < WINDOW_ALL ? (size_t)length : WINDOW_ALL;
        ssize_t n = disk->ops->pread(disk, handle, chunk, want, offset);
        if (n < 0)
            result = (int)n;
        else if ((size_t)n < want)
            result = -EBADMSG;
        found = crc32c(found, chunk, want * (result == 0));
        offset += want;
        length -= want;
    }
    free(chunk);
    return result == 0 && found != crc ? -EBADMSG : result;
}

int scan_check_body(struct scan *scan, const struct scan_record *record)
{
    uint64_t at = record->offset + RECORD_HEADER_SIZE + (uint64_t)record->header.meta_length;
    uint64_t left = record->header.body_length;
    uint32_t crc = 0;

    if (record->header.flags & RECORD_BODY_FILE)
        return 0;
    while (left) {
        size_t n = left < WINDOW_ALL / 2 ? (size_t)left : WINDOW_ALL / 2;
        unsigned char *bytes = NULL;
        int result = view(scan, at, n, &bytes);
        if (result < 0)
            return result == -ENODATA ? -EBADMSG : result;
        crc = crc32c(crc, bytes, n);
        at += n;
        left -= n;
    }
    return crc == record->header.body_crc ? 0 : -EBADMSG;
}

/* 0 when every record of the batch is sound, bodies too. */
static int verify_batch(struct scan *scan, uint64_t at, const struct batch_header *batch)
{
    uint64_t offset = at + BATCH_HEADER_SIZE;
    uint64_t end = at + batch->length;

    for (uint32_t i = 0; i < batch->records; i++) {
        struct scan_record record;
        int result = read_head(scan, offset, end, &record);
        if (result == 0 && record.header.batch != (uint32_t)batch->number)
            result = -EBADMSG;
        if (result == 0)
            result = scan_check_body(scan, &record);
        if (result < 0)
            return result;
        offset += record.length;
    }
    return offset == end ? 0 : -EBADMSG;
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Is there anything but zeros in [from, to)? */
static int find_written(struct scan *scan, uint64_t from, uint64_t to, bool *ret_written)
{
    while (from < to) {
        size_t n = to - from < SPOOL_BLOCK ? (size_t)(to - from) : SPOOL_BLOCK;
        unsigned char *bytes = NULL;
        int result = view(scan, from, n, &bytes);
        if (result == -ENODATA)
            break;
        if (result < 0)
            return result;
        if (!is_zero(bytes, n)) {
            *ret_written = true;
            return 0;
        }
        from += n;
    }
    *ret_written = false;
    return 0;
}

static bool decode_batch(const struct scan *scan, uint64_t at, const unsigned char *bytes,
                         struct batch_header *ret_batch)
{
    return batch_header_decode(bytes, place_at(scan, at), ret_batch) &&
           ret_batch->number > scan->cursor.batch && ret_batch->length <= scan->limit - at;
}

/* The next batch from `at` on; 0 in *ret_at when there is none. */
static int find_later(struct scan *scan, uint64_t at, uint64_t *ret_at)
{
    struct batch_header batch;
    unsigned char *bytes = NULL;

    for (; at + BATCH_HEADER_SIZE <= scan->limit; at += SPOOL_BLOCK) {
        int result = view(scan, at, BATCH_HEADER_SIZE, &bytes);
        if (result == -ENODATA)
            break;
        if (result < 0)
            return result;
        if (decode_batch(scan, at, bytes, &batch)) {
            *ret_at = at;
            return 0;
        }
    }
    *ret_at = 0;
    return 0;
}

/* What stands at `at` is no sound batch; `end` is where it says it ends, 0 when not even that is
 * known. */
static int judge_bad(struct scan *scan, uint64_t at, uint64_t end)
{
    uint64_t later;
    bool written;
    int result;

    if (scan->peek)
        return SCAN_END;
    result = find_later(scan, at + SPOOL_BLOCK, &later);
    if (result < 0)
        return result;
    if (later == 0 && scan->verify && at >= scan->durable) {
        result = find_written(scan, at, scan->limit, &written);
        scan->bad_from = at;
        scan->bad_to = scan->limit;
        return result < 0 ? result : written ? SCAN_TORN : SCAN_END;
    }
    if (end == 0)
        end = later ? later : scan->limit;
    scan->cursor.offset = (uint32_t)at + BATCH_HEADER_SIZE;
    scan->cursor.batch_end = (uint32_t)end;
    scan->cursor.batch++;
    scan->salvage = true;
    scan->run = 0;
    scan->bad_from = at;
    scan->bad_to = end;
    scan->bad_id = 0;
    return SCAN_DAMAGE;
}

/* 0 with the cursor at the batch's first record, a scan_result, or -errno. */
static int enter_batch(struct scan *scan)
{
    uint64_t at = spool_align(scan->cursor.batch_end);
    struct batch_header batch;
    unsigned char *bytes = NULL;
    int result;

    if (at + BATCH_HEADER_SIZE > scan->limit)
        return SCAN_END;
    result = view(scan, at, BATCH_HEADER_SIZE, &bytes);
    if (result < 0)
        return result == -ENODATA ? SCAN_END : result;
    if (!decode_batch(scan, at, bytes, &batch))
        return judge_bad(scan, at, 0);
    /* After damage batches may be missing. */
    if (batch.number != scan->cursor.batch + 1 && !scan->salvage)
        return judge_bad(scan, at, at + batch.length);
    result = scan->verify ? verify_batch(scan, at, &batch) : 0;
    if (result == -EBADMSG)
        return judge_bad(scan, at, at + batch.length);
    if (result < 0)
        return result;
    scan->cursor.offset = (uint32_t)at + BATCH_HEADER_SIZE;
    scan->cursor.batch_end = (uint32_t)(at + batch.length);
    scan->cursor.batch = (uint32_t)batch.number;
    scan->salvage = false;
    scan->run = 0;
    return 0;
}

static int tell_damage(struct scan *scan, uint64_t from, uint64_t to, uint64_t id)
{
    scan->bad_from = from;
    scan->bad_to = to;
    scan->bad_id = id;
    scan->run = 0;
    scan->salvage = true;
    scan->cursor.offset = (uint32_t)to;
    return SCAN_DAMAGE;
}

/* The head is bad, so nobody knows where the next record begins. */
static int lose_rest(struct scan *scan)
{
    uint64_t from = scan->cursor.offset;
    bool written;
    int result = find_written(scan, from, scan->cursor.batch_end, &written);

    if (result < 0)
        return result;
    if (written)
        return tell_damage(scan, from, scan->cursor.batch_end, 0);
    scan->cursor.offset = scan->cursor.batch_end;
    return 0;
}

/* 0 when there was none after all, a scan_result, or -errno. */
static int read_record(struct scan *scan, struct scan_record *ret_record)
{
    struct scan_record record;
    int result = read_head(scan, scan->cursor.offset, scan->cursor.batch_end, &record);

    if (result == 0 && record.header.batch != scan->cursor.batch)
        result = -EBADMSG;
    if (result < 0)
        return result == -EBADMSG ? lose_rest(scan) : result;
    if (scan->salvage) {
        result = record.header.group > scan->run ? -EBADMSG : scan_check_body(scan, &record);
        if (result == -EBADMSG)
            return tell_damage(scan, record.offset, record.offset + (uint64_t)record.length,
                               record.header.id);
        /* The body may have taken the window away. */
        if (result == 0)
            result = read_head(scan, scan->cursor.offset, scan->cursor.batch_end, &record);
        if (result < 0)
            return result;
    }
    scan->run++;
    scan->cursor.offset += record.length;
    *ret_record = record;
    return record.header.type == RECORD_SEAL ? SCAN_SEALED : SCAN_RECORD;
}

int scan_next(struct scan *scan, struct scan_record *ret_record)
{
    int result = 0;

    while (result == 0) {
        if (scan->cursor.offset >= scan->cursor.batch_end)
            result = enter_batch(scan);
        if (result == 0)
            result = read_record(scan, ret_record);
    }
    return result;
}

int scan_read_at(struct scan *scan, uint32_t offset, uint32_t length,
                 struct scan_record *ret_record)
{
    scan->limit = (uint64_t)offset + length;
    return read_head(scan, offset, scan->limit, ret_record);
}
