/*
 * An attempt begins with its recipients taken out of the unit; mailboxes among them are looked up
 * again (their quota, and whether they are still there), and if an answer is missing the attempt
 * waits for it, holding its turn. Then it is sent. A recipient that turns out to need another way
 * is let go, to be routed anew.
 *
 * While a role is absent or behind, the lanes of its ways are paused in the scheduler.
 */
#include "queue/dispatch.h"

#include "base/log.h"
#include "queue/attempts.h"
#include "queue/done.h"
#include "queue/extra.h"
#include "queue/forward.h"
#include "queue/junk.h"
#include "queue/learn.h"
#include "queue/notice.h"
#include "queue/record.h"
#include "queue/route.h"
#include "queue/settle.h"
#include "queue/suspended.h"

#include <errno.h>

enum { TROUBLE_WAIT_MS = 5000 };

struct dispatch {
    struct attempts attempts;
    struct buf out; /* one MSG_UNIT */
};

struct dispatch *dispatch_new(void)
{
    struct dispatch *dispatch = xcalloc(1, sizeof(*dispatch));

    attempts_init(&dispatch->attempts);
    buf_init(&dispatch->out, CHANNEL_PAYLOAD_MAX);
    return dispatch;
}

void dispatch_free(struct dispatch *dispatch)
{
    if (!dispatch)
        return;
    attempts_done(&dispatch->attempts);
    buf_done(&dispatch->out);
    free(dispatch);
}

static enum role peer_of(enum unit_way way)
{
    return way == WAY_ROUTE ? ROLE_RELAY : ROLE_LOCAL;
}

static void pause_peer(struct queue *queue, enum role peer, bool paused)
{
    if (peer == ROLE_RELAY) {
        scheduler_pause(queue->scheduler, WAY_ROUTE, paused);
    } else if (peer == ROLE_LOCAL) {
        scheduler_pause(queue->scheduler, WAY_MAILDIR, paused);
        scheduler_pause(queue->scheduler, WAY_PROGRAM, paused);
    }
}

/* ---- how an attempt ends without an answer ------------------------------------------------- */

/* The administrator has said meanwhile that these are not to be tried again. */
static void settle_flagged(struct queue *queue, struct attempt *attempt)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    struct words words = {.status = STATUS(4, 3, 0), .reply = SLICE("the delivery was cut off")};
    struct record record;
    uint32_t kept = 0;

    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < attempt->n; i++) {
        uint32_t index = attempt->indexes[i];
        const struct ledger_recipient *recipient = ledger_recipient(message, index);
        if (!recipient_flags(recipient) || recipient_flags(recipient) == FLAG_WARNED) {
            attempt->indexes[kept++] = index;
            continue;
        }
        settle_not_tried(queue, message, index, &words, queue_now(queue));
        if (recipient_is_over(recipient))
            record_recipient(&record, index, words.reply);
    }
    attempt->n = kept;
    record_commit(&record);
    notice_check(queue, message);
}

/* It did not come to it: its recipients wait in the unit again. */
static void take_back(struct queue *queue, struct attempt *attempt)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);

    settle_flagged(queue, attempt);
    for (uint32_t i = 0; i < attempt->n; i++)
        ledger_set_state(message, attempt->indexes[i], RECIPIENT_READY, attempt->unit);
    scheduler_end_turn(queue->scheduler, attempt->unit, TURN_CANCELLED, attempt->turn, attempt->n,
                       0, queue_now(queue));
    attempts_end(&queue->dispatch->attempts, attempt);
}

/* Its recipients are routed anew at that queue time. */
static void let_go(struct queue *queue, struct attempt *attempt, uint64_t at)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);

    for (uint32_t i = 0; i < attempt->n; i++)
        settle_again(queue, message, attempt->indexes[i], at);
    scheduler_end_turn(queue->scheduler, attempt->unit, TURN_CANCELLED, attempt->turn, 0, 0,
                       queue_now(queue));
    attempts_end(&queue->dispatch->attempts, attempt);
}

