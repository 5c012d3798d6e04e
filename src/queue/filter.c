/*
 * See filter.h. What the ledger knows is asked first, because an envelope is read from the spool.
 */
#include "queue/filter.h"

#include "mail/address.h"
#include "queue/extra.h"
#include "queue/lane_name.h"
#include "queue/pattern.h"
#include "queue/whither.h"

static const char *read_texts(const json_t *request, struct filter *filter)
{
    const struct {
        const char *name;
        struct slice *text;
    } texts[] = {{"sender", &filter->sender}, {"recipient", &filter->recipient},
                 {"domain", &filter->domain}, {"lane", &filter->lane},
                 {"reply", &filter->reply},   {"state", &filter->state}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const json_t *value = json_object_get(request, texts[i].name);
        if (value && !json_is_string(value))
            return "sender, recipient, domain, lane, reply and state must be strings";
        if (value)
            *texts[i].text = slice_from(json_string_value(value), json_string_length(value));
    }
    return NULL;
}

static const char *read_age(const json_t *request, const char *name, bool *ret_has,
                            uint64_t *ret_ms)
{
    const json_t *value = json_object_get(request, name);

    *ret_has = value != NULL;
    if (!value)
        return NULL;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return "older_ms and newer_ms must be numbers from 0 on";
    *ret_ms = (uint64_t)json_integer_value(value);
    return NULL;
}

static const char *read_id(const json_t *request, struct filter *filter)
{
    const json_t *value = json_object_get(request, "id");

    filter->has_id = value != NULL;
    if (value && !json_is_string(value))
        return "id must be a string";
    if (value && !message_id_parse(slice_from_cstr(json_string_value(value)), &filter->id))
        return "that is no message id (13 letters and digits)";
    return NULL;
}

static const char *check_state(struct slice state)
{
    static const char *const names[] = {"waiting", "ready", "sending",
                                        "failed",  "held",  "suspended"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!state.len || slice_eq(state, slice_from_cstr(names[i])))
            return NULL;
    }
    return "there is no such state: say waiting, ready, sending, failed, held or suspended";
}

const char *filter_read(const json_t *request, struct filter *ret_filter)
{
    struct filter filter = {.all = json_is_true(json_object_get(request, "all")),
                            .has_sender = json_object_get(request, "sender") != NULL};
    const char *wrong = read_id(request, &filter);

    if (!wrong)
        wrong = read_texts(request, &filter);
    if (!wrong)
        wrong = read_age(request, "older_ms", &filter.has_older, &filter.older_ms);
    if (!wrong)
        wrong = read_age(request, "newer_ms", &filter.has_newer, &filter.newer_ms);
    if (!wrong)
        wrong = check_state(filter.state);
    if (slice_eq(filter.sender, SLICE("<>")))
        filter.sender = SLICE_NULL;
    *ret_filter = filter;
    return wrong;
}

bool filter_is_given(const struct filter *filter)
{
    return filter->all || filter->has_id || filter->has_sender || filter->recipient.len ||
           filter->domain.len || filter->lane.len || filter->reply.len || filter->state.len ||
           filter->has_older || filter->has_newer;
}

bool filter_needs_envelope(const struct filter *filter)
{
    return filter->has_sender || filter->recipient.len || filter->domain.len || filter->lane.len;
}

bool filter_takes_message(const struct filter *filter, const struct envelope *envelope)
{
    if (!filter->has_sender)
        return true;
    if (!filter->sender.len || !envelope->reverse_path.len)
        return filter->sender.len
                   ? envelope->login.len && pattern_fits(filter->sender, envelope->login)
                   : !envelope->reverse_path.len;
    return pattern_fits(filter->sender, envelope->reverse_path) ||
           (envelope->login.len && pattern_fits(filter->sender, envelope->login));
}

const char *filter_state_name(const struct ledger_recipient *recipient)
{
    static const char *const names[] = {
        [RECIPIENT_WAITING] = "waiting",     [RECIPIENT_READY] = "ready",
        [RECIPIENT_UNDER_WAY] = "sending",   [RECIPIENT_FAILED] = "failed",
        [RECIPIENT_PARKED] = "held",         [RECIPIENT_SUSPENDED] = "suspended",
        [RECIPIENT_DELIVERED] = "delivered", [RECIPIENT_RELAYED] = "relayed",
        [RECIPIENT_EXPANDED] = "expanded",   [RECIPIENT_BOUNCED] = "bounced",
        [RECIPIENT_REMOVED] = "removed"};

    if (recipient_flags(recipient) & FLAG_HELD && recipient_state(recipient) == RECIPIENT_WAITING)
        return "held";
    return names[recipient_state(recipient)];
}

/* What the ledger says of one recipient. */
static bool state_fits(const struct filter *filter, const struct queue *queue,
                       const struct ledger_recipient *recipient)
{
    if (recipient_is_over(recipient))
        return false;
    if (filter->state.len &&
        !slice_eq(filter->state, slice_from_cstr(filter_state_name(recipient))))
        return false;
    return !filter->reply.len ||
           pattern_is_in(filter->reply, texts_get(queue->ledger.texts, recipient->reply));
}

static bool age_fits(const struct filter *filter, const struct message *message, uint64_t now)
{
    uint64_t born = retry_from_tick(message->born), age = now > born ? now - born : 0;

    return (!filter->has_older || age >= filter->older_ms) &&
           (!filter->has_newer || age <= filter->newer_ms);
}

bool filter_may_take(const struct filter *filter, const struct queue *queue,
                     struct message *message, uint64_t now)
{
    if (!message->n_open || !age_fits(filter, message, now))
        return false;
    if (!filter->state.len && !filter->reply.len)
        return true;
    for (uint32_t i = 0; i < message->n_recipients; i++) {
        if (state_fits(filter, queue, ledger_recipient(message, i)))
            return true;
    }
    return false;
}

static bool lane_fits(const struct filter *filter, struct queue *queue, struct message *message,
                      const struct envelope *envelope, uint32_t index)
{
    struct lane_key lane;

    return whither(queue, message, envelope, index, &lane) && lane_name_fits(filter->lane, &lane);
}

bool filter_takes_recipient(const struct filter *filter, struct queue *queue,
                            struct message *message, const struct envelope *envelope,
                            uint32_t index)
{
    struct slice address;

    if (!state_fits(filter, queue, ledger_recipient(message, index)))
        return false;
    if (!filter->recipient.len && !filter->domain.len && !filter->lane.len)
        return true;
    address = extra_recipient(message, envelope, index)->address;
    if (filter->recipient.len && !pattern_fits(filter->recipient, address))
        return false;
    if (filter->domain.len && !pattern_fits(filter->domain, address_domain(address)))
        return false;
    return !filter->lane.len || lane_fits(filter, queue, message, envelope, index);
}
