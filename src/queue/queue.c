/*
 * The role's frame: messages of peers go to the part that they concern; after each round of events
 * the work that came together is done in one go (on_idle): records that are on disk, messages that
 * are there, times that have come, turns that may begin.
 *
 * On stop no new attempt begins; those under way have STOP_GRACE_MS to end, because what they
 * delivered and nobody wrote down would be delivered again.
 */
#include "queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/login_message.h"
#include "queue/ask.h"
#include "queue/bouncetally.h"
#include "queue/control.h"
#include "queue/dispatch.h"
#include "queue/expand.h"
#include "queue/extra.h"
#include "queue/forward.h"
#include "queue/frozen.h"
#include "queue/intake.h"
#include "queue/merge.h"
#include "queue/notice.h"
#include "queue/own_mail.h"
#include "queue/queue_metrics.h"
#include "queue/record.h"
#include "queue/rules.h"
#include "queue/settle.h"
#include "queue/suspended.h"

#include <errno.h>

enum { TICK_EVERY_MS = 1000, DUE_A_ROUND = 256, RESOLVING_MAX = 1000, STOP_GRACE_MS = 5000 };
enum { TROUBLE_WAIT_MS = 5000 };

struct role_state {
    struct queue queue;
    struct loop_timer *timer;
    uint64_t next_tell; /* queue time */
    uint64_t next_tick; /* queue time */
    uint64_t stop_at;   /* queue time, 0: not stopping */
};

uint64_t queue_now(const struct queue *queue)
{
    return QUEUE_TIME_START + clock_mono_ms() - queue->mono_start_ms;
}

/* ---- envelopes ----------------------------------------------------------------------------- */

static void hold_unreadable(struct queue *queue, struct message *message, int error)
{
    bool damaged = error == -EBADMSG || error == -EIO || error == -ENOTSUP || error == -ENOENT;

    log_error(NULL, "message-not-read", LOG_STR("message", message_id_format(message->id).text),
              LOG_ERRNO(error), LOG_STR("so", damaged ? "held" : "tried again soon"));
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        struct ledger_recipient *recipient = ledger_recipient(message, i);
        if (damaged)
            recipient_set_flags(recipient, recipient_flags(recipient) | FLAG_HELD);
        if (recipient_state(recipient) == RECIPIENT_WAITING)
            settle_again(queue, message, i, queue_now(queue) + TROUBLE_WAIT_MS);
    }
}

int queue_read_envelope(struct queue *queue, struct message *message, struct envelope *ret_envelope)
{
    int r = spool_store_envelope(queue->store, message->location, &queue->scratch, ret_envelope);

    if (r < 0)
        hold_unreadable(queue, message, r);
    else
        extra_apply_routes(message, ret_envelope);
    return r;
}

/* ---- after each round ---------------------------------------------------------------------- */

static bool run_due(struct queue *queue)
{
    struct message *message;

    for (unsigned n = 0; n < DUE_A_ROUND; n++) {
        if (answers_pending(queue->answers) > RESOLVING_MAX)
            return false; /* the next answer comes back here */
        message = ledger_pop_due(&queue->ledger, queue_now(queue));
        if (!message)
            return false;
        arena_reset(&queue->scratch);
        expand_message(queue, message, NULL);
    }
    return true;
}

static void tell_bounces(struct queue *queue)
{
    struct msg_bounced bounced;

    while (bouncetally_first(queue->bouncetally, &bounced.account, &bounced.recipients)) {
        struct buf out;
        int r;
        buf_init(&out, CHANNEL_PAYLOAD_MAX);
        msg_bounced_encode(&out, &bounced);
        r = role_send(queue->role, ROLE_AUTH, MSG_BOUNCED, buf_slice(&out), NULL, 0);
        buf_done(&out);
        if (r < 0)
            return; /* auth is away or behind: at the next tick */
        bouncetally_drop(queue->bouncetally);
    }
}

static void arm_timer(struct role_state *state)
{
    struct queue *queue = &state->queue;
    uint64_t due = ledger_next_due(&queue->ledger);

    if (due > state->next_tick)
        due = state->next_tick;
    if (due > scheduler_next_time(queue->scheduler))
        due = scheduler_next_time(queue->scheduler);
    if (due > state->next_tell)
        due = state->next_tell;
    loop_timer_arm(state->timer, due - QUEUE_TIME_START + queue->mono_start_ms);
}

