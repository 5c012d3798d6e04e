/*
 * A transaction as a row of steps: [RSET] MAIL RCPT... DATA|BDAT. Each step has a command to write
 * and a reply to read. With PIPELINING many steps are written before the first reply is read;
 * without it, one. The rest is the same: run_steps() is both.
 *
 * - At most WINDOW commands are unanswered, so that neither side blocks in a write while the other
 *   does (RFC 2920 section 3.1).
 * - With CHUNKING and a short text the BDAT command and the text go out with the rest: one round
 *   trip a message. If the server refused everything it has to eat the octets all the same
 *   (RFC 3030 section 2). Longer texts wait for the word on the recipients.
 * - A server that says 354 although no recipient is left gets the empty text that RFC 2920 section
 *   3.1 asks for, and what it answers changes nothing.
 * - Lost after the end of the text: the message may have arrived. It is tried again later, which
 *   can repeat it once and cannot lose it.
 */
#include "relay/transaction.h"

#include "base/log.h"
#include "relay/command.h"
#include "relay/transmit.h"

#include <errno.h>

enum { WINDOW = 100, SHORT_TEXT = 32 * 1024 };

struct run {
    struct transaction *t;
    struct client *client;
    struct outcome *outcome;
    uint32_t n_steps;
    uint32_t first;      /* STEP_RSET or STEP_MAIL */
    uint32_t written;    /* steps */
    uint32_t answered;   /* steps */
    uint32_t *accepted;  /* recipients, in the order of RCPT */
    const char *waiting; /* what the next reply is about, for people */
    size_t n_text;       /* bytes of text behind the commands to be sent */
    bool text_sent;      /* with the commands */
    bool mail_answered;
    bool mail_refused;
    bool go_ahead; /* 354 */
};

/* Steps are numbered: 0 RSET, 1 MAIL, 2 and up RCPT, the last DATA or BDAT. */
enum { STEP_RSET = 0, STEP_MAIL = 1, STEP_RCPT = 2 };

static bool is_last(const struct run *run, uint32_t step)
{
    return step + 1 == run->n_steps;
}

/* For all of this transaction that have no verdict yet. */
static void decide_picked(struct run *run, const struct verdict *verdict)
{
    for (uint32_t i = 0; i < run->t->n_recipients; i++) {
        uint32_t recipient = run->t->recipients[i];
        if (run->outcome->states[recipient] == OUTCOME_OPEN)
            outcome_decide(run->outcome, recipient, verdict);
    }
}

/* The connection is of no further use, or the text cannot be had. */
static void decide_failed(struct run *run, int error)
{
    struct verdict verdict;

    if (run->client->reply.code == 421)
        verdict = verdict_from_reply(run->outcome, &run->client->reply);
    else if (error == -ECANCELED)
        verdict = verdict_from_text(run->outcome, DONE_LATER, STATUS(4, 3, 2),
                                    "given up because the server is stopping");
    else if (error == -EIO)
        verdict = verdict_from_text(run->outcome, DONE_LATER, STATUS(4, 3, 0),
                                    "the stored message could not be read");
    else
        verdict = verdict_from_text(
            run->outcome, DONE_LATER, STATUS(4, 4, 2), "connection to %.*s lost at %s: %s",
            SLICE_ARG(run->client->name), run->waiting,
            error == -EBADMSG ? "what it said is not SMTP" : log_strerror(error));
    decide_picked(run, &verdict);
}

/* 452 for one recipient means that the transaction is full, if it has others (RFC 5321 section
 * 4.5.3.1.10), unless the enhanced code says something else. */
static bool is_too_many(const struct run *run)
{
    const struct reply_parse *reply = &run->client->reply;
    struct slice text = reply_text(reply);
    struct status status;

    if (reply->code != 452 && reply->code != 552)
        return false;
    if (status_parse(slice_cut(&text, '\n'), &status, NULL))
        return status.subject == 5 && status.detail == 3;
    return reply->code == 452 && run->t->n_accepted > 0;
}

static void take_rcpt(struct run *run, uint32_t recipient)
{
    struct transaction *t = run->t;
    struct verdict verdict;

    if (run->mail_refused)
        return;
    if (run->client->reply.code / 100 == 2) {
        run->accepted[t->n_accepted++] = recipient;
        return;
    }
    verdict = verdict_from_reply(run->outcome, &run->client->reply);
    if (is_too_many(run)) {
        verdict_put_off(&verdict, SLICE("4.5.3"));
        outcome_postpone(run->outcome, recipient, &verdict);
        t->n_too_many++;
    } else {
        outcome_decide(run->outcome, recipient, &verdict);
    }
}

/* A reply before there was anything to reply to: nobody knows what the next one is about. */
static struct verdict spoke_early(struct run *run)
{
    run->client->broken = true;
    return verdict_from_text(run->outcome, DONE_LATER, STATUS(4, 5, 0),
                             "%.*s replied before it was asked, at %s",
                             SLICE_ARG(run->client->name), run->waiting);
}

