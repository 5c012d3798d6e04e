/*
 * The kernel's file system behind struct disk. See disk.h.
 *
 * A handle is a descriptor, close-on-exec. Interrupted calls are repeated, short writes are
 * finished; nothing else is repeated, and no failed sync ever is.
 */
#include "spool/disk.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILL_BYTES = 1024 * 1024 };

static int real_open(struct disk *disk, const char *path, unsigned how)
{
    int flags = O_CLOEXEC | O_NOFOLLOW | (how & DISK_WRITE ? O_RDWR : O_RDONLY);
    int fd;

    (void)disk;
    if (how & DISK_CREATE)
        flags |= O_CREAT | O_EXCL | O_RDWR;
    do
        fd = open(path, flags, 0640);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static void real_close(struct disk *disk, int handle)
{
    (void)disk;
    close(handle);
}

static ssize_t real_pread(struct disk *disk, int handle, void *to, size_t len, uint64_t offset)
{
    size_t done = 0;

    (void)disk;
    while (done < len) {
        ssize_t n = pread(handle, (char *)to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Writes the rest of a vector from which `done` bytes are written already. */
static int write_rest(int fd, const struct iovec *iov, int n, size_t done, uint64_t offset)
{
    for (int i = 0; i < n; i++) {
        while (done < iov[i].iov_len) {
            ssize_t written = pwrite(fd, (const char *)iov[i].iov_base + done,
                                     iov[i].iov_len - done, (off_t)(offset + done));
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return -errno;
            done += (size_t)written;
        }
        offset += iov[i].iov_len;
        done -= iov[i].iov_len;
    }
    return 0;
}

static int real_pwritev(struct disk *disk, int handle, const struct iovec *iov, int n,
                        uint64_t offset)
{
    (void)disk;
    while (n > 0) {
        int piece = n < IOV_MAX ? n : IOV_MAX;
        size_t want = 0;
        ssize_t written;

        for (int i = 0; i < piece; i++)
            want += iov[i].iov_len;
        written = pwritev(handle, iov, piece, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        if ((size_t)written < want) {
            int result = write_rest(handle, iov, piece, (size_t)written, offset);
            if (result < 0)
                return result;
        }
        iov += piece;
        n -= piece;
        offset += want;
    }
    return 0;
}

static int real_size(struct disk *disk, int handle, uint64_t *ret_size)
{
    struct stat st;

    (void)disk;
    if (fstat(handle, &st) < 0)
        return -errno;
    *ret_size = (uint64_t)st.st_size;
    return 0;
}

static int real_allocate(struct disk *disk, int handle, uint64_t size)
{
    char *zeros;
    int result = posix_fallocate(handle, 0, (off_t)size);

    /* A file system without the call shows a lack of space while the zeros are written. */
    if (result != 0 && result != EOPNOTSUPP && result != EINVAL)
        return -result;
    result = 0;
    zeros = xcalloc(1, FILL_BYTES);
    for (uint64_t at = 0; at < size && result == 0; at += FILL_BYTES) {
        struct iovec iov = {.iov_base = zeros, .iov_len = FILL_BYTES};
        if (size - at < FILL_BYTES)
            iov.iov_len = (size_t)(size - at);
        result = real_pwritev(disk, handle, &iov, 1, at);
    }
    free(zeros);
    return result;
}

static int real_truncate(struct disk *disk, int handle, uint64_t size)
{
    (void)disk;
    return ftruncate(handle, (off_t)size) < 0 ? -errno : 0;
}

static int real_fdatasync(struct disk *disk, int handle)
{
    (void)disk;
    return fdatasync(handle) < 0 ? -errno : 0;
}

static int real_fsync(struct disk *disk, int handle)
{
    (void)disk;
    return fsync(handle) < 0 ? -errno : 0;
}

static int real_forget(struct disk *disk, int handle)
{
    (void)disk;
    return -posix_fadvise(handle, 0, 0, POSIX_FADV_DONTNEED);
}

static int real_lock(struct disk *disk, int handle)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int flags = fcntl(handle, F_GETFL);

    (void)disk;
    if (flags < 0)
        return -errno;
    if ((flags & O_ACCMODE) == O_RDONLY)
        lock.l_type = F_RDLCK;
    if (fcntl(handle, F_OFD_SETLK, &lock) < 0)
        return errno == EACCES ? -EAGAIN : -errno;
    return 0;
}

static int real_rename(struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return rename(from, to) < 0 ? -errno : 0;
}

static int real_unlink(struct disk *disk, const char *path)
{
    (void)disk;
    if (unlink(path) == 0)
        return 0;
    if (errno != EISDIR)
        return -errno;
    return rmdir(path) < 0 ? -errno : 0;
}

static int real_mkdir(struct disk *disk, const char *path)
{
    (void)disk;
    return mkdir(path, 0770) < 0 ? -errno : 0;
}

static int real_fsync_dir(struct disk *disk, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = 0;

    (void)disk;
    if (fd < 0)
        return -errno;
    if (fsync(fd) < 0)
        result = -errno;
    close(fd);
    return result;
}

static int real_list(struct disk *disk, const char *path, int (*each)(void *arg, const char *name),
                     void *arg)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int result = 0;

    (void)disk;
    if (!dir)
        return -errno;
    while (result == 0) {
        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            result = -errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = each(arg, entry->d_name);
    }
    closedir(dir);
    return result;
}

static int real_space(struct disk *disk, const char *path, struct disk_space *ret_space)
{
    struct statvfs st;

    (void)disk;
    if (statvfs(path, &st) < 0)
        return -errno;
    ret_space->bytes_free = (uint64_t)st.f_bavail * st.f_frsize;
    /* btrfs and its kin have no fixed number of inodes and say 0 of 0. */
    ret_space->inodes_free = st.f_files == 0 ? UINT64_MAX : st.f_favail;
    return 0;
}

struct disk *disk_real(void)
{
    static const struct disk_ops ops = {
        .open = real_open,
        .close = real_close,
        .pread = real_pread,
        .pwritev = real_pwritev,
        .size = real_size,
        .allocate = real_allocate,
        .truncate = real_truncate,
        .fdatasync = real_fdatasync,
        .fsync = real_fsync,
        .forget = real_forget,
        .lock = real_lock,
        .rename = real_rename,
        .unlink = real_unlink,
        .mkdir = real_mkdir,
        .fsync_dir = real_fsync_dir,
        .list = real_list,
        .space = real_space,
    };
    static struct disk disk = {.ops = &ops};

    return &disk;
}