static void on_idle(void *arg)
{
    struct role_state *state = arg;
    struct queue *queue = &state->queue;
    uint64_t now = queue_now(queue);
    bool tick = now >= state->next_tick, more;

    record_take_done(queue);
    own_mail_run(queue);
    if (tick) {
        state->next_tick = now + TICK_EVERY_MS;
        answers_tick(queue->answers, now);
        sites_tick(queue->sites, now);
        scheduler_tick(queue->scheduler, now);
        record_tick(queue);
        merge_tick(queue);
        notice_sweep(queue);
        tell_bounces(queue);
        suspended_tick(queue);
    }
    more = intake_poll(queue, tick);
    more = frozen_run(queue) || more;
    state->next_tell = intake_tell(queue);
    if (state->stop_at) {
        if (now >= state->stop_at || !scheduler_under_way(queue->scheduler))
            loop_stop(queue->role->loop);
    } else {
        more = run_due(queue) || more;
        dispatch_run(queue);
    }
    if (more)
        loop_wake(queue->role->loop);
    arm_timer(state);
}

/* The work is done in on_idle(); a timer and a wake-up only end the wait. */
static void on_time(void *arg)
{
    (void)arg;
}

static void go_on(struct queue *queue, struct message *message)
{
    expand_message(queue, message, NULL);
}

/* ---- what the peers say -------------------------------------------------------------------- */

static void take_done(struct queue *queue, enum role from, struct slice payload)
{
    if (dispatch_take_done(queue, payload) < 0)
        log_error(NULL, "answer-damaged", LOG_STR("peer", role_name(from)));
}

static void take_frozen(struct queue *queue, struct slice payload)
{
    if (frozen_take(queue, payload) < 0)
        log_error(NULL, "answer-damaged", LOG_STR("peer", role_name(ROLE_AUTH)));
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct queue *queue = &((struct role_state *)arg)->queue;

    if (from == ROLE_RECEIVE && message->type == MSG_DURABLE)
        intake_hint(queue, message->payload);
    else if (from == ROLE_AUTH && message->type == MSG_RESOLVED)
        ask_take_resolved(queue, message->payload);
    else if (from == ROLE_AUTH && message->type == MSG_FROZEN)
        take_frozen(queue, message->payload);
    else if ((from == ROLE_RELAY || from == ROLE_LOCAL) && message->type == MSG_DONE)
        take_done(queue, from, message->payload);
    else if (from == ROLE_RELAY && message->type == MSG_SITE)
        ask_take_site(queue, message->payload);
    else if (from == ROLE_RELAY && message->type == MSG_MAIL)
        own_mail_take(queue, message);
    else if (from == ROLE_PARENT && message->type == MSG_FILE)
        forward_take_file(queue, message);
    else if (from == ROLE_PARENT && message->type == MSG_ADMIN_REPLY)
        control_take_reply(queue->control, message->payload);
    channel_message_close_fds(message);
}

static void peer_ready(struct queue *queue, enum role peer)
{
    if (peer == ROLE_RELAY)
        sites_send_more(queue->sites);
    dispatch_peer_ready(queue, peer);
}

static void on_peer_up(void *arg, enum role peer)
{
    struct queue *queue = &((struct role_state *)arg)->queue;

    if (peer == ROLE_RECEIVE)
        intake_rescan(queue);
    else if (peer == ROLE_AUTH)
        answers_send_more(queue->answers);
    else
        peer_ready(queue, peer);
}

static void on_peer_writable(void *arg, enum role peer)
{
    struct queue *queue = &((struct role_state *)arg)->queue;

    if (peer == ROLE_AUTH)
        answers_send_more(queue->answers);
    else
        peer_ready(queue, peer);
}

static void on_peer_down(void *arg, enum role peer)
{
    struct queue *queue = &((struct role_state *)arg)->queue;

    if (peer == ROLE_RECEIVE)
        intake_rescan(queue);
    else if (peer == ROLE_AUTH)
        answers_lost(queue->answers, queue_now(queue));
    else
        dispatch_peer_lost(queue, peer);
    if (peer == ROLE_RELAY) {
        sites_lost(queue->sites);
        own_mail_relay_lost(queue);
    }
}

/* ---- configuration and status -------------------------------------------------------------- */

