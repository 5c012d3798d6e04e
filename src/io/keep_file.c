/*
 * Temporary, fsync, rename, fsync of the folder; see keep_file.h.
 */
#include "io/keep_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static int write_whole(int fd, struct slice content)
{
    while (content.len) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        content = slice_skip(content, (size_t)n);
    }
    return fsync(fd) < 0 ? -errno : 0;
}

int keep_file_write(int folder, const char *name, struct slice content)
{
    int fd = openat(folder, KEEP_FILE_UNFINISHED,
                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return -errno;
    r = write_whole(fd, content);
    close(fd);
    if (r == 0 && renameat(folder, KEEP_FILE_UNFINISHED, folder, name) < 0)
        r = -errno;
    if (r == 0 && fsync(folder) < 0)
        r = -errno;
    return r;
}

int keep_file_read(int folder, const char *name, struct buf *content)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    char chunk[CHUNK];
    ssize_t n;

    if (fd < 0)
        return -errno;
    do {
        n = read(fd, chunk, sizeof(chunk));
        if (n > 0)
            buf_add(content, chunk, (size_t)n);
    } while ((n > 0 && !content->overflow) || (n < 0 && errno == EINTR));
    n = n < 0 ? -errno : 0;
    close(fd);
    return content->overflow ? -EFBIG : (int)n;
}
