/*
 * The role: opens the log, locks itself in, starts the pools and, once it has certificates, the
 * listeners; then it only passes messages between the other roles and the sessions' threads.
 *
 * Two pools, so that a flood on the mx listeners leaves threads to one's own users. The order of
 * the end: no more steps; every session that is not waiting for the disk is told 421; the log
 * commits what it has; the rest get their replies.
 */
#include "receive/receive.h"

#include "base/log.h"
#include "dns/dns.h"
#include "io/lookup.h"
#include "receive/drop.h"
#include "receive/durable.h"
#include "receive/keys.h"
#include "receive/listener.h"
#include "receive/receive_metrics.h"

#include <errno.h>
#include <malloc.h>
#include <sysexits.h>

enum { RESOLVE_TIMEOUT_MS = 5000, WRITER_NUMBER = 1, MALLOC_ARENAS = 4 };

struct receive {
    struct role_context *role;
    struct config *config; /* the one we were started with: its listeners are ours */
    struct server server;
    struct lookup *lookup;
    struct durable durable;
    struct keys keys;
    struct tasks *pool_mx, *pool_submission;
    struct listener *listeners; /* NULL: not yet */
    struct drop *drop;          /* NULL: no maildrop */
};

/* ---- seams ---------------------------------------------------------------------------------- */

static int send_question(void *arg, enum message_type type, struct slice payload)
{
    return role_send(arg, ROLE_AUTH, (uint16_t)type, payload, NULL, 0);
}

static int send_sasl(void *arg, struct slice payload)
{
    return role_send(arg, ROLE_AUTH, MSG_SASL, payload, NULL, 0);
}

/* A row that history has no room for is missing in a report, and nobody waits for it. */
static void tell_history(void *arg, enum message_type type, struct slice payload)
{
    (void)role_send(arg, ROLE_HISTORY, (uint16_t)type, payload, NULL, 0);
}

static enum resolve_status resolve(void *arg, struct slice address)
{
    return lookup_ask(arg, address);
}

static enum resolve_status owns(void *arg, struct slice account, struct slice address)
{
    return lookup_ask_owner(arg, account, address);
}

static void ask_submission(void *arg, const struct msg_submission *question, struct arena *arena,
                           struct msg_submission_reply *ret_reply)
{
    lookup_ask_submission(arg, question, arena, ret_reply);
}

/* ---- handlers, on the loop's thread --------------------------------------------------------- */

static void take_mechanisms(struct server *server, struct slice payload)
{
    struct msg_mechanisms told;

    if (msg_mechanisms_decode(payload, NULL, &told) == 0)
        atomic_store(&server->mechanisms, told.set);
}

static int start_listeners(struct receive *receive);

/* With the first certificates, so that no client comes too early for TLS. */
static void take_keys(struct receive *receive, int fd)
{
    int r = 0;

    (void)keys_take(&receive->keys, fd);
    if (!receive->listeners)
        r = start_listeners(receive);
    if (r < 0) {
        log_error(NULL, "start-failed", LOG_ERRNO(r));
        loop_stop(receive->role->loop);
    }
}

static void on_auth(struct receive *receive, uint16_t type, struct slice payload)
{
    if (type == MSG_RESOLVED)
        lookup_answer(receive->lookup, payload);
    else if (type == MSG_SASL_REPLY)
        exchanges_reply(receive->server.exchanges, payload);
    else if (type == MSG_SUBMISSION_REPLY)
        lookup_submission_answer(receive->lookup, payload);
    else if (type == MSG_MECHANISMS)
        take_mechanisms(&receive->server, payload);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct receive *receive = arg;

    if (from == ROLE_PARENT && message->type == MSG_TLS && message->n_fds == 1) {
        take_keys(receive, message->fds[0]);
        return;
    }
    if (from == ROLE_AUTH)
        on_auth(receive, message->type, message->payload);
    else if (from == ROLE_QUEUE && message->type == MSG_TAKEN)
        durable_taken(&receive->durable, message->payload);
    channel_message_close_fds(message);
}

static void on_peer_up(void *arg, enum role peer)
{
    struct receive *receive = arg;

    if (peer == ROLE_QUEUE)
        durable_tell_again(&receive->durable);
}