/* Keeps the first n recipients and lets the others go. */
static void shorten(struct queue *queue, struct attempt *attempt, uint32_t n)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);

    for (uint32_t i = n; i < attempt->n; i++)
        settle_again(queue, message, attempt->indexes[i], 0);
    attempt->n = n;
}

/* ---- mailboxes ----------------------------------------------------------------------------- */

static const struct msg_resolved *mailbox_of(struct queue *queue, const struct recipient *recipient)
{
    return answers_find(queue->answers, recipient->address, recipient->via, ANSWERS_KEEP_MS,
                        queue_now(queue));
}

/* The server's own postmaster mailbox is nobody's account. */
static bool is_own_mailbox(const struct recipient *recipient)
{
    return slice_eq_nocase(recipient->address, ROUTE_POSTMASTER);
}

/* True when an answer is awaited. An answer that is a moment too old is good enough to wait with,
 * but not to deliver by. */
static bool ask_mailboxes(struct queue *queue, struct attempt *attempt,
                          const struct envelope *envelope, uint64_t max_age_ms)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    struct answers_waiter waiter = {.number = attempt->number, .attempt = true};
    uint64_t now = queue_now(queue);

    for (uint32_t i = 0; i < attempt->n; i++) {
        const struct recipient *recipient = extra_recipient(message, envelope, attempt->indexes[i]);
        if (is_own_mailbox(recipient) ||
            answers_find(queue->answers, recipient->address, recipient->via, max_age_ms, now))
            continue;
        attempt->answers++;
        answers_ask(queue->answers, recipient->address, recipient->via, waiter, now);
    }
    return attempt->answers > 0;
}

/* Drops recipients whose address is no mailbox any more. */
static void check_mailboxes(struct queue *queue, struct attempt *attempt,
                            const struct envelope *envelope)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < attempt->n; i++) {
        uint32_t index = attempt->indexes[i];
        const struct recipient *recipient = extra_recipient(message, envelope, index);
        const struct msg_resolved *mailbox = mailbox_of(queue, recipient);
        if (is_own_mailbox(recipient) || (mailbox && mailbox->status == RESOLVE_LOCAL))
            attempt->indexes[kept++] = index;
        else
            settle_again(queue, message, index, 0);
    }
    attempt->n = kept;
}

/* ---- suspensions --------------------------------------------------------------------------- */

/* Drops recipients that were suspended after they had come into the lane. */
static void check_suspended(struct queue *queue, struct attempt *attempt,
                            const struct envelope *envelope)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    const struct lane_key *lane = scheduler_lane_of(queue->scheduler, attempt->unit);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < attempt->n; i++) {
        uint32_t index = attempt->indexes[i];
        if (suspended_find(queue, envelope, extra_recipient(message, envelope, index), lane))
            settle_again(queue, message, index, 0);
        else
            attempt->indexes[kept++] = index;
    }
    attempt->n = kept;
}

/* ---- the message to the peer --------------------------------------------------------------- */

static struct unit_recipient describe_recipient(struct queue *queue, enum unit_way way,
                                                uint32_t index, const struct recipient *recipient)
{
    const struct msg_resolved *mailbox =
        way == WAY_MAILDIR && !is_own_mailbox(recipient) ? mailbox_of(queue, recipient) : NULL;
    struct unit_recipient unit = {.index = index,
                                  .address = recipient->address,
                                  .orcpt = recipient->orcpt,
                                  .via = recipient->via,
                                  .notify = recipient->notify};
    struct slice program;

    if (way == WAY_MAILDIR)
        unit.account = mailbox ? mailbox->account : ROUTE_POSTMASTER;
    if (mailbox) {
        unit.quota_bytes = mailbox->quota_bytes;
        unit.quota_messages = mailbox->quota_messages;
    }
    if (route_is_program(recipient, &program))
        unit.address = recipient->via; /* a program has no address of its own */
    return unit;
}

