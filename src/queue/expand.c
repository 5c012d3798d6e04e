/*
 * A pass decides about every waiting recipient that is due. While answers are missing a pass only
 * asks. A pass that adds recipients is followed by another when their record is on disk; the depth
 * bounds them.
 *
 * In a pass, recipients for a lane are first gathered in groups (their `at` is the group's number),
 * then each group becomes a unit. Recipients that come due a little later go along, so that those
 * that failed together are tried together.
 */
#include "queue/expand.h"

#include "base/log.h"
#include "mail/address.h"
#include "queue/bouncetally.h"
#include "queue/extra.h"
#include "queue/notice.h"
#include "queue/record.h"
#include "queue/route.h"
#include "queue/settle.h"

enum { SLACK_PART = 20 /* of the first retry delay */, ASK_AGAIN_MS = 5000 };

struct group {
    struct lane *lane;
    uint32_t n;
    uint32_t unit;
    struct lane_refusal refusal;
};

struct pass {
    struct queue *queue;
    struct message *message;
    const struct envelope *envelope;
    struct record record;
    struct group *groups;
    uint32_t n_groups, groups_size;
    uint32_t *joined; /* recipients that are in a group */
    uint32_t n_joined;
    struct recipient *added; /* in this pass */
    uint32_t n_added;
    struct notice_success *expanded; /* aliases to several, for NOTIFY=SUCCESS */
    uint32_t n_expanded;
    bool retried;
    uint64_t due; /* recipients up to this queue time */
    uint64_t max_age_ms;
};

static bool is_due(const struct pass *pass, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(pass->message, index);

    return recipient_state(recipient) == RECIPIENT_WAITING &&
           !(recipient_flags(recipient) & FLAG_HELD) && retry_from_tick(recipient->at) <= pass->due;
}

static void decide(struct pass *pass, uint32_t index, struct route_decision *ret_decision)
{
    struct queue *queue = pass->queue;
    const struct recipient *recipient = extra_recipient(pass->message, pass->envelope, index);
    bool null_sender = !pass->envelope->reverse_path.len;
    const struct msg_resolved *answer;

    route_decide(queue->config, recipient, NULL, null_sender, ret_decision);
    if (ret_decision->verdict != ROUTE_ASK)
        return;
    answer = answers_find(queue->answers, recipient->address, recipient->via, pass->max_age_ms,
                          queue_now(queue));
    if (answer)
        route_decide(queue->config, recipient, answer, null_sender, ret_decision);
}

/* Asks for what is missing; true when something is. */
static bool ask(struct pass *pass)
{
    struct message *message = pass->message;
    struct answers_waiter waiter = {.number = message->id};
    uint32_t missing = 0;

    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct recipient *recipient;
        struct route_decision decision;
        if (!is_due(pass, i))
            continue;
        decide(pass, i, &decision);
        if (decision.verdict != ROUTE_ASK)
            continue;
        recipient = extra_recipient(message, pass->envelope, i);
        missing++;
        extra_of(message)->answers++;
        message->flags |= MESSAGE_RESOLVING;
        answers_ask(pass->queue->answers, recipient->address, recipient->via, waiter,
                    queue_now(pass->queue));
    }
    return missing > 0;
}

/* ---- aliases ------------------------------------------------------------------------------- */

/* The recipient that was expanded into this one, or NULL. */
static const struct recipient *parent_of(const struct pass *pass, const struct recipient *recipient)
{
    if (!recipient->via.len)
        return NULL;
    for (uint32_t i = 0; i < pass->message->n_recipients; i++) {
        const struct recipient *other = extra_recipient(pass->message, pass->envelope, i);
        if (other != recipient && slice_eq(other->address, recipient->via))
            return other;
    }
    return NULL;
}

/* 0 for one that the message came with; EXPAND_DEPTH_MAX and more is too deep. `is_ancestor`
 * becomes true when `target` is among those that led here. */
static unsigned depth_of(const struct pass *pass, const struct recipient *recipient,
                         struct slice target, bool *is_ancestor)
{
    unsigned depth = 0;