static void take_data(struct run *run)
{
    struct verdict verdict;

    if (run->client->reply.code == 354 && !client_has_spoken(run->client)) {
        run->go_ahead = true;
        return;
    }
    if (run->client->reply.code == 354)
        verdict = spoke_early(run);
    else
        verdict = verdict_from_reply(run->outcome, &run->client->reply);
    /* A server cannot have taken a text that it has not seen. */
    if (verdict.kind == DONE_OK) {
        verdict_put_off(&verdict, SLICE("4.5.0"));
        run->client->broken = true;
    }
    decide_picked(run, &verdict);
}

static void take_mail(struct run *run)
{
    struct verdict verdict;

    run->mail_answered = run->client->reply.code != 421;
    run->mail_refused = run->client->reply.code / 100 != 2;
    if (!run->mail_refused || !run->mail_answered)
        return;
    verdict = verdict_from_reply(run->outcome, &run->client->reply);
    decide_picked(run, &verdict);
}

static const char *step_name(const struct run *run, uint32_t step)
{
    static const char *const names[] = {"RSET", "MAIL", "RCPT"};

    if (is_last(run, step))
        return run->t->chunking ? "BDAT" : "DATA";
    return names[step < STEP_RCPT ? step : STEP_RCPT];
}

/* The reply to a step is in client->reply. */
static void take_reply(struct run *run, uint32_t step)
{
    if (step == STEP_RSET)
        run->client->broken |= run->client->reply.code / 100 != 2;
    else if (step == STEP_MAIL)
        take_mail(run);
    else if (is_last(run, step))
        take_data(run);
    else
        take_rcpt(run, run->t->recipients[step - STEP_RCPT]);
}

/* Reads until `step` is answered. 0 or the connection's failure; 421 ends it too. */
static int read_steps(struct run *run, uint32_t step)
{
    /* The reply to BDAT with the text in it is the final one: read_final() has it. */
    if (is_last(run, step) && run->t->chunking)
        step--;
    while (run->answered <= step) {
        uint32_t now = run->answered;
        int r;
        run->waiting = step_name(run, now);
        r = client_read_reply(run->client, is_last(run, now) ? CLIENT_DATA_MS : CLIENT_COMMAND_MS);
        if (r < 0)
            return r;
        take_reply(run, now);
        run->answered++;
        if (run->client->broken)
            return -EPIPE;
    }
    return 0;
}

static bool is_wanted(const struct run *run)
{
    return !run->t->still_wanted || run->t->still_wanted(run->t->arg);
}

static bool is_short(const struct transaction *t)
{
    return text_size(t->text) <= SHORT_TEXT;
}

static int add_whole_text(struct run *run)
{
    int r = transmit_add_whole(run->t->text, run->t->out, &run->n_text);

    run->text_sent = r == 0;
    return r;
}

/* DATA; or BDAT with the whole text if that is short; or nothing yet. */
static int add_last_command(struct run *run)
{
    struct transaction *t = run->t;

    if (!t->chunking)
        buf_add_cstr(t->out, "DATA\r\n");
    else if (is_short(t) && !is_wanted(run))
        return -ECANCELED;
    else if (is_short(t))
        return add_whole_text(run);
    return 0;
}

static int add_command(struct run *run, uint32_t step)
{
    struct transaction *t = run->t;
    const struct msg_unit *unit = run->outcome->unit;

    if (step == STEP_RSET) {
        buf_add_cstr(t->out, "RSET\r\n");
    } else if (step == STEP_MAIL) {
        struct command_mail mail = {.unit = unit,
                                    .size = text_size(t->text),
                                    .body_8bitmime = t->body_8bitmime,
                                    .smtputf8 = t->smtputf8,
                                    .requiretls = unit->requiretls && run->client->may_requiretls};
        command_add_mail(t->out, &run->client->offer, &mail);
    } else if (!is_last(run, step)) {
        command_add_rcpt(t->out, &run->client->offer,
                         &unit->recipients[t->recipients[step - STEP_RCPT]], t->smtputf8);
    } else {
        return add_last_command(run);
    }
    run->written = step + 1;
    return 0;
}

/* Sends what was gathered and reads the replies. A server that closes in the middle may have said
 * why: what it has said is read before the failure counts. */
static int exchange(struct run *run, uint32_t step)
{
    int sent = 0;

    run->waiting = step_name(run, run->answered);
    if (run->t->out->len)
        sent = client_send(run->client, buf_slice(run->t->out), run->n_text, CLIENT_COMMAND_MS);
    buf_reset(run->t->out);
    if (sent == -ETIMEDOUT || sent == -ECANCELED)
        return sent;
    return read_steps(run, step);
}

/* All steps up to the go-ahead for the text, which may already be out behind BDAT. */
static int run_steps(struct run *run)
{
    struct transaction *t = run->t;
    uint32_t window = t->pipelining ? WINDOW : 1;

    for (uint32_t step = run->first; step < run->n_steps; step++) {
        int r;
        if (is_last(run, step) && run->answered == step && t->n_accepted == 0)
            return 0;
        r = add_command(run, step);
        if (r < 0)
            return r;
        if (!is_last(run, step) && run->written - run->answered < window)
            continue;
        r = exchange(run, step);
        if (r < 0 || run->mail_refused)
            return r;
    }
    return 0;
}

