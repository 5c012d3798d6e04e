/*
 * The auth role: a loop that answers questions of the other roles and holds the conversations of
 * those who log in (login.h). See auth.h.
 *
 * Without a store it still answers, "later" to everything, and tries to open it again each few
 * seconds: mail waits instead of bouncing. Answers that a peer has no room for are kept, within a
 * bound, until it has; a peer that falls behind further asks again after its own deadline.
 *
 * All of it is the loop's thread; password hashes and HTTP have threads of their own. It never
 * waits for a lock of the store longer than STORE_PATIENCE_MS.
 */
#include "account/auth.h"

#include "io/files.h"
#include "account/freezing.h"
#include "account/login.h"
#include "account/resolve.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"
#include "trust/srs.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

enum { STORE_PATIENCE_MS = 50, REOPEN_MS = 5000, BACKLOG_MAX = 16 * 1024 * 1024 };

struct auth {
    struct role_context *role;
    struct directories *directories;
    struct resolver *resolver;
    struct freezing *freezing;
    struct files *files;
    struct login *login;
    struct store *store; /* NULL: could not be opened */
    struct loop_timer *reopen;
    struct arena arena;             /* of one answer */
    struct buf out;                 /* the same */
    struct buf backlog[ROLE_COUNT]; /* answers without room, each as type and slice */
};

static void open_store(void *arg)
{
    struct auth *auth = arg;
    struct problem_list problems;
    struct slice path;

    problem_list_init(&problems);
    path = arena_printf(&problems.arena, "%.*s/" STORE_FILE, SLICE_ARG(auth->role->config->state));
    if (store_open(path, STORE_PATIENCE_MS, &auth->store, &problems) < 0) {
        for (const struct problem *problem = problems.first; problem; problem = problem->next)
            log_error(NULL, "account-store",
                      LOG_SLICE("problem", problem_line(&problems, problem)));
        loop_timer_arm(auth->reopen, clock_mono_ms() + REOPEN_MS);
    }
    directories_set_store(auth->directories, auth->store);
    if (auth->login)
        login_store_opened(auth->login);
    problem_list_done(&problems);
}

static void keep_for_later(struct auth *auth, enum role to, uint16_t type, struct slice payload)
{
    struct buf *backlog = &auth->backlog[to];

    if (backlog->len + payload.len + sizeof(uint16_t) + sizeof(uint32_t) > BACKLOG_MAX) {
        log_warn(NULL, "answer-dropped", LOG_STR("peer", role_name(to)));
        return;
    }
    wire_put_u16(backlog, type);
    wire_put_slice(backlog, payload);
    role_want_writable(auth->role, to);
}

static void send_message(void *arg, enum role to, uint16_t type, struct slice payload)
{
    struct auth *auth = arg;

    /* What waits goes first. */
    if (auth->backlog[to].len || role_send(auth->role, to, type, payload, NULL, 0) == -EAGAIN)
        keep_for_later(auth, to, type, payload);
}

static void on_writable(void *arg, enum role peer)
{
    struct auth *auth = arg;
    struct buf *backlog = &auth->backlog[peer];
    struct wire in = wire_from(buf_slice(backlog));
    size_t sent = 0;

    while (in.rest.len) {
        uint16_t type = wire_get_u16(&in);
        struct slice payload = wire_get_slice(&in);
        if (role_send(auth->role, peer, type, payload, NULL, 0) == -EAGAIN)
            break;
        sent = backlog->len - in.rest.len;
    }
    buf_drop_front(backlog, sent);
    if (backlog->len)
        role_want_writable(auth->role, peer);
}

static void on_peer_up(void *arg, enum role peer)
{
    struct auth *auth = arg;

    login_peer_up(auth->login, peer);
    freezing_peer_up(auth->freezing, peer);
}

static void on_peer_down(void *arg, enum role peer)
{
    struct auth *auth = arg;

    login_peer_down(auth->login, peer);
    buf_reset(&auth->backlog[peer]);
    resolver_forget(auth->resolver, peer);
    freezing_peer_down(auth->freezing, peer);
}

/* A store that failed is opened anew a little later. */
static void leave_broken_store(void *arg)
{
    struct auth *auth = arg;

    if (!directories_store_is_broken(auth->directories))
        return;
    log_error(NULL, "account-store", LOG_STR("error", store_error(auth->store)));
    store_close(auth->store);
    auth->store = NULL;
    directories_set_store(auth->directories, NULL);
    loop_timer_arm(auth->reopen, clock_mono_ms() + REOPEN_MS);
}

static void on_resolved(void *arg, unsigned asker, const struct msg_resolved *answer)
{
    struct auth *auth = arg;

    buf_reset(&auth->out);
    msg_resolved_encode(&auth->out, answer);
    send_message(auth, (enum role)asker, MSG_RESOLVED, buf_slice(&auth->out));
}

static void on_resolve(struct auth *auth, enum role from, struct slice payload)
{
    struct msg_resolve request;

    if (msg_resolve_decode(payload, &auth->arena, &request) < 0) {
        log_error(NULL, "message-broken", LOG_STR("peer", role_name(from)));
        return;
    }
    resolver_resolve(auth->resolver, from, &request);
}

static void on_usage(struct auth *auth, enum role from, struct slice payload)
{
    struct msg_usage usage;

    if (msg_usage_decode(payload, &auth->arena, &usage) < 0)
        log_error(NULL, "message-broken", LOG_STR("peer", role_name(from)));
    else
        resolver_usage(auth->resolver, &usage);
}

