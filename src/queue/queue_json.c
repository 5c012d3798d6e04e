/* See queue_json.h. */
#include "queue/queue_json.h"

#include "base/clock.h"
#include "queue/extra.h"
#include "queue/filter.h"
#include "queue/forward.h"
#include "queue/json_out.h"
#include "queue/lane_name.h"
#include "queue/suspended.h"
#include "queue/whither.h"

enum { WORDS_MAX = 2048 };

static uint64_t wall_of(const struct queue *queue, uint64_t at)
{
    return retry_to_wall(queue_now(queue), clock_wall_ms(), at);
}

void queue_json_message(struct buf *out, const struct message *message,
                        const struct envelope *envelope, bool brief)
{
    json_out_text(out, "id", slice_from_cstr(message_id_format(message->id).text));
    json_out_text(out, "sender", envelope->reverse_path);
    json_out_number(out, "size", envelope->size);
    json_out_number(out, "received_ms", envelope->received_ms);
    if (brief)
        return;
    json_out_number(out, "n_recipients", message->n_recipients);
    json_out_number(out, "n_open", message->n_open);
    json_out_signed(out, "priority", envelope->priority);
    json_out_text(out, "listener", envelope->listener);
    json_out_text(out, "client", envelope->client_address);
    json_out_text(out, "login", envelope->login);
}

void queue_json_details(struct buf *out, const struct queue *queue, const struct message *message,
                        const struct envelope *envelope)
{
    static const char *const rets[] = {
        [RET_DEFAULT] = "", [RET_FULL] = "FULL", [RET_HDRS] = "HDRS"};
    uint64_t expires = retry_from_tick(message->born) + queue->rules.expire_after_ms;

    json_out_text_if(out, "helo", envelope->helo);
    json_out_text_if(out, "client_name", envelope->client_name);
    json_out_text_if(out, "auth", envelope->auth);
    json_out_text_if(out, "envid", envelope->envid);
    json_out_text_if(out, "ret", slice_from_cstr(rets[envelope->ret]));
    json_out_text(out, "body", envelope->body == BODY_8BITMIME ? SLICE("8BITMIME") : SLICE("7BIT"));
    if (envelope->smtputf8)
        json_out_true(out, "smtputf8");
    if (envelope->requiretls)
        json_out_true(out, "requiretls");
    if (envelope->ours)
        json_out_true(out, "ours");
    if (envelope->hold_until_ms)
        json_out_number(out, "hold_until_ms", envelope->hold_until_ms);
    json_out_text_if(out, "hold", envelope->hold);
    json_out_text_if(out, "rules", slice_trim(envelope->verdicts));
    json_out_number(out, "expires_ms", wall_of(queue, expires));
}

/* ---- why it is not delivered yet ----------------------------------------------------------- */

static void add_suspension(struct buf *out, const struct queue *queue,
                           const struct envelope *envelope, const struct recipient *recipient,
                           const struct lane_key *lane)
{
    const struct suspension *suspension =
        lane ? suspended_find(queue, envelope, recipient, lane) : NULL;

    if (!suspension) {
        buf_add_cstr(out, "its delivery is suspended");
        return;
    }
    buf_printf(out, "%s %.*s is suspended", suspend_kind_name(suspension->kind),
               SLICE_ARG(suspension->what));
    if (suspension->reason.len)
        buf_printf(out, ": %.*s", SLICE_ARG(suspension->reason));
}

static void add_lane(struct buf *out, const char *before, const struct lane_key *lane)
{
    buf_add_cstr(out, before);
    if (lane) {
        buf_add_cstr(out, " of ");
        lane_name_add(out, lane);
    }
}

static const char *waits_because(const struct message *message,
                                 const struct ledger_recipient *recipient, uint64_t now)
{
    if (message->flags & MESSAGE_RESOLVING)
        return "its address is being looked up";
    if (message->extra && message->extra->sites)
        return "the servers of its domain are being looked up";
    if (retry_from_tick(recipient->at) <= now)
        return "it is about to be tried";
    return recipient->attempts ? "it is tried again by the schedule" : "its time has not come";
}

