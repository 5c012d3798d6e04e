/* See memory_file.h. */
#include "io/memory_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, struct slice text)
{
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        text = slice_skip(text, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

int memory_file_new(const char *name, struct slice text)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, text);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int memory_file_read(int fd, uint64_t offset, uint64_t length, struct buf *out)
{
    char *room = length <= out->max ? buf_reserve(out, (size_t)length) : NULL;
    size_t got = 0;

    if (!room)
        return -EFBIG;
    while (got < length) {
        ssize_t n = pread(fd, room + got, (size_t)length - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        got += (size_t)n;
    }
    buf_added(out, got);
    return 0;
}

int memory_file_read_all(int fd, struct buf *out)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    return memory_file_read(fd, 0, (uint64_t)status.st_size, out);
}