    while (depth < EXPAND_DEPTH_MAX) {
        recipient = parent_of(pass, recipient);
        if (!recipient)
            return depth;
        if (address_eq(recipient->address, target))
            *is_ancestor = true;
        depth++;
    }
    return depth;
}

static bool is_there_already(const struct pass *pass, struct slice target)
{
    for (uint32_t i = 0; i < pass->message->n_recipients; i++) {
        const struct recipient *other = extra_recipient(pass->message, pass->envelope, i);
        if (recipient_state(ledger_recipient(pass->message, i)) != RECIPIENT_EXPANDED &&
            slice_eq_nocase(other->address, target))
            return true;
    }
    for (uint32_t i = 0; i < pass->n_added; i++) {
        if (slice_eq_nocase(pass->added[i].address, target))
            return true;
    }
    return false;
}

static enum recipient_class class_of_target(const struct config *config, struct slice target)
{
    return slice_starts_with_nocase(target, SLICE("program:")) ? CLASS_LOCAL
                                                               : route_class(config, target);
}

static void add_target(struct pass *pass, const struct recipient *from, struct slice target,
                       bool alone)
{
    struct queue *queue = pass->queue;
    struct recipient *to = &pass->added[pass->n_added++];

    *to = (struct recipient){.address = arena_dup(&queue->scratch, target),
                             .orcpt = from->orcpt,
                             .via = from->address,
                             .class = class_of_target(queue->config, target),
                             .notify = from->notify};
    if (!alone)
        to->notify &= (uint8_t)~NOTIFY_SUCCESS;
}

/* An alias may name itself, which means the mailbox; auth is told by `via`. A second time it is a
 * loop like any other. */
static bool leads_back(const struct pass *pass, const struct recipient *from, struct slice target,
                       bool *ret_too_deep)
{
    bool is_ancestor = false;

    if (depth_of(pass, from, target, &is_ancestor) >= EXPAND_DEPTH_MAX)
        *ret_too_deep = true;
    return is_ancestor;
}

/* What became of a recipient before anybody was asked to take it. */
static void log_route(const struct pass *pass, uint32_t index, const char *event, struct slice why)
{
    const struct recipient *recipient = extra_recipient(pass->message, pass->envelope, index);

    log_info(NULL, event, LOG_STR("message", message_id_format(pass->message->id).text),
             LOG_SLICE("to", recipient->address), LOG_INT("recipient", index),
             LOG_SLICE("why", why));
}

static void fail_as_loop(struct pass *pass, uint32_t index)
{
    struct words words = {.status = STATUS(5, 4, 6),
                          .reply = SLICE("the aliases lead in a circle or to too many addresses")};

    log_route(pass, index, "refused", words.reply);
    settle_never(pass->queue, pass->message, index, &words);
}

static void log_expanded(const struct pass *pass, const struct recipient *from,
                         const struct route_decision *decision)
{
    log_info(NULL, "expanded", LOG_STR("message", message_id_format(pass->message->id).text),
             LOG_SLICE("to", from->address), LOG_SLICE("into", decision->targets[0]),
             LOG_INT("addresses", decision->n_targets));
}

static void expand(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    const struct recipient *from = extra_recipient(pass->message, pass->envelope, index);
    uint32_t had = pass->message->extra ? pass->message->extra->n_added : 0;
    uint32_t before = pass->n_added, loops = 0;
    bool too_deep = false;

    if (!pass->added)
        pass->added = arena_alloc(&pass->queue->scratch, EXPAND_TARGETS_MAX * sizeof(*pass->added));
    if (decision->n_targets > EXPAND_TARGETS_MAX ||
        had + before + decision->n_targets > EXPAND_TARGETS_MAX) {
        fail_as_loop(pass, index);
        return;
    }
    for (uint32_t i = 0; i < decision->n_targets; i++) {
        struct slice target = decision->targets[i];
        bool itself = address_eq(target, from->address);
        if (leads_back(pass, from, target, &too_deep) || too_deep)
            loops++;
        else if (itself || !is_there_already(pass, target))
            add_target(pass, from, target, decision->n_targets == 1);
    }
    if (too_deep || loops == decision->n_targets) {
        pass->n_added = before;
        fail_as_loop(pass, index);
        return;
    }
    log_expanded(pass, from, decision);
    ledger_set_state(pass->message, index, RECIPIENT_EXPANDED, 0);
    record_recipient(&pass->record, index, SLICE_NULL);
    pass->queue->counters.expanded++;
    if (decision->n_targets < 2 || !(from->notify & NOTIFY_SUCCESS))
        return;
    if (!pass->expanded)
        pass->expanded = arena_alloc(&pass->queue->scratch,
                                     pass->message->n_recipients * sizeof(*pass->expanded));
    pass->expanded[pass->n_expanded++] = (struct notice_success){.index = index, .expanded = true};
}

