/*
 * Aliases: a recipient is replaced by what it stands for. The new recipients are gathered in the
 * pass, which commits them. See expand.h for the bounds.
 */
#include "queue/expand.h"

#include "base/log.h"
#include "mail/address.h"
#include "queue/pass.h"
#include "queue/settle.h"

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

/* RFC 3461 section 5.2.7.3 (c). Who asked for nothing else wants to hear nothing more, and 0 would
 * mean that he did not say. */
static uint8_t without_success(uint8_t notify)
{
    uint8_t left = notify & (uint8_t)~NOTIFY_SUCCESS;

    return notify && !left ? NOTIFY_NEVER : left;
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
        to->notify = without_success(from->notify);
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

static void fail_as_loop(struct pass *pass, uint32_t index)
{
    struct words words = {.status = STATUS(5, 4, 6),
                          .reply = SLICE("the aliases lead in a circle or to too many addresses")};

    pass_log(pass, index, "refused", words.reply);
    settle_never(pass->queue, pass->message, index, &words);
}

static void log_expanded(const struct pass *pass, const struct recipient *from,
                         const struct route_decision *decision)
{
    log_info(NULL, "expanded", LOG_STR("message", message_id_format(pass->message->id).text),
             LOG_SLICE("to", from->address), LOG_SLICE("into", decision->targets[0]),
             LOG_INT("addresses", decision->n_targets));
}

void pass_expand(struct pass *pass, uint32_t index, const struct route_decision *decision)
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
