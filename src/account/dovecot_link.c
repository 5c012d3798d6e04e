/*
 * A non-blocking unix stream socket with line buffers. See dovecot_link.h.
 *
 * A unix connect() ends at once, one way or the other; a full backlog (-EAGAIN) counts as a
 * failure. What is said while the socket takes no more waits in a bounded buffer; a peer that lets
 * it fill up is dropped. The log hears of the first failure and of the recovery, not of each
 * attempt.
 */
#include "account/dovecot_link.h"

#include "account/dovecot_line.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { OUT_MAX = 4 * 1024 * 1024 };

struct dovecot_link {
    struct loop *loop;
    char *path;
    const struct dovecot_link_events *events;
    void *arg;
    int fd; /* -1: down */
    struct loop_watch *watch;
    struct buf in, out;
    uint64_t next_try_ms;
    unsigned pause_ms;
    bool failing; /* the log was told */
};

static void on_ready(void *arg, unsigned ready);

struct dovecot_link *dovecot_link_new(struct loop *loop, struct slice path,
                                      const struct dovecot_link_events *events, void *arg)
{
    struct dovecot_link *link = xcalloc(1, sizeof(*link));

    link->loop = loop;
    link->path = xslicedup(path);
    link->events = events;
    link->arg = arg;
    link->fd = -1;
    link->pause_ms = LINK_PAUSE_MIN_MS;
    buf_init(&link->in, DOVECOT_LINE_MAX);
    buf_init(&link->out, OUT_MAX);
    return link;
}

static void forget(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_reset(buf);
}

static void close_link(struct dovecot_link *link)
{
    loop_unwatch(link->watch);
    link->watch = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    forget(&link->in);
    forget(&link->out);
}

void dovecot_link_free(struct dovecot_link *link)
{
    if (!link)
        return;
    close_link(link);
    buf_done(&link->in);
    buf_done(&link->out);
    free(link->path);
    free(link);
}

static void note_failure(struct dovecot_link *link, const char *why)
{
    link->next_try_ms = clock_mono_ms() + link->pause_ms;
    link->pause_ms *= 2;
    if (link->pause_ms > LINK_PAUSE_MAX_MS)
        link->pause_ms = LINK_PAUSE_MAX_MS;
    if (!link->failing)
        log_warn(NULL, "dovecot-away", LOG_STR("socket", link->path), LOG_STR("error", why));
    link->failing = true;
}

void dovecot_link_is_good(struct dovecot_link *link)
{
    link->pause_ms = LINK_PAUSE_MIN_MS;
    if (link->failing)
        log_info(NULL, "dovecot-back", LOG_STR("socket", link->path));
    link->failing = false;
}

void dovecot_link_drop(struct dovecot_link *link, const char *why)
{
    if (link->fd < 0)
        return;
    close_link(link);
    note_failure(link, why);
    link->events->down(link->arg);
}

/* A connected socket or -errno. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd, error;

    if (len >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, len);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

bool dovecot_link_want(struct dovecot_link *link)
{
    int fd;

    if (link->fd >= 0)
        return true;
    if (clock_mono_ms() < link->next_try_ms)
        return false;
    fd = connect_to(link->path);
    if (fd >= 0)
        link->watch = loop_watch(link->loop, fd, LOOP_READ, on_ready, link);
    if (fd >= 0 && !link->watch) {
        close(fd);
        fd = -ENOMEM;
    }
    if (fd < 0) {
        note_failure(link, log_strerror(fd));
        return false;
    }
    link->fd = fd;
    link->events->up(link->arg);
    return link->fd >= 0;
}

static void flush(struct dovecot_link *link)
{
    while (link->out.len) {
        ssize_t n = send(link->fd, link->out.ptr, link->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            /* The reason comes with the next read, which also tells that it is down. */
            forget(&link->out);
            break;
        }
        if (n < 0)
            break;
        buf_drop_front(&link->out, (size_t)n);
    }
    if (link->out.len == 0)
        forget(&link->out);
    loop_watch_change(link->watch, link->out.len ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

void dovecot_link_say(struct dovecot_link *link, struct slice line)
{
    if (link->fd < 0)
        return;
    buf_add_slice(&link->out, line);
    buf_add_char(&link->out, '\n');
    if (link->out.overflow)
        dovecot_link_drop(link, "it reads nothing");
    else
        flush(link);
}

/* Every complete line in the buffer; false: the link is down. */
static bool take_lines(struct dovecot_link *link)
{
    for (;;) {
        struct slice rest = buf_slice(&link->in);
        ptrdiff_t end = slice_find(rest, '\n');
        if (end < 0)
            return true;
        if (!link->events->line(link->arg, slice_sub(rest, 0, (size_t)end)))
            dovecot_link_drop(link, "it does not speak the protocol of Dovecot's auth service");
        if (link->fd < 0)
            return false;
        buf_drop_front(&link->in, (size_t)end + 1);
    }
}

static void on_ready(void *arg, unsigned ready)
{
    struct dovecot_link *link = arg;
    char bytes[4096];
    ssize_t n;

    if (ready & LOOP_WRITE)
        flush(link);
    n = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        dovecot_link_drop(link, n < 0 ? log_strerror(errno) : "it has closed the connection");
        return;
    }
    buf_add(&link->in, bytes, (size_t)n);
    if (link->in.overflow)
        dovecot_link_drop(link, "a line is too long");
    else
        take_lines(link);
}
