/*
 * A configuration's files as one thing: read from disk, made from a text, sent and received. See
 * config.h. This is the only part of the module that touches the file system.
 *
 * Reading is breadth first and bounded: 100 files of 1 MiB. The same file under another name (by a
 * link, or "./") is found by its device and inode, so that includes cannot go round. What the files
 * say is not judged here but for their `include` lines; parsing tells the rest.
 */
#include "config/config.h"

#include "base/log.h"
#include "base/wire.h"
#include "config/statement.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_identity {
    dev_t device;
    ino_t inode;
};

struct bundle_reader {
    struct config_bundle *bundle;
    struct problem_list *problems;
    struct file_identity known[CONFIG_FILES_MAX];
};

static void complain(struct bundle_reader *reader, const struct config_source *from,
                     struct slice path, const char *what)
{
    reader->bundle->incomplete = true;
    problem_add(reader->problems, from->file, from->line, "%.*s: %s", SLICE_ARG(path), what);
}

/* Reads all of the descriptor; -EFBIG above the bound. */
static int read_text(int fd, struct arena *arena, struct slice *ret_text)
{
    struct buf text;
    ssize_t n = 0;

    buf_init(&text, CONFIG_FILE_MAX + 1);
    do {
        buf_added(&text, (size_t)n);
        if (text.len > CONFIG_FILE_MAX)
            break;
        n = read(fd, buf_reserve(&text, CONFIG_FILE_MAX + 1 - text.len),
                 CONFIG_FILE_MAX + 1 - text.len);
    } while (n > 0 || (n < 0 && errno == EINTR && (n = 0, true)));
    if (n < 0)
        n = -errno;
    else if (text.len > CONFIG_FILE_MAX)
        n = -EFBIG;
    else
        *ret_text = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return n < 0 ? (int)n : 0;
}

/* Whether this file was read before; if not, it now was. */
static bool is_known(struct bundle_reader *reader, const struct stat *status)
{
    size_t count = reader->bundle->count;

    for (size_t i = 0; i < count; i++) {
        if (reader->known[i].device == status->st_dev && reader->known[i].inode == status->st_ino)
            return true;
    }
    reader->known[count] = (struct file_identity){status->st_dev, status->st_ino};
    return false;
}

static void add_open_file(struct bundle_reader *reader, const struct config_source *from,
                          struct slice path, int fd)
{
    struct config_bundle *bundle = reader->bundle;
    struct slice text = SLICE_NULL;
    struct stat status;
    int r;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        complain(reader, from, path, "is not a regular file");
        return;
    }
    if (is_known(reader, &status)) {
        complain(reader, from, path, "is included already; include each file once");
        return;
    }
    r = read_text(fd, &bundle->arena, &text);
    if (r == -EFBIG)
        complain(reader, from, path, "is larger than 1 MiB; that is not a configuration");
    else if (r < 0)
        complain(reader, from, path, log_strerror(r));
    bundle->files[bundle->count++] =
        (struct config_file){.name = arena_dup(&bundle->arena, path), .text = text};
}

static void add_file(struct bundle_reader *reader, const struct config_source *from,
                     struct slice path)
{
    int fd;

    if (reader->bundle->count == CONFIG_FILES_MAX) {
        complain(reader, from, path, "is one file too many; at most 100 belong to a configuration");
        return;
    }
    /* O_NONBLOCK: a FIFO must not hold us up. */
    fd = open(arena_cstr(&reader->bundle->arena, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        complain(reader, from, path, log_strerror(errno));
        return;
    }
    add_open_file(reader, from, path, fd);
    close(fd);
}

static void add_includes(struct bundle_reader *reader, const struct config_file *file)
{
    struct arena scratch;
    struct problem_list ignored;

    arena_init(&scratch);
    problem_list_init(&ignored);
    for (const struct statement *statement =
             statement_parse(file->name, file->text, &scratch, &ignored);
         statement; statement = statement->next) {
        if (statement_is_include(statement))
            add_file(reader, &statement->source, statement_include_path(statement, &scratch));
    }
    problem_list_done(&ignored);
    arena_done(&scratch);
}

int config_bundle_read(const char *path, struct config_bundle *ret_bundle,
                       struct problem_list *problems)
{
    struct bundle_reader reader = {.bundle = ret_bundle, .problems = problems};
    struct config_source nowhere = {0};

    *ret_bundle = (struct config_bundle){0};
    arena_init(&ret_bundle->arena);
    ret_bundle->files =
        arena_alloc(&ret_bundle->arena, CONFIG_FILES_MAX * sizeof(*ret_bundle->files));
    add_file(&reader, &nowhere, slice_from_cstr(path));
    for (size_t i = 0; i < ret_bundle->count; i++)
        add_includes(&reader, &ret_bundle->files[i]);
    return ret_bundle->incomplete ? -EINVAL : 0;
}

void config_bundle_from_text(struct slice name, struct slice text, struct config_bundle *ret_bundle)
{
    *ret_bundle = (struct config_bundle){.count = 1};
    arena_init(&ret_bundle->arena);
    ret_bundle->files = arena_alloc(&ret_bundle->arena, sizeof(*ret_bundle->files));
    ret_bundle->files[0].name = arena_dup(&ret_bundle->arena, name);
    ret_bundle->files[0].text = arena_dup(&ret_bundle->arena, text);
}

void config_bundle_done(struct config_bundle *bundle)
{
    arena_done(&bundle->arena);
    *bundle = (struct config_bundle){0};
}

void config_bundle_encode(struct buf *out, const struct config_bundle *bundle)
{
    wire_put_u32(out, (uint32_t)bundle->count);
    for (size_t i = 0; i < bundle->count; i++) {
        wire_put_slice(out, bundle->files[i].name);
        wire_put_slice(out, bundle->files[i].text);
    }
}

int config_bundle_decode(struct slice input, struct config_bundle *ret_bundle)
{
    struct config_bundle bundle = {0};
    struct wire in = wire_from(input);

    bundle.count = wire_get_u32(&in);
    if (in.failed || bundle.count > CONFIG_FILES_MAX)
        return -EBADMSG;
    arena_init(&bundle.arena);
    bundle.files = arena_alloc(&bundle.arena, bundle.count * sizeof(*bundle.files));
    for (size_t i = 0; i < bundle.count; i++) {
        bundle.files[i].name = arena_dup(&bundle.arena, wire_get_slice(&in));
        bundle.files[i].text = arena_dup(&bundle.arena, wire_get_slice(&in));
    }
    if (!wire_ended_well(&in)) {
        config_bundle_done(&bundle);
        return -EBADMSG;
    }
    *ret_bundle = bundle;
    return 0;
}
