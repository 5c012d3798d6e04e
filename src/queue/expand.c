/*
 * A pass decides about every waiting recipient that is due. While answers are missing a pass only
 * asks. A pass that adds recipients is followed by another when their record is on disk; the depth
 * bounds them.
 *
 * In a pass, recipients for a lane are first gathered in groups (their `at` is the group's number),
 * then each group becomes a unit. Recipients whose site is asked for wait for it by themselves:
 * until all answers are there, or for a moment, after which those go whose answer is. Recipients
 * that come due a little later go along, so that those that failed together are tried together.
 */
#include "queue/expand.h"

#include "base/log.h"
#include "queue/bouncetally.h"
#include "queue/decide.h"
#include "queue/done_log.h"
#include "queue/forward.h"
#include "queue/pass.h"
#include "queue/settle.h"
#include "queue/suspended.h"

enum { ASK_AGAIN_MS = 5000 };
/* Of a question for a site: how long the other recipients that wait for one wait for it, at first.
 * It doubles while there is no answer. */
enum { PATIENCE_MS = 1000, SITES_FULL_MS = 5000 };

void pass_log(const struct pass *pass, uint32_t index, const char *event, struct slice why)
{
    const struct recipient *recipient = extra_recipient(pass->message, pass->envelope, index);

    log_info(NULL, event, LOG_STR("message", message_id_format(pass->message->id).text),
             LOG_SLICE("to", recipient->address), LOG_INT("recipient", index),
             LOG_SLICE("why", why));
}

static bool is_due(const struct pass *pass, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(pass->message, index);

    return recipient_is_timed(recipient) && retry_from_tick(recipient->at) <= pass->due;
}

static void decide(struct pass *pass, uint32_t index, struct route_decision *ret_decision)
{
    decide_recipient(pass->queue, extra_recipient(pass->message, pass->envelope, index),
                     pass->envelope, pass->max_age_ms, ret_decision);
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

/* ---- lanes --------------------------------------------------------------------------------- */

static void join_group(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    struct lane *lane = scheduler_lane(pass->queue->scheduler, &decision->lane, &decision->rules);
    struct slice rewritten_at = forward_domain(
        pass->queue, pass->envelope, extra_recipient(pass->message, pass->envelope, index));
    uint32_t i = 0;

    while (i < pass->n_groups &&
           (pass->groups[i].lane != lane || !slice_eq(pass->groups[i].rewritten_at, rewritten_at)))
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
        pass->groups[pass->n_groups++] = (struct group){.lane = lane, .rewritten_at = rewritten_at};
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

static void put_off(const struct pass *pass, uint32_t index, const struct group *group)
{
    settle_put_off(pass->queue, pass->message, index, group->refusal.until);
    done_log_put_off(pass->queue, pass->message, index, scheduler_key_of(group->lane));
}

static void enter_lane(struct pass *pass, uint32_t index)
{
    const struct group *group = &pass->groups[ledger_recipient(pass->message, index)->at];

    if (group->unit)
        ledger_set_state(pass->message, index, RECIPIENT_READY, group->unit);
    else if (group->refusal.down)
        put_off(pass, index, group);
    else
        settle_again(pass->queue, pass->message, index, group->refusal.until);
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

static bool is_taken(struct message *message, uint32_t tick)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_state(recipient) == RECIPIENT_WAITING && recipient->at == tick)
            return true;
    }
    return false;
}

/* The tick until which those that wait for a site wait. All of a message share it, and nobody else
 * has it, so that it tells them apart when the answers are there. */
static uint32_t patience(const struct pass *pass, uint64_t since)
{
    uint64_t now = queue_now(pass->queue), asked = now - since;
    uint32_t tick = pass->message->extra->sites_at;

    if (tick > retry_tick(now))
        return tick;
    tick = retry_tick(now + (asked > PATIENCE_MS ? asked : PATIENCE_MS));
    while (is_taken(pass->message, tick))
        tick++;
    return tick;
}

static void wait_for_site(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    struct message *message = pass->message;
    struct message_extra *extra = extra_of(message);
    uint64_t now = queue_now(pass->queue), since;

    if (!sites_ask(pass->queue->sites, decision->lane.name, decision->domain, message->id, now,
                   &since)) {
        settle_again(pass->queue, message, index,
                     now + SITES_FULL_MS + table_mix(message->id + index) % SITES_FULL_MS);
        return;
    }
    extra->sites++;
    extra->sites_at = patience(pass, since);
    ledger_set_state(message, index, RECIPIENT_WAITING, extra->sites_at);
    ledger_set_due(&pass->queue->ledger, message, retry_from_tick(extra->sites_at));
}

/* False: nothing speaks against its lane. */
static bool suspend(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    const struct suspension *suspension =
        suspended_find(pass->queue, pass->envelope,
                       extra_recipient(pass->message, pass->envelope, index), &decision->lane);

    if (!suspension)
        return false;
    settle_suspended(pass->queue, pass->message, index,
                     suspension->reason.len ? suspension->reason
                                            : SLICE("its delivery was suspended"));
    return true;
}

static void apply(struct pass *pass, uint32_t index, const struct route_decision *decision)
{
    struct words words = {.status = decision->status, .reply = decision->text};

    switch (decision->verdict) {
    case ROUTE_LANE:
        if (!suspend(pass, index, decision))
            join_group(pass, index, decision);
        break;
    case ROUTE_EXPAND:
        pass_expand(pass, index, decision);
        break;
    case ROUTE_FAIL:
        pass_log(pass, index, "refused", decision->text);
        settle_never(pass->queue, pass->message, index, &words);
        bouncetally_add(pass->queue->bouncetally, pass->envelope->login, 1);
        break;
    case ROUTE_LATER:
        pass_log(pass, index, "deferred", decision->text);
        settle_later(pass->queue, pass->message, index, &words, 0);
        record_recipient(&pass->record, index, decision->text);
        break;
    case ROUTE_PARK:
        park(pass, index, decision->text);
        break;
    case ROUTE_SITE:
        wait_for_site(pass, index, decision);
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
                        .due = queue_now(queue) + queue->rules.first_ms / EXPAND_SLACK_PART,
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
        if (recipient_is_timed(recipient) && retry_from_tick(recipient->at) <= due)
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

void expand_site_answered(struct queue *queue, uint64_t message_id)
{
    struct message *message = ledger_find(&queue->ledger, message_id);

    if (!message || !message->extra || --message->extra->sites > 0)
        return;
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_state(recipient) == RECIPIENT_WAITING &&
            recipient->at == message->extra->sites_at)
            ledger_set_state(message, i, RECIPIENT_WAITING, 0);
    }
    ledger_set_due(&queue->ledger, message, queue_now(queue) - TICK_MS);
    message->extra->sites_at = 0;
    extra_free_if_empty(message);
}

void expand_schedule(struct queue *queue, struct message *message)
{
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (recipient_is_timed(recipient))
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
        if (state == RECIPIENT_READY || state == RECIPIENT_PARKED || state == RECIPIENT_SUSPENDED)
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
