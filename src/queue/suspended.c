/*
 * See suspended.h. The file is written whole under another name, synced, and renamed, and the
 * folder is synced; a change that did not get there is taken back, so that what a person was told
 * is true after a restart too.
 *
 * Nobody is looked for when a suspension begins: mail in the lanes meets it when its turn comes,
 * mail that waits when it is routed. When one ends, all that is suspended is routed anew, and what
 * another one holds back waits again.
 */
#include "queue/suspended.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FOLDER "spool/queue"
#define NAME   "suspended.json"

enum { FILE_LIMIT = 4 * 1024 * 1024 };

static int open_folder(const struct queue *queue)
{
    struct buf path;
    int fd;

    buf_init(&path, 4096);
    buf_printf(&path, "%.*s/" FOLDER, SLICE_ARG(queue->config->state));
    buf_add_char(&path, '\0');
    fd = path.overflow ? -1 : open(path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_done(&path);
    return fd;
}

static int write_all(int fd, struct slice text)
{
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text = slice_skip(text, (size_t)n);
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int replace(int folder, struct slice text)
{
    int fd = openat(folder, NAME ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, text);
    close(fd);
    if (r == 0 && (renameat(folder, NAME ".new", folder, NAME) < 0 || fsync(folder) < 0))
        r = -errno;
    return r;
}

static int save(const struct queue *queue)
{
    int folder = open_folder(queue), r;
    struct buf text;

    if (folder < 0)
        return -errno;
    buf_init(&text, FILE_LIMIT);
    suspensions_encode(queue->suspensions, &text);
    r = text.overflow ? -EFBIG : replace(folder, buf_slice(&text));
    buf_done(&text);
    close(folder);
    return r;
}

static int read_file(int folder, struct buf *text)
{
    int fd = openat(folder, NAME, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    while (n > 0) {
        char *to = buf_reserve(text, 4096);
        n = to ? read(fd, to, 4096) : -1;
        if (n > 0)
            buf_added(text, (size_t)n);
    }
    close(fd);
    return n < 0 ? -EIO : 0;
}

void suspended_load(struct queue *queue)
{
    int folder = open_folder(queue), r;
    struct buf text;

    if (folder < 0)
        return; /* a first start: the store makes the folder */
    buf_init(&text, FILE_LIMIT);
    r = read_file(folder, &text);
    if (r == 0 && text.len && !suspensions_decode(queue->suspensions, buf_slice(&text)))
        r = -EBADMSG;
    if (r < 0)
        log_error(NULL, "suspensions-not-read", LOG_STR("file", FOLDER "/" NAME), LOG_ERRNO(r),
                  LOG_INT("in_force", suspensions_count(queue->suspensions)));
    buf_done(&text);
    close(folder);
}

/* ---- beginning and end --------------------------------------------------------------------- */

static void log_change(const char *event, const struct suspension *suspension)
{
    log_info(NULL, event, LOG_STR("kind", suspend_kind_name(suspension->kind)),
             LOG_SLICE("what", suspension->what), LOG_SLICE("reason", suspension->reason),
             LOG_SLICE("by", suspension->by));
}

/* The list as it was, to be put back when the disk does not take the new one. */
static struct suspensions *copy_list(const struct suspensions *list)
{
    struct suspensions *copy = suspensions_new();

    for (unsigned i = 0; i < suspensions_count(list); i++)
        suspensions_add(copy, suspensions_at(list, i));
    return copy;
}

static int save_or_undo(struct queue *queue, struct suspensions *before)
{
    int r = save(queue);

    if (r < 0) {
        log_error(NULL, "suspensions-not-written", LOG_ERRNO(r));
        suspensions_free(queue->suspensions);
        queue->suspensions = before;
    } else {
        suspensions_free(before);
    }
    return r;
}

int suspended_begin(struct queue *queue, const struct suspension *suspension)
{
    struct suspensions *before = copy_list(queue->suspensions);
    int r;

    if (!suspensions_add(queue->suspensions, suspension)) {
        suspensions_free(before);
        return suspensions_count(queue->suspensions) >= SUSPENSIONS_MAX ? -ENOSPC : -EINVAL;
    }
    r = save_or_undo(queue, before);
    if (r == 0)
        log_change("suspended", suspension);
    return r;
}

static void route_all_anew(struct queue *queue)
{
    struct message *message;
    uint32_t handle = 0;

    while ((message = ledger_next(&queue->ledger, &handle))) {
        for (uint32_t i = 0; i < message->n_recipients; i++) {
            if (recipient_state(ledger_recipient(message, i)) == RECIPIENT_SUSPENDED)
                settle_again(queue, message, i, 0);
        }
    }
}

int suspended_end(struct queue *queue, enum suspend_kind kind, struct slice what)
{
    struct suspension gone = {.kind = kind, .what = what, .by = SLICE("administrator")};
    struct suspensions *before = copy_list(queue->suspensions);
    int r;

    if (!suspensions_remove(queue->suspensions, kind, what)) {
        suspensions_free(before);
        return 0;
    }
    r = save_or_undo(queue, before);
    if (r < 0)
        return r;
    log_change("resumed", &gone);
    route_all_anew(queue);
    return 1;
}

/* A list that could not be written comes back after a restart, and is over again at once. */
void suspended_tick(struct queue *queue)
{
    unsigned n = suspensions_expire(queue->suspensions, clock_wall_ms());

    if (!n)
        return;
    log_info(NULL, "resumed", LOG_INT("suspensions", n), LOG_STR("why", "their time is over"));
    save(queue);
    route_all_anew(queue);
}

const struct suspension *suspended_find(const struct queue *queue, const struct envelope *envelope,
                                        const struct recipient *recipient,
                                        const struct lane_key *lane)
{
    return suspensions_find(queue->suspensions, envelope->reverse_path, envelope->login,
                            recipient->address, lane);
}