static void take_srs_secrets(struct auth *auth)
{
    struct files_file file;
    bool there = files_find(auth->files, SLICE(SRS_SECRET_FILE), &file) && file.readable;

    resolver_take_srs_secrets(auth->resolver, there ? file.text : SLICE_NULL);
}

static void on_file(struct auth *auth, struct channel_message *message)
{
    struct msg_file file;
    int r = msg_file_decode(message->payload, &auth->arena, &file);

    if (r == 0)
        r = files_take(auth->files, &file, message->n_fds ? message->fds[0] : -1);
    if (r < 0)
        log_error(NULL, "file-not-taken", LOG_ERRNO(r));
    take_srs_secrets(auth);
    directories_refresh(auth->directories);
    login_files_changed(auth->login);
}

static void on_sasl(struct auth *auth, enum role from, struct slice payload)
{
    login_sasl(auth->login, from, payload);
    explicit_bzero((char *)(uintptr_t)payload.ptr, payload.len);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct auth *auth = arg;

    if (message->type == MSG_RESOLVE && (from == ROLE_RECEIVE || from == ROLE_QUEUE))
        on_resolve(auth, from, message->payload);
    else if (message->type == MSG_USAGE && from == ROLE_LOCAL)
        on_usage(auth, from, message->payload);
    else if (message->type == MSG_SASL && from == ROLE_RECEIVE)
        on_sasl(auth, from, message->payload);
    else if (message->type == MSG_FILE && from == ROLE_PARENT)
        on_file(auth, message);
    else if (!freezing_take(auth->freezing, from, message->type, message->payload))
        log_error(NULL, "message-unexpected", LOG_STR("peer", role_name(from)),
                  LOG_INT("type", message->type));
    channel_message_close_fds(message);
    arena_reset(&auth->arena);
    buf_reset(&auth->out);
}

static bool on_config(void *arg, struct config *config, struct buf *why_not)
{
    struct auth *auth = arg;

    (void)why_not;
    resolver_set_config(auth->resolver, config);
    freezing_set_config(auth->freezing, config);
    directories_set_config(auth->directories, config);
    login_set_config(auth->login, config);
    return true;
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    struct auth *auth = arg;

    login_metrics(auth->login, exposition);
}

static void on_status(void *arg, struct buf *json)
{
    struct auth *auth = arg;
    struct resolver_counts counts = resolver_counts(auth->resolver);
    uint64_t accounts = 0, aliases = 0;
    bool ok = auth->store && store_count(auth->store, &accounts, &aliases) == 0;

    buf_printf(json,
               "\"store\":\"%s\",\"accounts\":%ju,\"aliases\":%ju,\"resolves\":%ju,"
               "\"cache_hits\":%ju,\"store_failures\":%ju,\"full\":%zu,",
               ok ? "ok" : "unavailable", (uintmax_t)accounts, (uintmax_t)aliases,
               (uintmax_t)counts.asked, (uintmax_t)counts.from_cache, (uintmax_t)counts.failed,
               resolver_full_count(auth->resolver));
    login_status(auth->login, json);
}

static struct directory *directory_of(void *arg, struct slice account)
{
    const struct auth *auth = arg;

    return directories_of_account(auth->directories, account);
}

static struct store *working_store(void *arg)
{
    const struct auth *auth = arg;

    return directories_store(auth->directories);
}

static void note_store(void *arg, int result)
{
    struct auth *auth = arg;

    directories_store_note(auth->directories, result);
}

static struct login *make_login(struct auth *auth)
{
    const struct login_host host = {.send = send_message,
                                    .directory_of = directory_of,
                                    .store = working_store,
                                    .store_note = note_store,
                                    .arg = auth};

    return login_new(&host, auth->role->loop, auth->role->config, auth->files);
}

static void auth_init(struct auth *auth, struct role_context *role)
{
    *auth = (struct auth){.role = role};
    arena_init(&auth->arena);
    buf_init(&auth->out, CHANNEL_PAYLOAD_MAX);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        buf_init(&auth->backlog[i], BACKLOG_MAX);
    auth->files = files_new();
    auth->directories = directories_new(role->loop, auth->files);
    directories_set_config(auth->directories, role->config);
    auth->resolver =
        account_resolver_new(role->config, auth->directories, role->loop, on_resolved, auth);
    auth->freezing = freezing_new(role->config, auth->directories, role->loop, send_message, auth);
    auth->reopen = loop_timer(role->loop, open_store, auth);
    auth->login = make_login(auth);
    loop_on_idle(role->loop, leave_broken_store, auth);
    open_store(auth);
}

static void auth_done(struct auth *auth)
{
    loop_on_idle(auth->role->loop, NULL, NULL);
    loop_timer_free(auth->reopen);
    freezing_free(auth->freezing);
    login_free(auth->login);
    account_resolver_free(auth->resolver);
    directories_free(auth->directories);
    store_close(auth->store);
    files_free(auth->files);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        buf_done(&auth->backlog[i]);
    buf_done(&auth->out);
    arena_done(&auth->arena);
}

int auth_main(struct role_context *role)
{
    struct auth auth;
    const struct role_handlers handlers = {
        .message = on_message,
        .peer_up = on_peer_up,
        .peer_down = on_peer_down,
        .peer_writable = on_writable,
        .config = on_config,
        .status = on_status,
        .metrics = on_metrics,
        .arg = &auth,
    };
    int r;

    auth_init(&auth, role);
    r = auth.login ? role->lock_in(role) : -ENOMEM;
    if (r == 0)
        r = login_start(auth.login);
    if (r == 0)
        r = role_run(role, &handlers);
    else
        log_error(NULL, "lock-in", LOG_ERRNO(r));
    auth_done(&auth);
    return r == 0 ? EX_OK : EX_OSERR;
}
