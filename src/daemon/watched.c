/* Files that are looked at from time to time. See watched.h. */
#include "daemon/watched.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>

static struct watched_identity identify(const char *path)
{
    struct watched_identity identity = {0};
    struct stat st;

    if (stat(path, &st) < 0) {
        identity.error = errno;
        return identity;
    }
    identity.device = st.st_dev;
    identity.inode = st.st_ino;
    identity.size = st.st_size;
    identity.modified = st.st_mtim;
    identity.changed = st.st_ctim;
    return identity;
}

static bool same(const struct watched_identity *a, const struct watched_identity *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

void watched_add(struct watched *watched, struct slice path)
{
    struct watched_file *file;

    for (size_t i = 0; i < watched->count; i++) {
        if (slice_eq(slice_from_cstr(watched->list[i].path), path))
            return;
    }
    watched->list = xrealloc(watched->list, (watched->count + 1) * sizeof(*watched->list));
    file = &watched->list[watched->count++];
    file->path = xslicedup(path);
    file->seen = identify(file->path);
}

bool watched_look(struct watched *watched)
{
    bool changed = false;

    for (size_t i = 0; i < watched->count; i++) {
        struct watched_file *file = &watched->list[i];
        struct watched_identity now = identify(file->path);
        changed = changed || !same(&now, &file->seen);
        file->seen = now;
    }
    return changed;
}

void watched_done(struct watched *watched)
{
    for (size_t i = 0; i < watched->count; i++)
        free(watched->list[i].path);
    free(watched->list);
    *watched = (struct watched){0};
}
