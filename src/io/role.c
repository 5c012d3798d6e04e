/*
 * The part that all roles share: the channel to the parent, peers that come and go, a new
 * configuration, status and stop. Roles see only their own messages.
 *
 * A peer that breaks the rules of channels is cut off and logged; the parent makes a new pair when
 * the peer is restarted. A parent that is gone ends the role.
 *
 * role->peers is written by the loop's thread and read by any (role_send): a sender holds the lock
 * for reading, so that a descriptor cannot be closed and reused in the middle of a send.
 */
#include "io/role.h"

#include "base/log.h"
#include "config/config.h"
#include "io/tap.h"
#include "io/teller.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEND_TIMEOUT_MS = 5000, CONFIG_MAX = 64 * 1024 * 1024 };
/* Of one peer, before the others and the timers have their turn. */
enum { MESSAGES_A_TIME = 64 };

/* Guards role->peers against closing while another thread sends. */
static pthread_rwlock_t peers_lock = PTHREAD_RWLOCK_INITIALIZER;

struct peer_watch {
    struct role_context *role;
    enum role peer;
    struct loop_watch *watch;
    bool wants_room;
};

struct runner {
    struct role_context *role;
    struct loop_watch *parent_watch;
    struct peer_watch peers[ROLE_COUNT];
    struct teller teller;
    char *buffer;
};

/* One role per process; the buffers are too large for the stack. */
static struct runner runner;

/* ---- what is logged, to history -------------------------------------------------------------- */

static int send_events(void *arg, struct slice lines)
{
    return role_send(arg, ROLE_HISTORY, MSG_EVENTS, lines, NULL, 0);
}

/* history itself empties its tap without a channel. */
static void start_telling(struct role_context *role)
{
    if (role->self != ROLE_HISTORY)
        teller_init(&runner.teller, role->loop, send_events, role);
    tap_enable(role->config->history.keep);
}

/* ---- peers ----------------------------------------------------------------------------------- */

static void drop_peer(enum role peer)
{
    struct role_context *role = runner.role;
    int fd;

    loop_unwatch(runner.peers[peer].watch);
    runner.peers[peer].watch = NULL;
    pthread_rwlock_wrlock(&peers_lock);
    fd = role->peers[peer];
    role->peers[peer] = -1;
    pthread_rwlock_unlock(&peers_lock);
    if (fd < 0)
        return;
    close(fd);
    if (role->handlers->peer_down)
        role->handlers->peer_down(role->handlers->arg, peer);
}

static void on_peer(void *arg, unsigned ready)
{
    struct peer_watch *watch = arg;
    struct role_context *role = watch->role;
    int fd = role->peers[watch->peer];

    if (ready & LOOP_WRITE && watch->wants_room) {
        watch->wants_room = false;
        loop_watch_change(watch->watch, LOOP_READ);
        if (role->handlers->peer_writable)
            role->handlers->peer_writable(role->handlers->arg, watch->peer);
    }
    for (unsigned n = 0; n < MESSAGES_A_TIME && fd >= 0 && fd == role->peers[watch->peer]; n++) {
        struct channel_message message;
        int r = channel_receive(fd, runner.buffer, CHANNEL_PAYLOAD_MAX + 2, &message);
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            if (r != -EPIPE)
                log_error(NULL, "peer-broken", LOG_STR("peer", role_name(watch->peer)),
                          LOG_ERRNO(r));
            drop_peer(watch->peer);
            return;
        }
        if (role->handlers->message)
            role->handlers->message(role->handlers->arg, watch->peer, &message);
        else
            channel_message_close_fds(&message);
    }
}

static void take_peer(struct role_context *role, struct channel_message *message)
{
    struct msg_peer peer;
    struct peer_watch *watch;

    if (message->n_fds != 1 || msg_peer_decode(message->payload, NULL, &peer) < 0) {
        channel_message_close_fds(message);
        return;
    }
    drop_peer(peer.role);
    watch = &runner.peers[peer.role];
    *watch = (struct peer_watch){.role = role, .peer = peer.role};
    watch->watch = loop_watch(role->loop, message->fds[0], LOOP_READ, on_peer, watch);
    if (!watch->watch) {
        channel_message_close_fds(message);
        return;
    }
    pthread_rwlock_wrlock(&peers_lock);
    role->peers[peer.role] = message->fds[0];
    pthread_rwlock_unlock(&peers_lock);
    if (role->handlers->peer_up)
        role->handlers->peer_up(role->handlers->arg, peer.role);
}

/* Reads the sealed memfd of the parent. -errno or a parse failure with its text in why_not. */
static int read_config(int fd, struct config **ret_config, struct buf *why_not)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct stat status;
    void *map;
    int r;

    if (fstat(fd, &status) < 0 || status.st_size <= 0 || status.st_size > CONFIG_MAX)
        return -EBADMSG;
    map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    r = config_bundle_decode(slice_from(map, (size_t)status.st_size), &bundle);
    if (r == 0) {
        problem_list_init(&problems);
        r = config_parse(&bundle, ret_config, &problems);
        if (problems.first)
            buf_add_slice(why_not, problem_line(&problems, problems.first));
        problem_list_done(&problems);
        config_bundle_done(&bundle);
    }
    munmap(map, (size_t)status.st_size);
    return r;
}

static int use_config(struct role_context *role, struct config *config, struct buf *why_not)
{
    struct config *old = role->config;

    if (role->handlers->config && !role->handlers->config(role->handlers->arg, config, why_not))
        return -EINVAL;
    role->config = config_ref(config);
    log_set_level((enum log_level)config->log_level, (enum log_format)config->log_format);
    tap_enable(config->history.keep);
    config_unref(old);
    return 0;
}

