/*
 * What the parent handed over, in a short list: a configuration names few such files.
 *
 * The text is read out of the sealed memfd at once, so that nothing here depends on what its maker
 * does with it later. See files.h.
 */
#include "io/files.h"

#include "base/buf.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    char *path;
    char *text;
    size_t len;
    bool readable;
    unsigned version;
};

struct files {
    struct entry entries[FILES_MAX];
    size_t count;
};

struct files *files_new(void)
{
    return xcalloc(1, sizeof(struct files));
}

static void forget_text(struct entry *entry)
{
    if (entry->text)
        explicit_bzero(entry->text, entry->len);
    free(entry->text);
    entry->text = NULL;
    entry->len = 0;
}

void files_free(struct files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++) {
        forget_text(&files->entries[i]);
        free(files->entries[i].path);
    }
    free(files);
}

static struct entry *find(const struct files *files, struct slice path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (slice_eq(slice_from_cstr(files->entries[i].path), path))
            return (struct entry *)(uintptr_t)&files->entries[i];
    }
    return NULL;
}

static int read_all(int fd, char *text, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, text + done, len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

static int read_text(struct entry *entry, int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size < 0 || status.st_size > FILE_TEXT_MAX)
        return -EFBIG;
    entry->len = (size_t)status.st_size;
    entry->text = xmalloc(entry->len + 1);
    return read_all(fd, entry->text, entry->len);
}

static void set_reason(struct entry *entry, struct slice why)
{
    forget_text(entry);
    entry->text = xslicedup(why);
    entry->len = why.len;
    entry->readable = false;
}

int files_take(struct files *files, const struct msg_file *message, int fd)
{
    struct entry *entry = find(files, message->path);
    int r = 0;

    if (!entry) {
        if (files->count == FILES_MAX)
            return -ENOSPC;
        entry = &files->entries[files->count++];
        entry->path = xslicedup(message->path);
    }
    entry->version++;
    forget_text(entry);
    entry->readable = fd >= 0;
    if (fd >= 0)
        r = read_text(entry, fd);
    if (fd < 0)
        set_reason(entry, message->text);
    else if (r < 0)
        set_reason(entry, slice_from_cstr(log_strerror(r)));
    return 0;
}

bool files_find(const struct files *files, struct slice path, struct files_file *ret_file)
{
    const struct entry *entry = find(files, path);

    if (!entry)
        return false;
    *ret_file = (struct files_file){.readable = entry->readable,
                                    .text = slice_from(entry->text, entry->len),
                                    .version = entry->version};
    return true;
}