static void on_peer_down(void *arg, enum role peer)
{
    struct receive *receive = arg;

    if (peer == ROLE_AUTH) {
        lookup_lost(receive->lookup);
        exchanges_lost(receive->server.exchanges);
    } else if (peer == ROLE_QUEUE) {
        durable_queue_lost(&receive->durable);
    }
}

static void on_writable(void *arg, enum role peer)
{
    struct receive *receive = arg;

    if (peer == ROLE_QUEUE)
        durable_tell(&receive->durable);
}

static void on_wake(void *arg)
{
    struct receive *receive = arg;

    durable_tell(&receive->durable);
}

static bool on_config(void *arg, struct config *config, struct buf *why_not)
{
    struct receive *receive = arg;

    (void)why_not;
    server_set_config(&receive->server, config);
    keys_set_config(&receive->keys, config);
    return true;
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    struct receive *receive = arg;

    receive_metrics(&receive->server, exposition);
}

static void on_status(void *arg, struct buf *json)
{
    struct receive *receive = arg;
    struct server_counts *counts = &receive->server.counts;

    buf_printf(json, "\"sessions\":%u,", atomic_load(&receive->server.sessions));
    buf_printf(json, "\"connections\":%llu,\"refused_connections\":%llu,",
               (unsigned long long)atomic_load(&counts->connections),
               (unsigned long long)atomic_load(&counts->refused_connections));
    buf_printf(json, "\"messages\":%llu,\"recipients\":%llu,",
               (unsigned long long)atomic_load(&counts->messages),
               (unsigned long long)atomic_load(&counts->recipients));
    buf_printf(json, "\"unread_bytes\":%llu,",
               (unsigned long long)atomic_load(&receive->server.unread));
    buf_printf(json, "\"tls_sessions\":%llu,\"tls_failures\":%llu,",
               (unsigned long long)atomic_load(&counts->tls_sessions),
               (unsigned long long)atomic_load(&counts->tls_failures));
    buf_printf(json, "\"from_maildrop\":%llu,", (unsigned long long)atomic_load(&counts->dropped));
    buf_printf(json, "\"logins\":%llu,\"refused_logins\":%llu,",
               (unsigned long long)atomic_load(&counts->logins),
               (unsigned long long)atomic_load(&counts->refused_logins));
    buf_printf(json, "\"checked\":%llu,\"junk\":%llu,\"unauthenticated\":%llu,",
               (unsigned long long)atomic_load(&counts->checked),
               (unsigned long long)atomic_load(&counts->junk),
               (unsigned long long)atomic_load(&counts->unauthenticated));
    buf_printf(json, "\"put_off\":%llu,\"saved\":%llu,",
               (unsigned long long)atomic_load(&counts->put_off),
               (unsigned long long)atomic_load(&counts->saved));
    buf_printf(json, "\"refused_messages\":%llu,\"refused_recipients\":%llu,",
               (unsigned long long)atomic_load(&counts->refused_messages),
               (unsigned long long)atomic_load(&counts->refused_recipients));
}

/* ---- start and end -------------------------------------------------------------------------- */

static int open_spool(struct receive *receive)
{
    struct spool_writer_options options = {.disk = disk_real(),
                                           .writer_number = WRITER_NUMBER,
                                           .on_durable = durable_note,
                                           .arg = &receive->durable};
    struct arena arena;
    int r;

    arena_init(&arena);
    options.directory =
        arena_printf(&arena, "%.*s/spool/receive", SLICE_ARG(receive->config->state)).ptr;
    r = spool_writer_open(&options, &receive->server.spool);
    arena_done(&arena);
    return r;
}

static int start_listeners(struct receive *receive)
{
    struct config *config = receive->config;
    unsigned n = 0;

    receive->listeners = xcalloc(receive->role->n_listeners + 1, sizeof(*receive->listeners));
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *settings = &config->listeners[i];
        bool mx = settings->service == SERVICE_MX;
        for (size_t j = 0; j < settings->addresses.count; j++) {
            struct listener *listener = &receive->listeners[n];
            int r;
            if (n == receive->role->n_listeners)
                return -EINVAL;
            *listener = (struct listener){.server = &receive->server,
                                          .pool = mx ? receive->pool_mx : receive->pool_submission,
                                          .settings = settings,
                                          .fd = receive->role->listeners[n]};
            r = listener_start(listener);
            if (r < 0)
                return r;
            n++;
        }
    }
    return 0;
}