/* The record of this pass's expansions goes out; the new recipients are there for the next. */
static void commit_added(struct pass *pass)
{
    struct message *message = pass->message;
    uint32_t first = message->n_recipients;

    if (pass->n_expanded)
        notice_add_success(&pass->record, pass->envelope, pass->expanded, pass->n_expanded);
    if (pass->n_added) {
        extra_add_recipients(message, pass->added, pass->n_added);
        ledger_add_recipients(message, pass->n_added);
        record_added(&pass->record, pass->added, pass->n_added, first);
    }
    record_commit(&pass->record);
}

/* ---- lanes --------------------------------------------------------------------------------- */

static void join_group(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    struct lane *lane = scheduler_lane(pass->queue->scheduler, &decision->lane, &decision->rules);
    uint32_t i = 0;

    while (i < pass->n_groups && pass->groups[i].lane != lane)
        i++;
    if (i == pass->groups_size) {
        struct group *old = pass->groups;
        pass->groups_size = pass->groups_size ? pass->groups_size * 2 : 4;
        pass->groups =
            arena_alloc(&pass->queue->scratch, pass->groups_size * sizeof(*pass->groups));
        if (old)
            memcpy(pass->groups, old, pass->n_groups * sizeof(*old));
    }
    if (i == pass->n_groups)
        pass->groups[pass->n_groups++] = (struct group){.lane = lane};
    pass->groups[i].n++;
    pass->retried = pass->retried || ledger_recipient(pass->message, index)->attempts > 0;
    pass->joined[pass->n_joined++] = index;
    ledger_set_state(pass->message, index, RECIPIENT_READY, i);
}

static void make_units(struct pass *pass)
{
    struct unit_order order = {.message = pass->message->handle,
                               .sender = (uint32_t)slice_hash(pass->envelope->reverse_path),
                               .priority = pass->envelope->priority,
                               .retried = pass->retried};

    for (uint32_t i = 0; i < pass->n_groups; i++) {
        struct group *group = &pass->groups[i];
        group->unit = scheduler_add(pass->queue->scheduler, group->lane, &order, group->n,
                                    queue_now(pass->queue), &group->refusal);
    }
}

static void enter_lane(struct pass *pass, uint32_t index)
{
    const struct group *group = &pass->groups[ledger_recipient(pass->message, index)->at];

    if (group->unit)
        ledger_set_state(pass->message, index, RECIPIENT_READY, group->unit);
    else if (group->refusal.down)
        settle_put_off(pass->queue, pass->message, index, group->refusal.until);
    else
        settle_again(pass->queue, pass->message, index, group->refusal.until);
}

/* ---- the pass ------------------------------------------------------------------------------ */

static void park(struct pass *pass, uint32_t index, struct slice why)
{
    const struct recipient *recipient = extra_recipient(pass->message, pass->envelope, index);
    struct message_id_text id = message_id_format(pass->message->id);

    log_error(NULL, "held-by-configuration", LOG_STR("message", id.text),
              LOG_SLICE("to", recipient->address), LOG_SLICE("why", why));
    ledger_set_reply(&pass->queue->ledger, ledger_recipient(pass->message, index), why);
    ledger_set_state(pass->message, index, RECIPIENT_PARKED, 0);
    pass->queue->parked++;
}

