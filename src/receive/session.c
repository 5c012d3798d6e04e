/*
 * Phases, reading and writing, parking and deadlines. See session.h.
 *
 * A step: send what is unsent; process what is pending; read and process until the socket has no
 * more, the phase takes no input, or the step has had its share; send all replies at once; park.
 * What was read and not processed is kept in `pending` (part of a line, or what came behind a text
 * that is being committed), bounded by one read.
 *
 * Deadlines are of waits, not of reads: a client that sends its command a byte at a time has as
 * long for all of it as for one.
 */
#include "receive/session.h"

#include "base/clock.h"
#include "receive/auth.h"
#include "receive/checks.h"
#include "receive/gate.h"
#include "receive/handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

enum {
    COMMANDS_PER_STEP = 50,
    STEP_MS = 20,
    OUTPUT_ENOUGH = 32 * 1024, /* then it is sent before more is read */
    LINGER_MS = 2000,
    AUTH_MS = 60 * 1000, /* for the auth role, to answer */
    TLS_MS = 60 * 1000,  /* for the whole handshake */
};

bool session_is_lmtp(const struct session *session)
{
    return session->listener->settings->service == SERVICE_LMTP;
}

bool session_is_mx(const struct session *session)
{
    return session->listener->settings->service == SERVICE_MX;
}

uint64_t session_message_size(const struct session *session)
{
    uint64_t size = session->config->limits.message_size;
    uint64_t own = session->login.message_size;

    return session->login.account.len && own && own < size ? own : size;
}

void session_set_client(struct session *session, const struct smtp_endpoint *client)
{
    int family = client->family == SMTP_FAMILY_IPV4 ? AF_INET : AF_INET6;

    session->client = *client;
    session->client_text[0] = '\0';
    if (client->family != SMTP_FAMILY_NONE)
        inet_ntop(family, client->address, session->client_text, sizeof(session->client_text));
}

struct session *session_new(const struct listener *listener, int fd,
                            const struct smtp_endpoint *peer)
{
    struct session *session = xcalloc(1, sizeof(*session));
    uint64_t number = atomic_fetch_add(&listener->server->last_session, 1) + 1;

    session->server = listener->server;
    session->listener = listener;
    session->config = server_take_config(listener->server);
    pthread_mutex_init(&session->commit_lock, NULL);
    transport_init(&session->transport, fd);
    session->state = STATE_START;
    buf_init(&session->pending, 2 * TASK_SCRATCH_SIZE);
    buf_init(&session->unsent, TASK_SCRATCH_OUT_MAX);
    session->peer = *peer;
    session_set_client(session, peer);
    snprintf(session->id, sizeof(session->id), "%llx", (unsigned long long)number);
    session->log_service.field = LOG_SLICE("listener", listener->settings->name);
    session->log = (struct log_context){.parent = &session->log_service,
                                        .field = LOG_STR("session", session->id)};
    session->lines.bare_lf_ok = listener->settings->bare_newline == BARE_CONVERT;
    return session;
}

/* What a client said may hold its password. */
static void drop_pending(struct session *session)
{
    if (session->pending.ptr && auth_may_come(session))
        explicit_bzero(session->pending.ptr, session->pending.size);
    buf_done(&session->pending);
}

static void session_free(struct session *session)
{
    log_info(&session->log, "session", LOG_STR("client", session->client_text),
             LOG_SLICE("helo", session->helo),
             LOG_STR("tls", session->tls ? session->tls->version : "no"),
             LOG_INT("messages", session->messages), LOG_INT("errors", session->errors),
             LOG_STR("end", session->quit ? "quit" : "lost"));
    session_reset_transaction(session);
    auth_forget(session);
    checks_end(session);
    if (session->counted)
        clients_leave(session->server->clients, &session->client);
    transport_close(&session->transport);
    atomic_fetch_sub(&session->server->sessions, 1);
    drop_pending(session);
    buf_done(&session->unsent);
    arena_done(&session->arena);
    arena_done(&session->transaction_arena);
    config_unref(session->config);
    pthread_mutex_destroy(&session->commit_lock);
    free(session);
}

