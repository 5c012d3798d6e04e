/*
 * From the end of a text to its reply: the envelope is completed, auth says whether the account may
 * hand it in (if there is one), or the checks whether the sender is who he says he is; the spool
 * gets the message, the session is parked until the committer says that it is on disk; then, and
 * only then, 250. When the queue is behind with
 * reading, the reply waits a moment longer, and with it the client's next message.
 *
 * LMTP has a reply for each recipient that RCPT accepted (RFC 2033 section 4.2); since the message
 * is stored as one, they are all the same.
 */
#include "receive/session.h"

#include "base/clock.h"
#include "receive/checks.h"
#include "receive/pressure.h"

enum { VERDICTS_MAX = 4096, LISTED_MAX = 4096 };

void transaction_add_verdict(struct session *session, const char *class,
                             const struct config_source *source)
{
    struct arena *arena = &session->transaction_arena;
    struct slice *verdicts = &session->transaction->verdicts;
    struct slice line =
        arena_printf(arena, "rcpt %s %.*s:%u\n", class, SLICE_ARG(source->file), source->line);

    /* Recipients of one rule mostly come one after another. */
    if (slice_ends_with_nocase(*verdicts, line) || verdicts->len > VERDICTS_MAX)
        return;
    *verdicts = arena_printf(arena, "%.*s%.*s", SLICE_ARG(*verdicts), SLICE_ARG(line));
}

/* As many as fit; each of the others is named by queue when it is tried. */
static struct slice list_recipients(const struct envelope *envelope, struct arena *arena)
{
    struct slice list;
    struct buf out;

    buf_init(&out, LISTED_MAX);
    for (uint32_t i = 0; i < envelope->n_recipients; i++) {
        size_t len = out.len;
        buf_printf(&out, "%s%.*s", i ? "," : "", SLICE_ARG(envelope->recipients[i].address));
        if (out.overflow) {
            out.len = len;
            break;
        }
    }
    list = arena_dup(arena, slice_from(out.ptr, out.len));
    buf_done(&out);
    return list;
}

static void write_replies(struct session *session, struct step *step,
                          const struct smtp_reply *reply)
{
    const struct transaction *transaction = session->transaction;

    if (!session_is_lmtp(session)) {
        session_reply(session, step, reply);
        return;
    }
    for (uint32_t i = 0; i < transaction->n_lmtp_replies; i++) {
        uint32_t index = transaction->lmtp_replies[i];
        struct slice address = transaction->recipients.list[index].address;
        struct smtp_reply one =
            smtp_reply_format(&step->scratch->arena, reply->code, reply->status, "<%.*s> %.*s",
                              SLICE_ARG(address), SLICE_ARG(reply->text));
        session_reply(session, step, &one);
    }
}

static void end_transaction(struct session *session, struct step *step,
                            const struct smtp_reply *reply)
{
    session->phase = PHASE_COMMANDS;
    write_replies(session, step, reply);
    session_reset_transaction(session);
    session_progress(session);
}

static void refuse(struct session *session, struct step *step, struct smtp_reply reply)
{
    const struct recipients *recipients = &session->transaction->recipients;
    const struct envelope listed = {.recipients = recipients->list,
                                    .n_recipients = recipients->count};

    struct slice text = reply.text;

    atomic_fetch_add(&session->server->counts.refused_messages, 1);
    log_info(&session->log, "message-refused", LOG_STR("client", session->client_text),
             LOG_SLICE("from", session->transaction->envelope.reverse_path),
             LOG_SLICE("to", list_recipients(&listed, &step->scratch->arena)),
             LOG_SLICE("header_id",
                       intake_header_id(&session->transaction->intake, &step->scratch->arena)),
             LOG_INT("size", session->transaction->intake.size), LOG_INT("code", reply.code),
             LOG_STR("status", status_format(reply.status).text),
             LOG_SLICE("text", slice_cut(&text, '\n')));
    if (reply.code >= 500 && ++session->errors > session->config->limits.errors)
        reply = SMTP_REPLY_CLOSE(421, 4, 7, 0, "too many errors");
    end_transaction(session, step, &reply);
}

/* On the committer's thread. The session may be woken by others too, so it takes no wake for this
 * one's; and since it takes the lock before it goes on, it is there as long as this runs. */
static void on_committed(void *arg, int result)
{
    struct session *session = arg;

    pthread_mutex_lock(&session->commit_lock);
    session->commit_result = result;
    session->committed = true;
    session->server->wake(session->task);
    pthread_mutex_unlock(&session->commit_lock);
}

static bool is_committed(struct session *session)
{
    bool committed;

    pthread_mutex_lock(&session->commit_lock);
    committed = session->committed;
    pthread_mutex_unlock(&session->commit_lock);
    return committed;
}

static void complete_envelope(struct session *session, uint64_t size)
{
    struct transaction *transaction = session->transaction;
    struct envelope *envelope = &transaction->envelope;

    envelope->received_ms = clock_wall_ms();
    envelope->recipients = transaction->recipients.list;
    envelope->n_recipients = transaction->recipients.count;
    envelope->size = size;
    envelope->ours = transaction->sender.may_relay && !transaction->foreign_author;
    if (transaction->intake.text.eight_bit)
        envelope->body = BODY_8BITMIME; /* whatever MAIL said of it */
    envelope->client_address = slice_from_cstr(session->client_text);
    envelope->client_name = session->client_name;
    envelope->helo = session->helo;
    envelope->listener = session->listener->settings->name;
    envelope->verdicts = transaction->verdicts;
}

