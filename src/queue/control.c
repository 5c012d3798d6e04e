/*
 * Clients of the control socket. See control.h.
 *
 * Bounds: CLIENTS_MAX clients, LINE_MAX_BYTES for a request, OUT_ENOUGH bytes of answers waiting
 * before a command goes on, IDLE_MS without a request or without taking an answer. A client is
 * either between requests (then reading), in a command that goes on (then writable ends a wait), or
 * waiting for the parent. What it sends meanwhile stays in the socket.
 */
#include "queue/control.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/commands.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum {
    CLIENTS_MAX = 32,
    LINE_MAX_BYTES = 64 * 1024,
    OUT_ENOUGH = 64 * 1024,
    OUT_MAX = 16 * 1024 * 1024, /* one slice of answers at most */
    IDLE_MS = 60 * 1000,
    CHECK_EVERY_MS = 5 * 1000
};

struct client {
    struct control *control;
    int fd;
    struct loop_watch *watch;
    enum peer_level level;
    uid_t uid;
    struct buf in, out;
    uint64_t heard_ms; /* monotonic: the last byte in or out */
    struct command_run run;
    bool busy;    /* a command goes on */
    bool waiting; /* for the parent */
    bool closed;  /* the peer will say no more */
    struct client *prev, *next;
};

struct control {
    struct queue *queue;
    struct peer_groups groups;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct client *clients;
    unsigned n_clients;
};

static void drop_client(struct client *client)
{
    struct control *control = client->control;

    loop_unwatch(client->watch);
    close(client->fd);
    command_end(&client->run);
    buf_done(&client->in);
    buf_done(&client->out);
    DL_DELETE(control->clients, client);
    control->n_clients--;
    free(client);
}

/* ---- requests ------------------------------------------------------------------------------ */

static void begin_command(struct client *client, struct slice line)
{
    struct command_run *run = &client->run;
    const char *name;

    command_end(run);
    *run = (struct command_run){
        .queue = client->control->queue, .uid = client->uid, .out = &client->out};
    run->request = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
    name = json_string_value(json_object_get(run->request, "command"));
    run->command = command_find(name);
    if (!json_is_object(run->request))
        command_fail(run, "a request is a JSON object on one line");
    else if (!run->command)
        command_fail(run, "there is no such command");
    else if (client->level < run->command->level)
        command_fail(run, "you are not allowed to do that");
    else
        client->busy = true;
}

static void go_on(struct client *client)
{
    while (client->busy && !client->waiting && client->out.len < OUT_ENOUGH) {
        enum command_state state = client->run.command->step(&client->run);
        client->busy = state != COMMAND_THROUGH;
        client->waiting = state == COMMAND_WAITS;
        if (state == COMMAND_GOES_ON)
            return; /* others have their turn */
    }
}