static void encode_unit(struct queue *queue, struct attempt *attempt,
                        const struct envelope *envelope, const struct spool_text *text,
                        const struct lane_key *lane, struct slice signature)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    const struct recipient *first = extra_recipient(message, envelope, attempt->indexes[0]);
    struct msg_unit unit = {.unit = attempt->number,
                            .message_id = message->id,
                            .way = attempt->way,
                            .name = lane->name,
                            .domain = lane->domain,
                            .text_offset = text->offset,
                            .text_length = text->length,
                            .reverse_path = envelope->reverse_path,
                            .envid = envelope->envid,
                            .ret = envelope->ret,
                            .body = envelope->body,
                            .smtputf8 = envelope->smtputf8,
                            .requiretls = envelope->requiretls,
                            .priority = envelope->priority,
                            .received_ms = envelope->received_ms,
                            .ours = envelope->ours,
                            .signature = signature,
                            .n_recipients = attempt->n};
    bool any_junk = junk_is_any(envelope);

    unit.recipients = arena_alloc(&queue->scratch, attempt->n * sizeof(*unit.recipients));
    for (uint32_t i = 0; i < attempt->n; i++) {
        const struct recipient *recipient = extra_recipient(message, envelope, attempt->indexes[i]);
        unit.recipients[i] =
            describe_recipient(queue, attempt->way, attempt->indexes[i], recipient);
        if (any_junk && !is_own_mailbox(recipient) &&
            junk_is_for(message, envelope, attempt->indexes[i]))
            junk_direct(queue->config, attempt->way, lane->name, &queue->scratch,
                        &unit.recipients[i]);
        attempt->wants_success = attempt->wants_success || recipient->notify & NOTIFY_SUCCESS;
    }
    attempt_name(attempt, unit.recipients, attempt->n);
    if (attempt->way == WAY_ROUTE) /* all of a unit have the same: see struct group */
        unit.reverse_path = forward_send(queue, message, envelope, first);
    learn_fill_unit(queue, attempt, &unit);
    suspensions_add_sources(queue->suspensions, &queue->scratch, &unit.sources_off,
                            &unit.n_sources_off);
    buf_reset(&queue->dispatch->out);
    msg_unit_encode(&queue->dispatch->out, &unit);
}

/* What an earlier attempt has signed it with. One that cannot be read is made anew. */
static struct slice signature_of(struct queue *queue, const struct attempt *attempt,
                                 const struct envelope *envelope)
{
    struct slice signature = SLICE_NULL;
    int r = 0;

    if (attempt->way == WAY_ROUTE && envelope->ours)
        r = spool_store_signature(queue->store, envelope->id, &queue->scratch, &signature);
    if (r < 0)
        log_warn(NULL, "signature-not-read",
                 LOG_STR("message", message_id_format(envelope->id).text), LOG_ERRNO(r));
    return signature;
}

/* 0 when it is on its way; otherwise -errno, and the attempt is still there. */
static int send_unit(struct queue *queue, struct attempt *attempt, const struct envelope *envelope)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    const struct lane_key *lane = scheduler_lane_of(queue->scheduler, attempt->unit);
    struct slice signature = signature_of(queue, attempt, envelope);
    struct buf *out = &queue->dispatch->out;
    struct spool_text text;
    int r = spool_store_text(queue->store, message->location, &text);

    if (r < 0)
        return r;
    encode_unit(queue, attempt, envelope, &text, lane, signature);
    while (out->overflow && attempt->n > 1) {
        shorten(queue, attempt, attempt->n / 2);
        encode_unit(queue, attempt, envelope, &text, lane, signature);
    }
    r = out->overflow
            ? -EMSGSIZE
            : role_send(queue->role, peer_of(attempt->way), MSG_UNIT, buf_slice(out), &text.fd, 1);
    spool_store_text_done(queue->store, &text);
    attempt->sent = r == 0;
    return r;
}

