/* Reading the configuration, at the start and again, and packing it for the roles. */
#include "daemon/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUNDLE_MAX = 64 * 1024 * 1024 };

int reload_read(const char *path, struct config_bundle *ret_bundle, struct config **ret_config,
                struct problem_list *problems)
{
    int r = config_load(path, ret_bundle, ret_config, problems);

    if (r < 0)
        config_bundle_done(ret_bundle);
    return r;
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        bytes = slice_skip(bytes, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

int reload_memfd(const struct config_bundle *bundle)
{
    int fd = memfd_create("nuncio-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct buf stored;
    int r;

    if (fd < 0)
        return -errno;
    buf_init(&stored, BUNDLE_MAX);
    config_bundle_encode(&stored, bundle);
    r = stored.overflow ? -EFBIG : write_all(fd, buf_slice(&stored));
    buf_done(&stored);
    if (r == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}