/* Takes complete lines, until one of them begins a command that is not over at once. */
static void take_lines(struct client *client)
{
    while (!client->busy) {
        struct slice all = buf_slice(&client->in), line;
        ptrdiff_t end = slice_find(all, '\n');
        if (end < 0)
            return;
        line = slice_trim(slice_sub(all, 0, (size_t)end));
        if (line.len)
            begin_command(client, line);
        buf_drop_front(&client->in, (size_t)end + 1);
        go_on(client);
    }
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* False: the client is gone. */
static bool read_some(struct client *client)
{
    char *to = buf_reserve(&client->in, 4096);
    ssize_t n;

    if (!to) {
        command_fail(&client->run, "the request is too long");
        client->closed = true;
        buf_reset(&client->in);
        return true;
    }
    n = recv(client->fd, to, 4096, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    client->closed = n == 0;
    client->heard_ms = clock_mono_ms();
    buf_added(&client->in, (size_t)n);
    return true;
}

static bool write_some(struct client *client)
{
    ssize_t n;

    if (!client->out.len)
        return true;
    n = send(client->fd, client->out.ptr, client->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    client->heard_ms = clock_mono_ms();
    buf_drop_front(&client->out, (size_t)n);
    return true;
}

static unsigned interest_of(const struct client *client)
{
    bool reads = !client->busy && !client->closed;
    bool writes = client->out.len || (client->busy && !client->waiting);

    return (reads ? LOOP_READ : 0U) | (writes ? LOOP_WRITE : 0U);
}

static void advance(struct client *client)
{
    go_on(client);
    take_lines(client);
    if (client->out.overflow || !write_some(client) ||
        (client->closed && !client->busy && !client->out.len)) {
        drop_client(client);
        return;
    }
    loop_watch_change(client->watch, interest_of(client));
}

static void on_client(void *arg, unsigned ready)
{
    struct client *client = arg;

    if (ready & LOOP_READ && !client->busy && !client->closed && !read_some(client)) {
        drop_client(client);
        return;
    }
    advance(client);
}

/* ---- clients come and go ------------------------------------------------------------------- */

static void add_client(struct control *control, int fd, enum peer_level level, uid_t uid)
{
    struct client *client = xcalloc(1, sizeof(*client));

    *client = (struct client){
        .control = control, .fd = fd, .level = level, .uid = uid, .heard_ms = clock_mono_ms()};
    client->run.out = &client->out;
    buf_init(&client->in, LINE_MAX_BYTES);
    buf_init(&client->out, OUT_MAX);
    client->watch = loop_watch(control->queue->role->loop, fd, LOOP_READ, on_client, client);
    DL_APPEND(control->clients, client);
    control->n_clients++;
    if (!client->watch)
        drop_client(client);
}

static void on_connect(void *arg, unsigned ready)
{
    static const char refused[] =
        "{\"error\":\"the control socket is not for you, or too many use it\",\"end\":true}\n";
    struct control *control = arg;
    int fd = accept4(control->queue->role->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    enum peer_level level;
    uid_t uid = 0;

    (void)ready;
    if (fd < 0)
        return;
    level = peercred_level(fd, &control->groups, &uid);
    if (level == LEVEL_NONE || control->n_clients >= CLIENTS_MAX) {
        (void)send(fd, refused, sizeof(refused) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
        return;
    }
    add_client(control, fd, level, uid);
}

static void on_time(void *arg)
{
    struct control *control = arg;
    uint64_t now = clock_mono_ms();
    struct client *client, *tmp;

    DL_FOREACH_SAFE(control->clients, client, tmp)
    {
        if (now - client->heard_ms > IDLE_MS)
            drop_client(client);
    }
    loop_timer_arm(control->timer, now + CHECK_EVERY_MS);
}

void control_take_reply(struct control *control, struct slice payload)
{
    struct msg_text reply;
    struct client *client, *tmp;

    if (msg_text_decode(payload, NULL, &reply) < 0)
        return;
    DL_FOREACH_SAFE(control->clients, client, tmp)
    {
        if (!client->waiting || client->run.admin_request != reply.request)
            continue;
        buf_add_slice(&client->out, reply.text);
        buf_add_char(&client->out, '\n');
        client->waiting = client->busy = false;
        advance(client);
    }
}

struct control *control_new(struct queue *queue, const struct peer_groups *groups)
{
    struct control *control = xcalloc(1, sizeof(*control));

    control->queue = queue;
    control->groups = *groups;
    control->timer = loop_timer(queue->role->loop, on_time, control);
    if (queue->role->control < 0)
        return control;
    control->watch =
        loop_watch(queue->role->loop, queue->role->control, LOOP_READ, on_connect, control);
    if (!control->watch)
        log_error(NULL, "no-control-socket", LOG_ERRNO(errno));
    loop_timer_arm(control->timer, clock_mono_ms() + CHECK_EVERY_MS);
    return control;
}

void control_free(struct control *control)
{
    struct client *client, *tmp;

    if (!control)
        return;
    DL_FOREACH_SAFE(control->clients, client, tmp)
    drop_client(client);
    loop_unwatch(control->watch);
    loop_timer_free(control->timer);
    free(control);
}