static void not_sent(struct queue *queue, struct attempt *attempt, int error)
{
    enum role peer = peer_of(attempt->way);

    if (error == -EAGAIN || error == -ENOTCONN) {
        pause_peer(queue, peer, true);
        if (error == -EAGAIN)
            role_want_writable(queue->role, peer);
        take_back(queue, attempt);
        return;
    }
    log_error(
        NULL, "unit-not-sent",
        LOG_STR("message", message_id_format(ledger_at(&queue->ledger, attempt->message)->id).text),
        LOG_ERRNO(error));
    let_go(queue, attempt, queue_now(queue) + TROUBLE_WAIT_MS);
}

static void send_attempt(struct queue *queue, struct attempt *attempt, uint64_t max_age_ms)
{
    struct message *message = ledger_at(&queue->ledger, attempt->message);
    struct envelope envelope;
    int r;

    arena_reset(&queue->scratch);
    if (queue_read_envelope(queue, message, &envelope) < 0) {
        let_go(queue, attempt, queue_now(queue) + TROUBLE_WAIT_MS);
        return;
    }
    check_suspended(queue, attempt, &envelope);
    if (attempt->way == WAY_MAILDIR) {
        if (ask_mailboxes(queue, attempt, &envelope, max_age_ms))
            return;
        check_mailboxes(queue, attempt, &envelope);
    }
    if (!attempt->n) {
        let_go(queue, attempt, 0);
        return;
    }
    r = send_unit(queue, attempt, &envelope);
    if (r < 0)
        not_sent(queue, attempt, r);
}

void dispatch_answered(struct queue *queue, uint64_t number)
{
    struct attempt *attempt = attempts_find(&queue->dispatch->attempts, number);

    if (attempt && attempt->answers && --attempt->answers == 0)
        send_attempt(queue, attempt, ANSWERS_KEEP_MS);
}

static struct attempt *begin_attempt(struct queue *queue, const struct scheduler_turn *turn)
{
    struct message *message = ledger_at(&queue->ledger, turn->message);
    struct attempt *attempt = attempts_begin(&queue->dispatch->attempts, turn->n);

    attempt->unit = turn->unit;
    attempt->message = turn->message;
    attempt->way = turn->lane->way;
    attempt->turn = turn->n;
    for (uint32_t i = 0; i < message->n_recipients && attempt->n < turn->n; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_state(recipient) != RECIPIENT_READY || recipient->at != turn->unit)
            continue;
        ledger_set_state(message, i, RECIPIENT_UNDER_WAY, turn->unit);
        attempt->indexes[attempt->n++] = i;
    }
    return attempt;
}

void dispatch_run(struct queue *queue)
{
    struct scheduler_turn turn;

    while (scheduler_next(queue->scheduler, queue_now(queue), &turn))
        send_attempt(queue, begin_attempt(queue, &turn), ANSWERS_FRESH_MS);
}

/* ---- answers ------------------------------------------------------------------------------- */

int dispatch_take_done(struct queue *queue, struct slice payload)
{
    while (payload.len) {
        struct msg_done done;
        struct attempt *attempt;
        int r;

        arena_reset(&queue->scratch);
        r = msg_done_decode(&payload, &queue->scratch, &done);
        if (r < 0)
            return r;
        attempt = attempts_find(&queue->dispatch->attempts, done.unit);
        if (!attempt || !attempt->sent)
            continue; /* of a time before the role's restart */
        done_take(queue, attempt, &done);
        attempts_end(&queue->dispatch->attempts, attempt);
    }
    return 0;
}

/* ---- peers --------------------------------------------------------------------------------- */

void dispatch_peer_ready(struct queue *queue, enum role peer)
{
    pause_peer(queue, peer, false);
}

void dispatch_peer_lost(struct queue *queue, enum role peer)
{
    struct attempts *attempts = &queue->dispatch->attempts;

    pause_peer(queue, peer, true);
    for (uint32_t i = 0; i < attempts->n; i++) {
        struct attempt *attempt = attempts->list[i];
        if (attempt->live && attempt->sent && peer_of(attempt->way) == peer)
            take_back(queue, attempt);
    }
}
