/* Reading the configuration, at the start and again, and packing it for the roles. */
#include "daemon/parent.h"
#include "daemon/sealed.h"

#include <errno.h>
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

int reload_memfd(const struct config_bundle *bundle)
{
    int fd = sealed_new("nuncio-config");
    struct buf stored;
    int r;

    if (fd < 0)
        return fd;
    buf_init(&stored, BUNDLE_MAX);
    config_bundle_encode(&stored, bundle);
    r = stored.overflow ? -EFBIG : sealed_write(fd, buf_slice(&stored));
    buf_done(&stored);
    if (r == 0)
        r = sealed_finish(fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}