void session_reset_transaction(struct session *session)
{
    if (!session->transaction)
        return;
    if (session->transaction->has_intake)
        intake_done(&session->transaction->intake);
    checks_end_message(session->transaction->checks);
    spool_body_free(session->transaction->body);
    session->transaction = NULL;
    arena_done(&session->transaction_arena);
    if (session->state != STATE_START)
        session->state = STATE_READY;
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static uint64_t timeout_ms(const struct session *session)
{
    const struct config_timeouts *timeouts = &session->config->timeouts;
    bool text = session->phase == PHASE_DATA || session->phase == PHASE_BDAT;
    uint64_t ms = text ? timeouts->data_ms : timeouts->command_ms;

    if (session->phase == PHASE_LINGER)
        return LINGER_MS;
    if (session->phase == PHASE_AUTH)
        return AUTH_MS;
    if (session->phase == PHASE_TLS && ms > TLS_MS)
        ms = TLS_MS;
    if (ms > timeouts->pressure_ms && server_is_under_pressure(session->server, session->config))
        return timeouts->pressure_ms;
    return ms;
}

void session_progress(struct session *session)
{
    if (session->phase != PHASE_HELD && session->phase != PHASE_CHECKS) /* whose end is set */
        session->deadline_ms = clock_mono_ms() + timeout_ms(session);
}

/* ---- output --------------------------------------------------------------------------------- */

void session_end(struct session *session)
{
    session_reset_transaction(session);
    session->phase = PHASE_LINGER;
    session_progress(session);
}

void session_reply(struct session *session, struct step *step, const struct smtp_reply *reply)
{
    if (!handshake_keeps_silent(session))
        smtp_reply_write(&step->scratch->out, reply);
    if (reply->close)
        session_end(session);
}

/* Sends, and keeps what the socket does not take. False when the connection is broken. */
static bool send_output(struct session *session, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = transport_write(&session->transport, bytes);
        if (n == -EAGAIN)
            break;
        if (n < 0)
            return false;
        bytes = slice_skip(bytes, (size_t)n);
        session_progress(session);
    }
    if (bytes.ptr == session->unsent.ptr && bytes.len == session->unsent.len)
        return true; /* nothing has moved */
    if (bytes.len == 0) {
        buf_done(&session->unsent);
        return true;
    }
    if (session->unsent.len)
        buf_drop_front(&session->unsent, session->unsent.len - bytes.len);
    else
        buf_add_slice(&session->unsent, bytes);
    return !session->unsent.overflow;
}

static bool send_replies(struct session *session, struct step *step)
{
    struct buf *out = &step->scratch->out;
    bool good = !out->overflow;

    if (good && session->unsent.len)
        buf_add_slice(&session->unsent, buf_slice(out));
    else if (good)
        good = send_output(session, buf_slice(out));
    buf_reset(out);
    return good && !session->unsent.overflow;
}

/* ---- input ---------------------------------------------------------------------------------- */

static bool takes_input(const struct session *session)
{
    return session->phase != PHASE_CHECKS && session->phase != PHASE_COMMIT &&
           session->phase != PHASE_HELD && session->phase != PHASE_AUTH &&
           session->phase != PHASE_TLS && session->phase != PHASE_END;
}

/* Processes what it can of *input; returns when more is needed, none is taken now, or enough was
 * done for this step. */
static void process(struct session *session, struct step *step, struct slice *input)
{
    while (takes_input(session) && step->scratch->out.len < OUTPUT_ENOUGH &&
           step->commands < COMMANDS_PER_STEP) {
        bool more = input->len > 0;

        if (session->phase == PHASE_PROXY)
            more = more && gate_take_proxy(session, step, input);
        else if (session->phase == PHASE_BANNER)
            return;
        else if (session->phase == PHASE_COMMANDS)
            more = more && dispatch_line(session, step, input);
        else if (session->phase == PHASE_AUTH_LINE)
            more = more && auth_take_line(session, step, input);
        else if (session->phase == PHASE_DATA && more)
            text_take_data(session, step, input);
        else if (session->phase == PHASE_BDAT)
            text_take_chunk(session, step, input);
        else if (session->phase == PHASE_LINGER)
            *input = SLICE_NULL;
        if (!more)
            return;
    }
}

