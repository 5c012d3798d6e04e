/*
 * Writing in the folder of keys, one at a time. See key_store.h; key_store_read.c reads.
 *
 * The facts are written before the key and removed after it, so that a crash leaves facts without a
 * key, which mean nothing and are written over, and never a key that signs for more than it should.
 */
#include "keys/key_store.h"

#include "base/clock.h"
#include "io/keep_file.h"
#include "keys/key_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_PAUSE_MS = 20, SELECTOR_MAX = 128, LABEL_MAX = 63 };

int key_store_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 ? -errno : fd;
}

int key_store_lock(int folder, unsigned wait_ms)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    uint64_t deadline = clock_mono_ms() + wait_ms;
    int fd = openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int error = errno;
        if (error == EINTR)
            continue;
        if (error != EWOULDBLOCK || clock_mono_ms() >= deadline) {
            close(fd);
            return error == EWOULDBLOCK ? -EBUSY : -error;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

static bool is_label(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
            return false;
    }
    return true;
}

bool key_selector_is_valid(struct slice selector)
{
    struct slice rest = selector;

    if (selector.len == 0 || selector.len > SELECTOR_MAX)
        return false;
    while (rest.ptr) {
        if (!is_label(slice_cut(&rest, '.')))
            return false;
    }
    return true;
}

int key_path_open_domain(int folder, struct slice domain)
{
    char name[KEY_NAME_MAX];
    int fd;

    if (domain.len == 0 || domain.len >= sizeof(name) || slice_find(domain, '/') >= 0 ||
        domain.ptr[0] == '.')
        return -EINVAL;
    snprintf(name, sizeof(name), "%.*s", SLICE_ARG(domain));
    fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

/* The same, and makes it. */
static int make_domain(int folder, struct slice domain)
{
    char name[KEY_NAME_MAX];
    int fd = key_path_open_domain(folder, domain);

    if (fd != -ENOENT)
        return fd;
    snprintf(name, sizeof(name), "%.*s", SLICE_ARG(domain));
    if (mkdirat(folder, name, 0700) < 0 || fsync(folder) < 0)
        return -errno;
    return key_path_open_domain(folder, domain);
}

void key_path_file(char out[KEY_NAME_MAX], struct slice selector, const char *tail)
{
    snprintf(out, KEY_NAME_MAX, "%.*s%s", SLICE_ARG(selector), tail);
}

static bool is_there(int dir, const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int put_facts(int dir, struct slice selector, const struct key_facts *facts)
{
    char name[KEY_NAME_MAX];
    struct buf text;
    int r;

    buf_init(&text, KEY_FACTS_MAX);
    key_facts_write(&text, facts);
    key_path_file(name, selector, KEY_TAIL_FACTS);
    r = text.overflow ? -EMSGSIZE : keep_file_write(dir, name, buf_slice(&text));
    buf_done(&text);
    return r;
}

static int put_key(int dir, struct slice selector, EVP_PKEY *key)
{
    char name[KEY_NAME_MAX];
    struct buf pem;
    int r;

    buf_init(&pem, KEY_PEM_MAX);
    key_path_file(name, selector, KEY_TAIL_PEM);
    r = key_pem_write(&pem, key) ? keep_file_write(dir, name, buf_slice(&pem)) : -ENOMEM;
    key_pem_wipe(&pem);
    return r;
}

int key_store_add(int folder, struct slice domain, struct slice selector, EVP_PKEY *key,
                  const struct key_facts *facts)
{
    char name[KEY_NAME_MAX];
    int dir = key_selector_is_valid(selector) ? make_domain(folder, domain) : -EINVAL;
    int r;

    if (dir < 0)
        return dir;
    key_path_file(name, selector, KEY_TAIL_PEM);
    r = is_there(dir, name) ? -EEXIST : put_facts(dir, selector, facts);
    if (r == 0)
        r = put_key(dir, selector, key);
    close(dir);
    return r;
}

int key_store_write_facts(int folder, struct slice domain, struct slice selector,
                          const struct key_facts *facts)
{
    char name[KEY_NAME_MAX];
    int dir = key_selector_is_valid(selector) ? key_path_open_domain(folder, domain) : -EINVAL;
    int r;

    if (dir < 0)
        return dir;
    key_path_file(name, selector, KEY_TAIL_PEM);
    r = is_there(dir, name) ? put_facts(dir, selector, facts) : -ENOENT;
    close(dir);
    return r;
}

int key_store_remove(int folder, struct slice domain, struct slice selector)
{
    char name[KEY_NAME_MAX];
    int dir = key_selector_is_valid(selector) ? key_path_open_domain(folder, domain) : -EINVAL;
    int r = 0;

    if (dir < 0)
        return dir;
    key_path_file(name, selector, KEY_TAIL_PEM);
    if (unlinkat(dir, name, 0) < 0 || fsync(dir) < 0)
        r = -errno;
    key_path_file(name, selector, KEY_TAIL_FACTS);
    if (r == 0 && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        r = -errno;
    (void)unlinkat(dir, KEEP_FILE_UNFINISHED, 0); /* which may hold a key */
    close(dir);
    snprintf(name, sizeof(name), "%.*s", SLICE_ARG(domain));
    if (r == 0)
        (void)unlinkat(folder, name, AT_REMOVEDIR); /* if it was the last one */
    return r;
}
