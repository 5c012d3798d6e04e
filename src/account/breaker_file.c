/*
 * The file holds the wall time of saving (u64) and the snapshot behind it. It is written anew and
 * renamed, so that there is always a whole one, but not synced: what a power cut takes of it makes
 * no limit much higher, and nobody waits for a disk. See breaker_file.h.
 */
#include "account/breaker_file.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FILE_MAX = 16 * 1024 * 1024, CHUNK = 64 * 1024 };

static char *path_of(struct slice state, const char *suffix)
{
    struct buf path;
    char *cpath;

    buf_init(&path, 4096);
    buf_printf(&path, "%.*s/accounts/counts%s", SLICE_ARG(state), suffix);
    cpath = xslicedup(buf_slice(&path));
    buf_done(&path);
    return cpath;
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0)
            return -errno;
        bytes = slice_skip(bytes, (size_t)n);
    }
    return 0;
}

static int write_file(struct slice state, struct slice bytes)
{
    char *temporary = path_of(state, ".new"), *path = path_of(state, "");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : write_all(fd, bytes);

    if (fd >= 0)
        close(fd);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    free(temporary);
    free(path);
    return r;
}

void breaker_file_save(const struct breaker *breaker, struct slice state)
{
    struct buf bytes;
    int r;

    buf_init(&bytes, FILE_MAX);
    wire_put_u64(&bytes, clock_wall_ms());
    breaker_save(breaker, clock_mono_ms(), &bytes);
    r = bytes.overflow ? -EFBIG : write_file(state, buf_slice(&bytes));
    if (r < 0)
        log_warn(NULL, "counts-not-saved", LOG_ERRNO(r));
    buf_done(&bytes);
}

static void read_file(struct slice state, struct buf *ret_bytes)
{
    char *path = path_of(state, "");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? 0 : 1;

    while (n > 0) {
        char *to = buf_reserve(ret_bytes, CHUNK);
        n = to ? read(fd, to, CHUNK) : 0;
        if (n > 0)
            buf_added(ret_bytes, (size_t)n);
    }
    if (fd >= 0)
        close(fd);
    free(path);
}

void breaker_file_load(struct breaker *breaker, struct slice state)
{
    uint64_t now = clock_wall_ms(), then;
    struct wire in;
    struct buf bytes;

    buf_init(&bytes, FILE_MAX);
    read_file(state, &bytes);
    in = wire_from(buf_slice(&bytes));
    then = wire_get_u64(&in);
    if (bytes.len && (in.failed || breaker_load(breaker, in.rest, now > then ? now - then : 0,
                                                clock_mono_ms()) < 0))
        log_warn(NULL, "counts-not-read", LOG_STR("so", "they begin at zero"));
    buf_done(&bytes);
}