/* What is pending, moved to the front of the thread's buffer. */
static struct slice take_pending(struct session *session, struct task_scratch *scratch)
{
    size_t len = session->pending.len;

    if (len)
        memcpy(scratch->bytes, session->pending.ptr, len);
    drop_pending(session);
    return slice_from(scratch->bytes, len);
}

/* Reads behind what is left. Returns false when there is nothing to read now, or for ever. */
static bool read_more(struct session *session, struct task_scratch *scratch, struct slice *input,
                      bool *drained)
{
    size_t room = scratch->size - input->len;
    bool lingers = session->phase == PHASE_LINGER;
    ssize_t n;

    if (*drained || session->ended_by_peer)
        return false;
    if (input->len && input->ptr != scratch->bytes)
        memmove(scratch->bytes, input->ptr, input->len);
    n = lingers ? transport_discard(&session->transport)
                : transport_read(&session->transport, scratch->bytes + input->len, room);
    *input = slice_from(scratch->bytes, input->len);
    if (n == -EAGAIN) {
        *drained = true;
        return false;
    }
    if (n <= 0) {
        session->ended_by_peer = true;
        return false;
    }
    if (lingers)
        return true;
    /* Less than there was room for: asking again would only give EAGAIN. */
    *drained = (size_t)n < room && !transport_has_more(&session->transport);
    input->len += (size_t)n;
    return true;
}

/* `drained`: there is hardly anything to read yet, the waiter will tell. True when there is more to
 * do at once, and others should have their turn first. */