static bool wants_tls(const struct config *config)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        if (config->listeners[i].tls != TLS_OFF)
            return true;
    }
    return false;
}

static int start(struct receive *receive)
{
    struct config *config = receive->config;
    struct ask_options options = {
        .send = send_question, .arg = receive->role, .timeout_ms = RESOLVE_TIMEOUT_MS};
    struct exchange_options sasl = {
        .send = send_sasl, .arg = receive->role, .wake = receive->server.wake};
    int r;

    /* Waiting for auth must leave threads to those that do not. */
    options.waiting_max = (config->workers_mx + config->workers_submission + 1) / 2;
    receive->lookup = lookup_new(&options);
    receive->server.exchanges = exchanges_new(&sasl);
    receive->server.resolve = resolve;
    receive->server.owns = owns;
    receive->server.submission = ask_submission;
    receive->server.resolve_arg = receive->lookup;
    receive->server.tell_history = tell_history;
    receive->server.history_arg = receive->role;
    r = open_spool(receive);
    if (r < 0)
        return r;
    receive->pool_mx = tasks_new("mx", config->workers_mx);
    receive->pool_submission = tasks_new("submission", config->workers_submission);
    if (!receive->pool_mx || !receive->pool_submission)
        return -EAGAIN;
    if (receive->drop)
        r = drop_start(receive->drop, receive->pool_submission);
    if (r == 0 && !wants_tls(config))
        r = start_listeners(receive);
    return r;
}

static void stop(struct receive *receive)
{
    struct tasks *pools[] = {receive->pool_mx, receive->pool_submission};

    if (receive->lookup)
        lookup_close(receive->lookup);
    for (size_t i = 0; i < 2 && pools[i]; i++)
        tasks_stop(pools[i]);
    for (size_t i = 0; i < 2 && pools[i]; i++)
        (void)tasks_finish(pools[i]);
    if (receive->server.dns)
        dns_stop(receive->server.dns);
    if (receive->server.spool)
        spool_writer_close(receive->server.spool);
    for (size_t i = 0; i < 2; i++) {
        if (pools[i] && tasks_finish(pools[i]) > 0)
            log_error(NULL, "sessions-left", LOG_INT("pool", i));
        tasks_free(pools[i]);
    }
    drop_close(receive->drop);
    dns_free(receive->server.dns);
    lookup_free(receive->lookup);
    exchanges_free(receive->server.exchanges);
    free(receive->listeners);
}

int receive_main(struct role_context *role)
{
    static const struct role_handlers handlers = {.message = on_message,
                                                  .peer_up = on_peer_up,
                                                  .peer_down = on_peer_down,
                                                  .peer_writable = on_writable,
                                                  .config = on_config,
                                                  .status = on_status,
                                                  .metrics = on_metrics};
    struct receive receive = {.role = role, .config = config_ref(role->config)};
    struct role_handlers bound = handlers;
    int r;

    /* Two arenas for two cores: one per thread would keep a session's worth of waste in each. */
    mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    bound.arg = &receive;
    server_init(&receive.server, role->config);
    keys_init(&receive.keys, &receive.server, role->config);
    durable_init(&receive.durable, role, &receive.server.unread);
    loop_on_wake(role->loop, on_wake, &receive);
    receive.drop = drop_open(&receive.server, role->config->state);
    r = dns_new(&role->config->dns, &receive.server.dns);
    if (r == 0)
        r = role->lock_in(role);
    if (r == 0)
        r = start(&receive);
    if (r < 0)
        log_error(NULL, "start-failed", LOG_ERRNO(r));
    else
        r = role_run(role, &bound);
    stop(&receive);
    server_done(&receive.server);
    keys_done(&receive.keys);
    durable_done(&receive.durable);
    config_unref(receive.config);
    return r < 0 ? EX_OSERR : EX_OK;
}