static void take_config(struct role_context *role, struct channel_message *message)
{
    struct config *config = NULL;
    struct msg_config_taken answer = {.taken = true};
    struct buf why_not, out;
    int r = -EBADMSG;

    buf_init(&why_not, 4096);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    if (message->n_fds == 1)
        r = read_config(message->fds[0], &config, &why_not);
    channel_message_close_fds(message);
    if (r < 0 && why_not.len == 0)
        buf_add_cstr(&why_not, log_strerror(r));
    if (config)
        r = use_config(role, config, &why_not);
    config_unref(config);
    answer.taken = r == 0;
    answer.text = buf_slice(&why_not);
    msg_config_taken_encode(&out, &answer);
    channel_send_wait(role->parent, MSG_CONFIG_TAKEN, buf_slice(&out), NULL, 0, SEND_TIMEOUT_MS);
    buf_done(&out);
    buf_done(&why_not);
}

static void tell_status(struct role_context *role, struct slice payload)
{
    struct msg_text ask;
    struct buf json, out;

    if (msg_text_decode(payload, NULL, &ask) < 0)
        return;
    buf_init(&json, CHANNEL_PAYLOAD_MAX / 2);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    buf_add_char(&json, '{');
    if (role->handlers->status)
        role->handlers->status(role->handlers->arg, &json);
    if (tap_dropped())
        buf_printf(&json, "\"history_dropped\":%llu,", (unsigned long long)tap_dropped());
    buf_printf(&json, "\"role\":\"%s\"}", role_name(role->self));
    ask.text = buf_slice(&json);
    msg_text_encode(&out, &ask);
    channel_send_wait(role->parent, MSG_STATUS, buf_slice(&out), NULL, 0, SEND_TIMEOUT_MS);
    buf_done(&out);
    buf_done(&json);
}

/* What this process logged and the history role could not be told in time. */
static void add_dropped(struct role_context *role, struct exposition *exposition)
{
    char label[64];

    snprintf(label, sizeof(label), "role=\"%s\"", role_name(role->self));
    exposition_counter(exposition, "nuncio_events_dropped_total",
                       "Events that nuncio why does not know because its process was behind.",
                       label, tap_dropped());
}

static void tell_metrics(struct role_context *role, struct slice payload)
{
    struct exposition exposition = {0};
    struct msg_text ask;
    struct buf text, out;

    if (msg_text_decode(payload, NULL, &ask) < 0)
        return;
    buf_init(&text, CHANNEL_PAYLOAD_MAX / 2);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    exposition.out = &text;
    if (role->handlers->metrics)
        role->handlers->metrics(role->handlers->arg, &exposition);
    add_dropped(role, &exposition);
    ask.text = text.overflow ? SLICE_NULL : buf_slice(&text);
    msg_text_encode(&out, &ask);
    channel_send_wait(role->parent, MSG_METRICS, buf_slice(&out), NULL, 0, SEND_TIMEOUT_MS);
    buf_done(&out);
    buf_done(&text);
}

static void stop_role(struct role_context *role)
{
    if (role->handlers->stop)
        role->handlers->stop(role->handlers->arg);
    else
        loop_stop(role->loop);
}

static void on_parent_message(struct role_context *role, struct channel_message *message)
{
    switch (message->type) {
    case MSG_PEER:
        take_peer(role, message);
        return;
    case MSG_CONFIG:
        take_config(role, message);
        return;
    case MSG_STATUS_ASK:
        tell_status(role, message->payload);
        break;
    case MSG_METRICS_ASK:
        tell_metrics(role, message->payload);
        break;
    case MSG_STOP:
        stop_role(role);
        break;
    default:
        if (role->handlers->message) {
            role->handlers->message(role->handlers->arg, ROLE_PARENT, message);
            return;
        }
    }
    channel_message_close_fds(message);
}

static void on_parent(void *arg, unsigned ready)
{
    struct role_context *role = arg;

    (void)ready;
    for (;;) {
        struct channel_message message;
        int r = channel_receive(role->parent, runner.buffer, CHANNEL_PAYLOAD_MAX + 2, &message);
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            log_error(NULL, "parent-gone", LOG_ERRNO(r));
            loop_unwatch(runner.parent_watch);
            stop_role(role);
            return;
        }
        on_parent_message(role, &message);
    }
}

int role_run(struct role_context *role, const struct role_handlers *handlers)
{
    int r;

    role->handlers = handlers;
    runner.role = role;
    runner.buffer = xmalloc(CHANNEL_PAYLOAD_MAX + 2);
    runner.parent_watch = loop_watch(role->loop, role->parent, LOOP_READ, on_parent, role);
    if (!runner.parent_watch)
        return -ENOMEM;
    start_telling(role);
    r = loop_run(role->loop);
    teller_finish(&runner.teller); /* history is stopped after us */
    for (enum role peer = 0; peer < ROLE_COUNT; peer++) {
        if (role->peers[peer] >= 0)
            drop_peer(peer);
    }
    free(runner.buffer);
    return r;
}

int role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
              const int *fds, unsigned n_fds)
{
    int r = -ENOTCONN;

    pthread_rwlock_rdlock(&peers_lock);
    if (role->peers[to] >= 0)
        r = channel_send(role->peers[to], type, payload, fds, n_fds);
    pthread_rwlock_unlock(&peers_lock);
    return r == -EPIPE ? -ENOTCONN : r;
}

void role_want_writable(struct role_context *role, enum role peer)
{
    struct peer_watch *watch = &runner.peers[peer];

    if (role->peers[peer] < 0 || watch->wants_room)
        return;
    watch->wants_room = true;
    loop_watch_change(watch->watch, LOOP_READ | LOOP_WRITE);
}