static void add_why(struct buf *out, const struct queue *queue, struct message *message,
                    const struct envelope *envelope, uint32_t index, const struct lane_key *lane)
{
    const struct ledger_recipient *recipient = ledger_recipient(message, index);

    if (recipient_flags(recipient) & FLAG_HELD && recipient_state(recipient) == RECIPIENT_WAITING) {
        buf_add_cstr(out, "it is held until somebody releases it");
        return;
    }
    switch (recipient_state(recipient)) {
    case RECIPIENT_WAITING:
        buf_add_cstr(out, waits_because(message, recipient, queue_now(queue)));
        break;
    case RECIPIENT_READY:
        add_lane(out, "it waits for its turn in the lane", lane);
        break;
    case RECIPIENT_UNDER_WAY:
        add_lane(out, "it is being sent in the lane", lane);
        break;
    case RECIPIENT_FAILED:
        buf_add_cstr(out, "it has failed, and the sender is about to be told");
        break;
    case RECIPIENT_PARKED:
        buf_add_cstr(out, "the configuration has no way for it");
        break;
    case RECIPIENT_SUSPENDED:
        add_suspension(out, queue, envelope, extra_recipient(message, envelope, index), lane);
        break;
    case RECIPIENT_DELIVERED:
    case RECIPIENT_RELAYED:
    case RECIPIENT_EXPANDED:
    case RECIPIENT_BOUNCED:
    case RECIPIENT_REMOVED:
        break;
    }
}

static void put_notify(struct buf *out, unsigned notify)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {{NOTIFY_NEVER, "NEVER"},
                 {NOTIFY_SUCCESS, "SUCCESS"},
                 {NOTIFY_FAILURE, "FAILURE"},
                 {NOTIFY_DELAY, "DELAY"}};
    struct buf text;

    buf_init(&text, 64);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (notify & words[i].flag)
            buf_printf(&text, "%s%s", text.len ? "," : "", words[i].word);
    }
    json_out_text_if(out, "notify", buf_slice(&text));
    buf_done(&text);
}

static void put_details(struct buf *out, struct queue *queue, struct message *message,
                        const struct envelope *envelope, uint32_t index)
{
    const struct recipient *recipient = extra_recipient(message, envelope, index);
    struct lane_key lane;
    bool known = !recipient_is_over(ledger_recipient(message, index)) &&
                 whither(queue, message, envelope, index, &lane);
    struct buf words;

    put_notify(out, recipient->notify);
    json_out_text_if(out, "orcpt", recipient->orcpt);
    json_out_text_if(out, "rerouted", recipient->route);
    if (forward_domain(queue, envelope, recipient).len &&
        !recipient_is_over(ledger_recipient(message, index)))
        json_out_text(out, "sent_as", forward_reverse_path(queue, envelope, recipient));
    buf_init(&words, WORDS_MAX);
    if (known)
        lane_name_add(&words, &lane);
    json_out_text_if(out, "lane", buf_slice(&words));
    buf_reset(&words);
    add_why(&words, queue, message, envelope, index, known ? &lane : NULL);
    json_out_text_if(out, "why", buf_slice(&words));
    buf_done(&words);
}

void queue_json_recipient(struct buf *out, struct queue *queue, struct message *message,
                          const struct envelope *envelope, uint32_t index, bool details)
{
    const struct ledger_recipient *state = ledger_recipient(message, index);
    const struct recipient *recipient = extra_recipient(message, envelope, index);
    bool held = recipient_flags(state) & FLAG_HELD;

    buf_add_char(out, '{');
    json_out_number(out, "index", index);
    json_out_text(out, "address", recipient->address);
    json_out_text(out, "state", slice_from_cstr(filter_state_name(state)));
    json_out_number(out, "attempts", state->attempts);
    if (held || recipient_state(state) == RECIPIENT_PARKED)
        json_out_text(out, "held_by", held ? SLICE("administrator") : SLICE("configuration"));
    json_out_text_if(out, "via", recipient->via);
    json_out_text_if(out, "reply", texts_get(queue->ledger.texts, state->reply));
    if (recipient_state(state) == RECIPIENT_WAITING && state->at)
        json_out_number(out, "next_ms", wall_of(queue, retry_from_tick(state->at)));
    if (details)
        put_details(out, queue, message, envelope, index);
    buf_add_char(out, '}');
}