static void apply(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    struct words words = {.status = decision->status, .reply = decision->text};

    switch (decision->verdict) {
    case ROUTE_LANE:
        join_group(pass, index, decision);
        break;
    case ROUTE_EXPAND:
        expand(pass, index, decision);
        break;
    case ROUTE_FAIL:
        log_route(pass, index, "refused", decision->text);
        settle_never(pass->queue, pass->message, index, &words);
        bouncetally_add(pass->queue->bouncetally, pass->envelope->login, 1);
        break;
    case ROUTE_LATER:
        log_route(pass, index, "deferred", decision->text);
        settle_later(pass->queue, pass->message, index, &words, 0);
        record_recipient(&pass->record, index, decision->text);
        break;
    case ROUTE_PARK:
        park(pass, index, decision->text);
        break;
    case ROUTE_AGAIN:
    case ROUTE_ASK: /* the answer grew too old meanwhile */
        settle_again(pass->queue, pass->message, index, queue_now(pass->queue) + ASK_AGAIN_MS);
        break;
    }
}

/* False while answers are missing, or recipients that were added are not on disk yet. */
static bool run_pass(struct pass *pass)
{
    struct message *message = pass->message;
    uint32_t n = message->n_recipients;

    if (ask(pass))
        return false;
    record_begin(pass->queue, message, &pass->record);
    pass->joined = arena_alloc(&pass->queue->scratch, n * sizeof(*pass->joined) + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct route_decision decision;
        if (!is_due(pass, i))
            continue;
        decide(pass, i, &decision);
        apply(pass, i, &decision);
    }
    make_units(pass);
    for (uint32_t i = 0; i < pass->n_joined; i++)
        enter_lane(pass, pass->joined[i]);
    commit_added(pass);
    return !pass->n_added;
}

static void route_message(struct queue *queue, struct message *message,
                          const struct envelope *envelope, uint64_t max_age_ms)
{
    struct pass pass = {.queue = queue,
                        .message = message,
                        .envelope = envelope,
                        .due = queue_now(queue) + queue->rules.first_ms / SLACK_PART,
                        .max_age_ms = max_age_ms};
    struct envelope read;

    if (!envelope) {
        if (queue_read_envelope(queue, message, &read) < 0)
            return;
        pass.envelope = &read;
    }
    if (!run_pass(&pass))
        return;
    expand_schedule(queue, message);
    notice_check(queue, message);
}

static bool has_due(struct message *message, uint64_t due)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_state(recipient) == RECIPIENT_WAITING &&
            !(recipient_flags(recipient) & FLAG_HELD) && retry_from_tick(recipient->at) <= due)
            return true;
    }
    return false;
}

void expand_message(struct queue *queue, struct message *message, const struct envelope *envelope)
{
    if (message->flags & MESSAGE_RESOLVING || (message->extra && message->extra->added_in))
        return;
    if (has_due(message, queue_now(queue))) {
        route_message(queue, message, envelope, ANSWERS_FRESH_MS);
        return;
    }
    expand_schedule(queue, message);
    notice_check(queue, message);
}

void expand_answered(struct queue *queue, uint64_t message_id)
{
    struct message *message = ledger_find(&queue->ledger, message_id);

    if (!message || !message->extra || --message->extra->answers > 0)
        return;
    message->flags &= (uint8_t)~MESSAGE_RESOLVING;
    arena_reset(&queue->scratch);
    route_message(queue, message, NULL, ANSWERS_KEEP_MS);
}

void expand_schedule(struct queue *queue, struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_state(recipient) == RECIPIENT_WAITING &&
            !(recipient_flags(recipient) & FLAG_HELD))
            ledger_set_due(&queue->ledger, message, retry_from_tick(recipient->at));
    }
}

static void route_anew(struct queue *queue, struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        enum recipient_state state = recipient_state(recipient);
        if (state == RECIPIENT_READY)
            scheduler_withdraw(queue->scheduler, recipient->at, 1);
        if (state == RECIPIENT_READY || state == RECIPIENT_PARKED)
            settle_again(queue, message, i, 0);
    }
}

void expand_anew(struct queue *queue)
{
    struct message *message;
    uint32_t handle = 0;

    queue->parked = 0;
    while ((message = ledger_next(&queue->ledger, &handle)))
        route_anew(queue, message);
}