static bool serve(struct session *session, struct step *step, bool drained)
{
    struct task_scratch *scratch = step->scratch;
    bool secret = auth_may_come(session), enough = false;
    struct slice input = take_pending(session, scratch);

    drained = drained && !transport_has_more(&session->transport);
    process(session, step, &input);
    while (!enough && takes_input(session) && scratch->out.len < OUTPUT_ENOUGH) {
        enough =
            step->commands >= COMMANDS_PER_STEP || clock_mono_ms() > step->started_ms + STEP_MS;
        if (enough || input.len == scratch->size || !read_more(session, scratch, &input, &drained))
            break;
        if (session->phase == PHASE_BANNER)
            gate_early_talker(session, step);
        process(session, step, &input);
    }
    buf_add_slice(&session->pending, input);
    if (secret)
        explicit_bzero(scratch->bytes, scratch->size);
    if (session->ended_by_peer && takes_input(session) && !enough &&
        scratch->out.len < OUTPUT_ENOUGH)
        session->phase = PHASE_END;
    return enough || scratch->out.len >= OUTPUT_ENOUGH;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void on_timeout(struct session *session, struct step *step)
{
    static const struct smtp_reply slow = {.code = 421,
                                           .status = {.class = 4, .subject = 4, .detail = 2},
                                           .text = SLICE_INIT("timeout, closing the connection"),
                                           .close = true};

    if (session->phase == PHASE_COMMIT || session->phase == PHASE_BANNER)
        return;
    if (session->phase == PHASE_HELD) {
        commit_release(session, step);
    } else if (session->phase == PHASE_AUTH) {
        auth_time_out(session, step);
    } else if (session->phase == PHASE_TLS) {
        handshake_time_out(session);
    } else if (session->phase == PHASE_LINGER || session->unsent.len) {
        session->phase = PHASE_END;
    } else {
        log_info(&session->log, "timeout", LOG_STR("client", session->client_text),
                 LOG_INT("phase", session->phase));
        session_reply(session, step, &slow);
    }
}

static void on_stop(struct session *session, struct step *step)
{
    struct smtp_reply bye = SMTP_REPLY(421, 4, 3, 2, "the server is going down, try again later");

    if (session->phase == PHASE_COMMIT || session->phase == PHASE_END)
        return;
    if (session->phase == PHASE_HELD)
        commit_release(session, step);
    if (session->phase != PHASE_LINGER && session->phase != PHASE_TLS && session->unsent.len == 0 &&
        !handshake_keeps_silent(session)) {
        smtp_reply_write(&step->scratch->out, &bye);
        (void)send_replies(session, step);
    }
    session->phase = PHASE_END;
}

/* Closing with bytes unread would reset the connection and might take our last reply with it; so
 * the client sees our end first and has a moment to read it. */
static void begin_linger(struct session *session)
{
    if (session->phase != PHASE_LINGER || session->unsent.len || session->shut)
        return;
    session->shut = true;
    if (session->quit || session->ended_by_peer || !transport_shut(&session->transport))
        session->phase = PHASE_END;
}

/* The connection is of no more use; a message that came whole goes its way all the same. */
static void give_up(struct session *session)
{
    buf_done(&session->unsent);
    session->ended_by_peer = true;
    if (session->phase != PHASE_CHECKS && session->phase != PHASE_COMMIT)
        session->phase = PHASE_END;
}

static bool is_banner_due(const struct session *session)
{
    return session->phase == PHASE_BANNER && clock_mono_ms() >= session->deadline_ms;
}

static void work(struct session *session, struct step *step, bool drained, bool *yield)
{
    if (session->unsent.len)
        return;
    if (takes_input(session))
        *yield = serve(session, step, drained);
    /* The banner is due at once, mostly: it goes out before anything is read. */
    if (session->phase == PHASE_TLS && handshake_run(session, step) && !is_banner_due(session))
        *yield = serve(session, step, false);
    if (is_banner_due(session)) {
        gate_send_banner(session, step);
        /* Nobody can wake it yet in its very first step, so it may begin nothing then that waits.
         */
        if (session->pending.len || transport_has_more(&session->transport))
            *yield = session->task ? serve(session, step, true) : true;
    }
}

static struct task_step park(struct session *session, bool yield)
{
    const struct transport *transport = &session->transport;
    struct task_step next = {.next = TASK_PARK, .deadline_ms = session->deadline_ms};
    uint64_t slow = text_deadline(session);

    if (session->unsent.len)
        next.want = transport->write_wants;
    if (session->phase == PHASE_COMMIT)
        next.deadline_ms = TASK_NO_DEADLINE;
    if (session->phase == PHASE_CHECKS || session->phase == PHASE_COMMIT ||
        session->phase == PHASE_HELD || session->phase == PHASE_AUTH)
        return next;
    if (!session->unsent.len)
        next.want = transport->read_wants;
    if (yield && !session->task)
        next.want = TASK_WRITE; /* which it is: the next step comes at once */
    else if (yield && session->unsent.len == 0)
        next.next = TASK_YIELD;
    else if (next.deadline_ms > slow)
        next.deadline_ms = slow;
    return next;
}

struct task_step session_run(void *arg, enum task_why why, struct task_scratch *scratch)
{
    struct session *session = arg;
    struct step step = {.scratch = scratch, .started_ms = clock_mono_ms()};
    bool yield = false;

    if (session->unsent.len && !send_output(session, buf_slice(&session->unsent)))
        give_up(session);
    if (session->phase == PHASE_NEW)
        gate_open(session, &step);
    if (why == TASK_STOPPING)
        on_stop(session, &step);
    else if (session->phase == PHASE_CHECKS)
        commit_check(session, &step);
    else if (why == TASK_WOKEN && session->phase == PHASE_COMMIT)
        (void)commit_finish(session, &step);
    else if (session->phase == PHASE_AUTH && auth_finish(session, &step))
        session_progress(session);
    else if (step.started_ms >= session->deadline_ms || text_is_too_slow(session))
        on_timeout(session, &step);
    /* A client that awaits the reply to its text has sent nothing behind it. */
    work(session, &step, why == TASK_WOKEN, &yield);
    if (!send_replies(session, &step))
        give_up(session);
    begin_linger(session);
    if (session->phase != PHASE_END)
        return park(session, yield);
    session_free(session);
    return (struct task_step){.next = TASK_END};
}