static bool on_config(void *arg, struct config *config, struct buf *why_not)
{
    struct queue *queue = &((struct role_state *)arg)->queue;
    struct scheduler_rules rules = rules_of_scheduler(config);

    (void)why_not;
    rules_use(queue, config);
    scheduler_set_rules(queue->scheduler, &rules);
    answers_forget(queue->answers);
    sites_forget(queue->sites);
    expand_anew(queue);
    return true;
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    queue_metrics(&((struct role_state *)arg)->queue, exposition);
}

static void on_status(void *arg, struct buf *json)
{
    const struct queue *queue = &((struct role_state *)arg)->queue;

    buf_printf(json,
               "\"messages\":%u,\"under_way\":%u,\"held_by_configuration\":%u,\"suspensions\":%u,"
               "\"delivered\":%llu,\"relayed\":%llu,\"bounces\":%llu,\"double_bounces\":%llu,",
               queue->ledger.messages.live, scheduler_under_way(queue->scheduler), queue->parked,
               suspensions_count(queue->suspensions), (unsigned long long)queue->counters.delivered,
               (unsigned long long)queue->counters.relayed,
               (unsigned long long)queue->counters.bounces,
               (unsigned long long)queue->counters.double_bounces);
}

static void on_stop(void *arg)
{
    struct role_state *state = arg;

    if (!state->stop_at)
        state->stop_at = queue_now(&state->queue) + STOP_GRACE_MS;
}

/* ---- start and end ------------------------------------------------------------------------- */

static void start_parts(struct role_state *state, struct role_context *role,
                        const struct peer_groups *groups)
{
    struct queue *queue = &state->queue;
    const struct record_events record_events = {.settled = merge_settled, .go_on = go_on};
    struct scheduler_rules rules = rules_of_scheduler(role->config);

    queue->role = role;
    queue->mono_start_ms = clock_mono_ms();
    rules_use(queue, role->config);
    arena_init(&queue->scratch);
    ledger_init(&queue->ledger);
    queue->scheduler = scheduler_new(&rules);
    ask_start(queue);
    queue->dispatch = dispatch_new();
    queue->bouncerate = bouncerate_new();
    queue->bouncetally = bouncetally_new();
    queue->frozen = frozen_new();
    queue->classify = classify_built_in();
    queue->own_mails = own_mails_new(queue);
    queue_metrics_init(&queue->times);
    queue->suspensions = suspensions_new();
    suspended_load(queue);
    queue->records = record_log_new(queue, &record_events);
    queue->control = control_new(queue, groups);
    dispatch_peer_lost(queue, ROLE_RELAY);
    dispatch_peer_lost(queue, ROLE_LOCAL);
    state->timer = loop_timer(role->loop, on_time, state);
    state->next_tick = queue_now(queue);
}

/* The committer's thread must have ended before what it reports to is freed. */
static void end_parts(struct role_state *state)
{
    struct queue *queue = &state->queue;

    intake_close(queue);
    control_free(queue->control);
    loop_timer_free(state->timer);
    record_log_free(queue->records);
    own_mails_free(queue->own_mails);
    classify_free(queue->classify);
    forward_forget_secrets(queue);
    suspensions_free(queue->suspensions);
    frozen_free(queue->frozen);
    bouncetally_free(queue->bouncetally);
    bouncerate_free(queue->bouncerate);
    dispatch_free(queue->dispatch);
    sites_free(queue->sites);
    answers_free(queue->answers);
    scheduler_free(queue->scheduler);
    ledger_done(&queue->ledger);
    arena_done(&queue->scratch);
    config_unref(queue->config);
}

int queue_main(struct role_context *role)
{
    struct role_state state = {0};
    struct role_handlers handlers = {.message = on_message,
                                     .peer_up = on_peer_up,
                                     .peer_down = on_peer_down,
                                     .peer_writable = on_peer_writable,
                                     .config = on_config,
                                     .status = on_status,
                                     .metrics = on_metrics,
                                     .stop = on_stop,
                                     .arg = &state};
    struct peer_groups groups;
    int r;

    peercred_find_groups(role->config, &groups);
    r = role->lock_in(role);
    if (r < 0)
        return r;
    start_parts(&state, role, &groups);
    r = intake_open(&state.queue);
    if (r == 0) {
        loop_on_wake(role->loop, on_time, &state);
        loop_on_idle(role->loop, on_idle, &state);
        loop_timer_arm(state.timer, clock_mono_ms());
        r = role_run(role, &handlers);
    }
    end_parts(&state);
    return r;
}
