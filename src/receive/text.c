/*
 * The octets of DATA and BDAT on their way into the intake. See session.h.
 *
 * A client is too slow when its average since the text began is below minimum_rate after the first
 * minute; the moment at which that comes true is known in advance, so it is one more deadline.
 */
#include "receive/session.h"

#include "base/clock.h"
#include "receive/checks.h"
#include "receive/ownership.h"
#include "receive/trace.h"

enum { RATE_GRACE_MS = 60 * 1000, PATIENCE = 4 };

static unsigned traits(const struct session *session)
{
    unsigned set = 0;

    if (session_is_lmtp(session))
        set |= TRACE_LMTP;
    if (session->extended)
        set |= TRACE_EXTENDED;
    if (session->transaction->envelope.smtputf8)
        set |= TRACE_UTF8;
    if (session->tls)
        set |= TRACE_TLS;
    if (session->login.account.len)
        set |= TRACE_AUTH;
    return set;
}

static struct slice make_trace(struct session *session, struct arena *scratch)
{
    struct transaction *transaction = session->transaction;
    const struct recipients *recipients = &transaction->recipients;
    struct trace trace = {.hostname = session->config->hostname,
                          .helo = session->helo,
                          .client_name = session->client_name,
                          .client_address = slice_from_cstr(session->client_text),
                          .id = transaction->envelope.id,
                          .priority = transaction->envelope.priority,
                          .seconds = (int64_t)(clock_wall_ms() / 1000)};
    struct buf text;
    struct slice copy;

    trace.protocol = trace_protocol(traits(session));
    if (session->tls) {
        trace.tls_version = session->tls->version;
        trace.tls_cipher = session->tls->cipher;
        trace.tls_peer = session->tls->peer;
    }
    if (recipients->count == 1)
        trace.recipient = recipients->list[0].address;
    buf_init(&text, 4096);
    trace_write(&text, &trace);
    copy = arena_dup(scratch, buf_slice(&text));
    buf_done(&text);
    return copy;
}

void text_begin(struct session *session, bool dots, struct arena *scratch)
{
    struct transaction *transaction = session->transaction;
    struct intake_options options = {
        .spool = session->server->spool,
        .config = session->config,
        .dots = dots,
        .convert = session->listener->settings->bare_newline == BARE_CONVERT,
        .repair = session->listener->settings->service == SERVICE_SUBMISSION,
        .sender = transaction->envelope.reverse_path,
        .message_size = session_message_size(session),
        .seconds = (int64_t)(clock_wall_ms() / 1000)};

    (void)scratch;
    if (session->login.account.len) {
        options.repair = true;
        options.sender = session->login.account;
        options.judge = ownership_check_header;
        options.judge_arg = session;
    }
    transaction->envelope.id = spool_writer_next_id(session->server->spool);
    options.id = transaction->envelope.id;
    checks_begin_text(session, &options);
    options.trace = make_trace(session, &session->transaction_arena);
    intake_init(&transaction->intake, &options);
    transaction->has_intake = true;
    transaction->text_started_ms = clock_mono_ms();
}

/* A client whose text was refused long ago and that still does not stop. */
static bool exceeds_patience(const struct session *session)
{
    return session->transaction->intake.size / PATIENCE >
           session->transaction->intake.options.message_size;
}

void text_take_data(struct session *session, struct step *step, struct slice *input)
{
    static const struct smtp_reply enough = {.code = 552,
                                             .status = {.class = 5, .subject = 3, .detail = 4},
                                             .text = SLICE_INIT("message far too large"),
                                             .close = true};

    session_progress(session);
    if (intake_feed(&session->transaction->intake, input))
        commit_start(session, step);
    else if (exceeds_patience(session))
        session_reply(session, step, &enough);
}

static void end_chunk(struct session *session, struct step *step)
{
    struct transaction *transaction = session->transaction;
    struct smtp_reply reply = transaction->intake.fault;

    if (transaction->chunk_last) {
        commit_start(session, step);
        return;
    }
    session->phase = PHASE_COMMANDS;
    if (reply.code) {
        /* Its text may be the transaction's. */
        reply.text = arena_dup(&step->scratch->arena, reply.text);
        session_reset_transaction(session);
    } else {
        reply = smtp_reply_format(&step->scratch->arena, 250, STATUS(2, 0, 0), "%llu octets taken",
                                  (unsigned long long)transaction->chunk_size);
    }
    session_reply(session, step, &reply);
}

/* Returns how much of the input was taken. */
static size_t throw_away(struct session *session, struct step *step, size_t len)
{
    if (len > session->refused_left)
        len = (size_t)session->refused_left;
    session->refused_left -= len;
    if (session->refused_left == 0) {
        session->phase = PHASE_COMMANDS;
        session_reply(session, step, &session->refused_reply);
    }
    return len;
}

void text_take_chunk(struct session *session, struct step *step, struct slice *input)
{
    struct transaction *transaction = session->transaction;
    struct slice part = *input;

    if (input->len)
        session_progress(session);
    if (session->refused_left) {
        *input = slice_skip(*input, throw_away(session, step, input->len));
        return;
    }
    if (part.len > transaction->chunk_left)
        part.len = (size_t)transaction->chunk_left;
    *input = slice_skip(*input, part.len);
    transaction->chunk_left -= part.len;
    (void)intake_feed(&transaction->intake, &part);
    if (transaction->chunk_left == 0)
        end_chunk(session, step);
}

static bool in_text(const struct session *session)
{
    return session->phase == PHASE_DATA ||
           (session->phase == PHASE_BDAT && session->refused_left == 0);
}

uint64_t text_deadline(const struct session *session)
{
    const struct transaction *transaction = session->transaction;
    unsigned rate = session->config->limits.minimum_rate;
    uint64_t ms;

    if (!in_text(session) || rate == 0)
        return UINT64_MAX;
    ms = transaction->intake.size * 1000 / rate;
    return transaction->text_started_ms + (ms > RATE_GRACE_MS ? ms : RATE_GRACE_MS);
}

bool text_is_too_slow(const struct session *session)
{
    return clock_mono_ms() > text_deadline(session);
}