static int send_text(struct run *run)
{
    struct transaction *t = run->t;

    run->waiting = "the text";
    if (run->text_sent)
        return 0;
    if (!is_wanted(run))
        return -ECANCELED;
    if (t->chunking)
        return transmit_chunks(run->client, t->text, t->out, t->pipelining);
    return transmit_data(run->client, t->text, t->out);
}

/* A server that offers CHUNKING and has never heard of BDAT takes the text for commands: what it
 * says next is about them, and this connection is over. */
static bool is_bdat_unknown(const struct run *run)
{
    unsigned code = run->client->reply.code;

    return run->t->chunking && (code == 500 || code == 502);
}

static int leave_bdat(struct run *run)
{
    run->t->bdat_unknown = true;
    run->client->broken = true;
    return 0;
}

/* The final reply, or one for each accepted recipient (RFC 2033 section 4.2). */
static int read_final(struct run *run, bool sent_whole)
{
    struct transaction *t = run->t;
    uint32_t n = run->client->lmtp ? t->n_accepted : 1;

    if (sent_whole)
        run->waiting = "the end of the text";
    for (uint32_t i = 0; i < n; i++) {
        struct verdict verdict;
        int r = client_read_reply(run->client, CLIENT_FINAL_MS);
        if (r < 0)
            return r;
        if (is_bdat_unknown(run))
            return leave_bdat(run);
        verdict = verdict_from_reply(run->outcome, &run->client->reply);
        if (verdict.kind == DONE_OK && !sent_whole)
            verdict_put_off(&verdict, SLICE("4.5.0"));
        if (run->client->lmtp)
            outcome_decide(run->outcome, run->accepted[i], &verdict);
        else
            decide_picked(run, &verdict);
        if (run->client->broken && i + 1 < n)
            return -EPIPE;
    }
    t->completed = sent_whole;
    run->client->broken |= client_has_spoken(run->client);
    return 0;
}

/* Nobody is left to send to, but text or its end is still owed, and an answer to it. */
static int finish_empty(struct run *run)
{
    int r = 0;

    if (run->go_ahead)
        r = client_send(run->client, SLICE(".\r\n"), 0, CLIENT_BLOCK_MS);
    if (r == 0 && (run->go_ahead || run->text_sent))
        r = client_read_reply(run->client, CLIENT_FINAL_MS);
    return r;
}

static int finish(struct run *run)
{
    struct transaction *t = run->t;
    struct verdict verdict;
    int r;

    if (t->n_accepted == 0)
        return finish_empty(run);
    if (!t->chunking && !run->go_ahead)
        return 0;
    r = send_text(run);
    if (r == TRANSMIT_REFUSED && is_bdat_unknown(run))
        return leave_bdat(run);
    if (r == TRANSMIT_REFUSED) {
        verdict = verdict_from_reply(run->outcome, &run->client->reply);
        decide_picked(run, &verdict);
        return 0;
    }
    /* A server that does not want to read to the end may say so and close. */
    if (r == 0 || r == -EPIPE || r == -ECONNRESET)
        return read_final(run, r == 0);
    return r;
}

static void note_completed(struct run *run)
{
    run->client->needs_reset = false;
    run->client->carried++;
    for (uint32_t i = 0; i < run->t->n_accepted; i++) {
        struct done_recipient *done = &run->outcome->recipients[run->accepted[i]];
        done->dsn_passed_on = run->client->offer.dsn && done->kind == DONE_OK;
    }
}

/* Nothing may have been said since the last reply, unless it is 421. */
static int check_silence(struct run *run)
{
    struct verdict verdict;
    int r;

    if (!client_has_spoken(run->client))
        return 0;
    run->waiting = "the start of the transaction";
    r = client_read_reply(run->client, CLIENT_COMMAND_MS);
    if (r < 0 || run->client->broken)
        return r < 0 ? r : -EPIPE;
    verdict = spoke_early(run);
    decide_picked(run, &verdict);
    return -EBADMSG;
}

static bool is_stale(const struct run *run, int error)
{
    return run->client->carried && !run->mail_answered && (error == -EPIPE || error == -ECONNRESET);
}

enum transaction_result transaction_run(struct transaction *transaction)
{
    struct run run = {.t = transaction,
                      .client = transaction->client,
                      .outcome = transaction->outcome,
                      .n_steps = STEP_RCPT + transaction->n_recipients + 1,
                      .first = transaction->client->needs_reset ? STEP_RSET : STEP_MAIL};
    int r;

    run.written = run.answered = run.first;
    run.accepted =
        arena_alloc(run.outcome->arena, transaction->n_recipients * sizeof(*run.accepted));
    buf_reset(transaction->out);
    run.client->needs_reset = true;
    r = check_silence(&run);
    if (r == 0)
        r = run_steps(&run);
    if (r == 0)
        r = finish(&run);
    if (r < 0) {
        run.client->broken = true;
        if (is_stale(&run, r))
            return TRANSACTION_STALE;
        decide_failed(&run, r);
    }
    if (transaction->completed)
        note_completed(&run);
    return TRANSACTION_OVER;
}