/* May the account hand the message in? Code 0: yes, perhaps only to be held. */
static struct smtp_reply check_submission(struct session *session, struct step *step)
{
    const struct server *server = session->server;
    struct envelope *envelope = &session->transaction->envelope;
    struct msg_submission question = {.account = envelope->login,
                                      .client_address = envelope->client_address,
                                      .recipients = envelope->n_recipients,
                                      .size = envelope->size};
    struct arena *scratch = &step->scratch->arena;
    struct msg_submission_reply answer;

    server->submission(server->resolve_arg, &question, &session->transaction_arena, &answer);
    switch (answer.verdict) {
    case SUBMISSION_GO:
        return SMTP_REPLY_NONE;
    case SUBMISSION_HOLD:
        envelope->hold = answer.text.len ? answer.text : SLICE("the account is frozen");
        return SMTP_REPLY_NONE;
    case SUBMISSION_LATER:
        return smtp_reply_format(scratch, 450, STATUS(4, 7, 1), "%.*s", SLICE_ARG(answer.text));
    case SUBMISSION_REFUSE:
        return smtp_reply_format(scratch, 550, STATUS(5, 7, 1), "%.*s", SLICE_ARG(answer.text));
    }
    return SMTP_REPLY(451, 4, 3, 0, "cannot check your account now, try again later");
}

/* To the disk. */
static void submit(struct session *session)
{
    struct transaction *transaction = session->transaction;
    struct spool_body *body = transaction->body;

    transaction->body = NULL;
    transaction->envelope.size = spool_body_size(body);
    session->committed = false;
    session->phase = PHASE_COMMIT;
    spool_submit(session->server->spool, &transaction->envelope, body, on_committed, session);
}

void commit_check(struct session *session, struct step *step)
{
    bool patience = clock_mono_ms() < session->deadline_ms;
    struct smtp_reply reply;

    if (!checks_are_done(session, patience))
        return;
    reply = checks_decide(session, step);
    if (reply.code)
        refuse(session, step, reply);
    else
        submit(session);
}

static void begin_checks(struct session *session, struct step *step)
{
    checks_end_text(session);
    session->phase = PHASE_CHECKS;
    session->deadline_ms = clock_mono_ms() + CHECKS_WAIT_MS;
    commit_check(session, step);
}

void commit_start(struct session *session, struct step *step)
{
    struct transaction *transaction = session->transaction;
    struct smtp_reply fault;
    struct spool_body *body = intake_finish(&transaction->intake, &fault);

    if (body) {
        complete_envelope(session, spool_body_size(body));
        if (session->login.account.len)
            fault = check_submission(session, step);
    }
    if (fault.code) {
        spool_body_free(body);
        refuse(session, step, fault);
        return;
    }
    transaction->body = body;
    if (transaction->checks)
        begin_checks(session, step);
    else
        submit(session);
}

static void log_accepted(const struct session *session, struct arena *scratch)
{
    const struct envelope *envelope = &session->transaction->envelope;
    struct log_context message = {
        .parent = &session->log, .field = LOG_STR("message", message_id_format(envelope->id).text)};

    log_info(&message, "accepted", LOG_STR("client", session->client_text),
             LOG_SLICE("from", envelope->reverse_path),
             LOG_SLICE("to", list_recipients(envelope, scratch)),
             LOG_SLICE("header_id", intake_header_id(&session->transaction->intake, scratch)),
             LOG_INT("recipients", envelope->n_recipients), LOG_INT("size", envelope->size),
             LOG_INT("priority", envelope->priority), LOG_SLICE("login", envelope->login),
             LOG_STR("mechanism", session->login.mechanism), LOG_SLICE("held", envelope->hold),
             LOG_SLICE("rule", slice_trim(session->transaction->verdicts)));
}

bool commit_finish(struct session *session, struct step *step)
{
    struct server *server = session->server;
    const struct envelope *envelope = &session->transaction->envelope;
    unsigned delay_ms;

    if (!is_committed(session))
        return false;
    if (session->commit_result < 0) {
        log_error(&session->log, "commit-failed", LOG_ERRNO(session->commit_result));
        refuse(session, step, intake_spool_failure(session->commit_result));
        return true;
    }
    log_accepted(session, &step->scratch->arena);
    atomic_fetch_add(&server->counts.messages, 1);
    atomic_fetch_add(&server->counts.recipients, envelope->n_recipients);
    session->messages++;
    session->errors = 0;
    session->idle_commands = 0;
    delay_ms = pressure_delay_ms(atomic_load_explicit(&server->unread, memory_order_relaxed));
    if (delay_ms == 0) {
        commit_release(session, step);
        return true;
    }
    session->phase = PHASE_HELD;
    session->deadline_ms = step->started_ms + delay_ms;
    return true;
}

void commit_release(struct session *session, struct step *step)
{
    struct smtp_reply reply;

    reply = smtp_reply_format(&step->scratch->arena, 250, STATUS(2, 0, 0), "Ok: queued as %s",
                              message_id_format(session->transaction->envelope.id).text);
    end_transaction(session, step, &reply);
}
