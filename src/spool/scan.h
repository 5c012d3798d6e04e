/*
 * Reading a segment from front to back: the records that count, the damage between them, the end.
 *
 * While the writer lives, `limit` is its published durable length: all before it was synced, and
 * bodies are not read. When the writer is dead, limit is the file's size and `verify` is set: a
 * batch counts only if all of it is sound. Then a bad region with a later batch behind it, or below
 * the length that is known to be durable, is damage; any other is a torn tail, which nobody was
 * told is stored.
 */
#ifndef NUNCIO_SPOOL_SCAN_H
#define NUNCIO_SPOOL_SCAN_H

#include "spool/disk.h"
#include "spool/format.h"

/* Where reading goes on; kept in checkpoints. */
struct scan_cursor {
    uint32_t offset;    /* of the next record; == batch_end: of the next batch */
    uint32_t batch_end; /* end of the last record of this batch */
    uint32_t batch;     /* its number */
};

struct scan {
    struct disk *disk;
    int handle;
    struct segment_header header;
    struct scan_cursor cursor;
    uint64_t limit;
    uint64_t durable; /* known to have been published; only matters with verify */
    bool verify;
    bool peek; /* the first thing that is not sound is the end */

    uint64_t bad_from, bad_to; /* after SCAN_DAMAGE and SCAN_TORN */
    uint64_t bad_id;           /* after SCAN_DAMAGE: of the message, or 0 */

    bool salvage; /* inside of a batch with damage: bodies are checked one by one */
    uint32_t run; /* sound records since the batch's start or the last damage */
    unsigned char *buffer;
    size_t buffer_size;
    uint64_t window; /* what of the file is in the buffer */
    size_t window_len;
};

enum scan_result {
    SCAN_RECORD = 1,
    SCAN_END = 2,    /* nothing more up to limit */
    SCAN_SEALED = 3, /* the segment is complete */
    SCAN_DAMAGE = 4, /* a region was skipped; go on */
    SCAN_TORN = 5,   /* the end, behind it a batch that was not finished */
};

struct scan_record {
    struct record_header header;
    struct slice meta; /* good until the next call */
    uint32_t offset;
    uint32_t length;
};

/* Reads the segment's header. -EBADMSG, -ENOTSUP, -errno. The handle stays the caller's. */
int scan_init(struct scan *scan, struct disk *disk, int handle);
/* The same with a header that is known already; keeps the buffer of an earlier use. */
void scan_aim(struct scan *scan, struct disk *disk, int handle,
              const struct segment_header *header);
void scan_done(struct scan *scan);

/* An enum scan_result, or -errno. */
int scan_next(struct scan *scan, struct scan_record *ret_record);

/* Reads one record again, by offset and length. -EBADMSG when something else lies there now. */
int scan_read_at(struct scan *scan, uint32_t offset, uint32_t length,
                 struct scan_record *ret_record);
/* Does the body have its checksum? 0, -EBADMSG, -errno. Only for a body in the segment. */
int scan_check_body(struct scan *scan, const struct scan_record *record);
/* Reads a file from `offset` and compares. 0, -EBADMSG, -errno. */
int scan_check_bytes(struct disk *disk, int handle, uint64_t offset, uint64_t length, uint32_t crc);

#endif
