/* Files of the parent for many threads. See handed.h. The loop's thread takes them, attempts read
 * them. */
#include "relay/handed.h"

#include <pthread.h>

struct handed {
    pthread_mutex_t lock; /* guards the rest */
    struct files *files;
    unsigned version;
};

struct handed *handed_new(void)
{
    struct handed *handed = xcalloc(1, sizeof(*handed));

    pthread_mutex_init(&handed->lock, NULL);
    handed->files = files_new();
    return handed;
}

void handed_free(struct handed *handed)
{
    if (!handed)
        return;
    files_free(handed->files);
    pthread_mutex_destroy(&handed->lock);
    free(handed);
}

int handed_take(struct handed *handed, const struct msg_file *message, int fd)
{
    int r;

    pthread_mutex_lock(&handed->lock);
    r = files_take(handed->files, message, fd);
    handed->version++;
    pthread_mutex_unlock(&handed->lock);
    return r;
}

bool handed_read(struct handed *handed, struct slice path, struct buf *out, unsigned *ret_version)
{
    struct files_file file = {.text = SLICE("it was not read yet")};

    pthread_mutex_lock(&handed->lock);
    files_find(handed->files, path, &file);
    if (buf_reserve(out, file.text.len + 1))
        buf_add_slice(out, file.text);
    pthread_mutex_unlock(&handed->lock);
    *ret_version = file.version;
    return file.readable && !out->overflow;
}

unsigned handed_version(struct handed *handed)
{
    unsigned version;

    pthread_mutex_lock(&handed->lock);
    version = handed->version;
    pthread_mutex_unlock(&handed->lock);
    return version;
}
