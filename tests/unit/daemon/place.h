/* A folder of a test's own with files in it. */
#ifndef NUNCIO_TESTS_PLACE_H
#define NUNCIO_TESTS_PLACE_H

#include "base/slice.h"
#include "../cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char place_root[] = "/tmp/nuncio-place-XXXXXX";

static inline int place_make(void **state)
{
    (void)state;
    memcpy(place_root + strlen(place_root) - 6, "XXXXXX", 6);
    return mkdtemp(place_root) ? 0 : -1;
}

static inline int place_remove(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", place_root);
    return system(command);
}

/* "<root>/<name>", good until the fourth call after this one. */
static inline const char *place_path(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", place_root, name);
    return path;
}

static inline void place_write_slice(const char *name, struct slice text, mode_t mode)
{
    int fd = open(place_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static inline void place_write(const char *name, const char *text)
{
    place_write_slice(name, slice_from_cstr(text), 0600);
}

#endif
