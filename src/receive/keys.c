/*
 * The material is read where it lies, in the parent's sealed memfd: no copy of a private key is
 * made here but OpenSSL's own. (It wipes the keys, but not all that its PEM reader had of them; the
 * process has to have the keys anyway.) The descriptor is kept, because a reload can change the
 * rules alone. See keys.h.
 */
#include "receive/keys.h"

#include "base/log.h"
#include "io/tls_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_WRITE };

void keys_init(struct keys *keys, struct server *server, const struct config *config)
{
    *keys = (struct keys){
        .server = server, .fd = -1, .only_1_3 = config->tls_minimum == TLS_VERSION_1_3};
}

void keys_done(struct keys *keys)
{
    if (keys->fd >= 0)
        close(keys->fd);
}

static int use(struct keys *keys, struct slice stored)
{
    struct tls_rules rules = {.only_1_3 = keys->only_1_3};
    struct tls_material material;
    struct tls_server *tls = NULL;
    struct arena arena;
    char why[256] = "not what the parent sends";
    int r;

    arena_init(&arena);
    r = tls_material_decode(stored, &arena, &material);
    if (r == 0)
        r = tls_server_new(&material, &rules, &tls, why, sizeof(why));
    arena_done(&arena);
    if (r < 0) {
        log_error(NULL, "certificates-refused", LOG_STR("why", why));
        return r;
    }
    server_set_tls(keys->server, tls);
    log_info(NULL, "certificates", LOG_INT("pairs", material.n_pairs));
    return 0;
}

/* What is no memory file has no seals, which fcntl() tells by -1. */
static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SEALS) == SEALS;
}

static int load(struct keys *keys, int fd)
{
    struct stat status;
    void *map;
    int r;

    if (fstat(fd, &status) < 0 || status.st_size <= 0 || status.st_size > TLS_MATERIAL_MAX ||
        !is_sealed(fd)) {
        log_error(NULL, "certificates-refused", LOG_STR("why", "not a sealed descriptor"));
        return -EBADMSG;
    }
    map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    r = use(keys, slice_from(map, (size_t)status.st_size));
    munmap(map, (size_t)status.st_size);
    return r;
}

int keys_take(struct keys *keys, int fd)
{
    int r = load(keys, fd);

    if (r < 0) {
        close(fd);
        return r;
    }
    if (keys->fd >= 0)
        close(keys->fd);
    keys->fd = fd;
    return 0;
}

void keys_set_config(struct keys *keys, const struct config *config)
{
    bool only_1_3 = config->tls_minimum == TLS_VERSION_1_3;

    if (only_1_3 == keys->only_1_3)
        return;
    keys->only_1_3 = only_1_3;
    if (keys->fd >= 0)
        (void)load(keys, keys->fd);
}
