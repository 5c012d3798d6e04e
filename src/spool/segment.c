/*
 * The life of a segment file, but for its batches. See segment.h.
 *
 * Order is everything in creation: zeros and header are synced before the file has its name, the
 * directory is synced before the segment is used. "NNN.tmp" files are nobody's; the writer removes
 * them when it opens its directory.
 */
#include "spool/segment.h"

#include "base/buf.h"

#include <errno.h>
#include <libgen.h>
#include <sys/random.h>

int spool_make_directory(struct disk *disk, const char *directory)
{
    char *copy;
    int made = disk->ops->mkdir(disk, directory);
    int result;

    if (made < 0 && made != -EEXIST)
        return made;
    copy = xstrdup(directory);
    result = disk->ops->fsync_dir(disk, dirname(copy));
    free(copy);
    /* The folder above may be shut to us: then it was not us who made the directory there. */
    if (result == -EACCES && made == -EEXIST)
        return 0;
    /* Left as it is, the next try would find it and trust it. */
    if (result < 0 && made == 0)
        disk->ops->unlink(disk, directory);
    return result;
}

int spool_take_lock(struct disk *disk, const char *directory)
{
    struct spool_path path = spool_path(directory, "lock");
    int handle = disk->ops->open(disk, path.text, DISK_WRITE);
    int result;

    if (handle == -ENOENT)
        handle = disk->ops->open(disk, path.text, DISK_WRITE | DISK_CREATE);
    if (handle < 0)
        return handle == -EEXIST ? -EAGAIN : handle;
    result = disk->ops->lock(disk, handle);
    if (result < 0) {
        disk->ops->close(disk, handle);
        return result;
    }
    return handle;
}

static int fill(struct disk *disk, int handle, const struct segment_header *header, uint64_t size)
{
    unsigned char block[SPOOL_BLOCK];
    struct iovec iov = {.iov_base = block, .iov_len = sizeof(block)};
    int result = disk->ops->lock(disk, handle);

    segment_header_encode(header, block);
    if (result == 0)
        result = disk->ops->allocate(disk, handle, size);
    if (result == 0)
        result = disk->ops->pwritev(disk, handle, &iov, 1, 0);
    if (result == 0)
        result = disk->ops->fsync(disk, handle);
    return result;
}

static int create(struct disk *disk, const char *directory, struct segment_header *header,
                  uint64_t size)
{
    struct spool_path temporary = spool_segment_path(directory, header->number, ".tmp");
    struct spool_path final = spool_segment_path(directory, header->number, ".seg");
    int handle, result;

    handle = disk->ops->open(disk, temporary.text, DISK_WRITE | DISK_CREATE);
    if (handle < 0)
        return handle;
    result = fill(disk, handle, header, size);
    if (result == 0)
        result = disk->ops->rename(disk, temporary.text, final.text);
    if (result == 0)
        result = disk->ops->fsync_dir(disk, directory);
    if (result == 0)
        return handle;
    disk->ops->unlink(disk, temporary.text);
    disk->ops->unlink(disk, final.text);
    disk->ops->close(disk, handle);
    return result;
}

int segment_create(struct disk *disk, const char *directory, const struct segment_header *header,
                   uint64_t size, struct segment *ret_segment)
{
    struct segment_header filled = *header;
    int handle;

    filled.version = SPOOL_VERSION;
    if (getrandom(&filled.salt, sizeof(filled.salt), 0) != (ssize_t)sizeof(filled.salt))
        return -EIO;
    handle = create(disk, directory, &filled, size);
    if (handle < 0)
        return handle;
    *ret_segment = (struct segment){
        .handle = handle,
        .header = filled,
        .size = size,
        .used = SPOOL_BLOCK,
    };
    return 0;
}

int segment_abandon(struct disk *disk, struct segment *segment)
{
    int result = disk->ops->truncate(disk, segment->handle, segment->used);

    if (result == 0)
        result = disk->ops->fsync(disk, segment->handle);
    if (result == 0)
        disk->ops->close(disk, segment->handle);
    segment->handle = -1;
    return result;
}

void segment_close(struct disk *disk, struct segment *segment)
{
    if (segment->handle < 0)
        return;
    /* Only room is lost when this fails. */
    disk->ops->truncate(disk, segment->handle, segment->used);
    disk->ops->close(disk, segment->handle);
    segment->handle = -1;
}
