/*
 * Making a segment and closing it: the side of the process that writes it.
 */
#ifndef NUNCIO_SPOOL_SEGMENT_H
#define NUNCIO_SPOOL_SEGMENT_H

#include "spool/disk.h"
#include "spool/format.h"

struct segment {
    int handle; /* -1: none */
    struct segment_header header;
    uint64_t size;
    uint64_t used;  /* everything before it is synced */
    uint64_t batch; /* number of the last batch written */
};

/*
 * A new segment, ready for its first batch: locked, filled with zeros, its header and its name on
 * disk. It gets its final name last, so that nobody else can see it before it is locked.
 * `header` needs number, first_number and writer_number. -errno; nothing but a name that may come
 * back after a power cut is left then.
 */
int segment_create(struct disk *disk, const char *directory, const struct segment_header *header,
                   uint64_t size, struct segment *ret_segment);

/*
 * After a failed write or sync: cuts off what is not known to be durable, so that it never comes
 * back, and closes. When the disk refuses that too, the handle stays open on purpose: as long as
 * this process lives, its lock keeps the store from reading behind the published length. Then
 * -errno: the failed batch may come back one day, whole.
 */
int segment_abandon(struct disk *disk, struct segment *segment);

/* Makes a directory durably; one that is there is fine. */
int spool_make_directory(struct disk *disk, const char *directory);
/* Opens (makes) the file and locks it for this process. The handle, -EAGAIN when another process
 * has it, or -errno. */
int spool_take_lock(struct disk *disk, const char *directory);

/* Gives back the unused room and closes. */
void segment_close(struct disk *disk, struct segment *segment);

#endif
