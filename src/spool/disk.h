/*
 * The table of functions through which the spool touches the disk, and nothing else in it does.
 * The real one is disk_real(); the simulator's tears writes, loses unsynced pages and directory
 * entries, fills up and stops at any call.
 *
 * All return 0 or a count on success and -errno on failure; none sets errno for its caller. A
 * `handle` is an open file: a descriptor in the real implementation.
 */
#ifndef NUNCIO_SPOOL_DISK_H
#define NUNCIO_SPOOL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct disk;

/* New files get mode 0640, new directories 0770 (less the umask). */
enum disk_open { DISK_READ = 0, DISK_WRITE = 1, DISK_CREATE = 2 /* exclusive, with DISK_WRITE */ };

struct disk_space {
    uint64_t bytes_free;  /* for an unprivileged writer */
    uint64_t inodes_free; /* UINT64_MAX where the file system has no such limit */
};

struct disk_ops {
    int (*open)(struct disk *disk, const char *path, unsigned how); /* handle or -errno */
    void (*close)(struct disk *disk, int handle);
    ssize_t (*pread)(struct disk *disk, int handle, void *to, size_t len, uint64_t offset);
    /* Writes all or fails. */
    int (*pwritev)(struct disk *disk, int handle, const struct iovec *iov, int n, uint64_t offset);
    int (*size)(struct disk *disk, int handle, uint64_t *ret_size);
    int (*allocate)(struct disk *disk, int handle, uint64_t size); /* filled with zeros, written */
    int (*truncate)(struct disk *disk, int handle, uint64_t size);
    int (*fdatasync)(struct disk *disk, int handle);
    int (*fsync)(struct disk *disk, int handle);
    /* Forgets what is cached of the file and needs no writing, so that the next read tells what the
     * disk has: after a sync that failed, the cache may show more than that. */
    int (*forget)(struct disk *disk, int handle);
    /* OFD lock: exclusive on a handle for writing, shared on one for reading; -EAGAIN when another
     * has it. Gone when the handle is closed. */
    int (*lock)(struct disk *disk, int handle);
    int (*rename)(struct disk *disk, const char *from, const char *to);
    int (*unlink)(struct disk *disk, const char *path); /* a file, or an empty directory */
    int (*mkdir)(struct disk *disk, const char *path);
    int (*fsync_dir)(struct disk *disk, const char *path);
    /* Calls `each` with every name but . and ..; a non-zero return of it ends the walk. */
    int (*list)(struct disk *disk, const char *path, int (*each)(void *arg, const char *name),
                void *arg);
    int (*space)(struct disk *disk, const char *path, struct disk_space *ret_space);
};

struct disk {
    const struct disk_ops *ops;
};

/* The kernel's file system. Stateless; never freed. */
struct disk *disk_real(void);

#endif
