/* See filter.h. */
#include "queue/filter.h"

#include "mail/address.h"
#include "queue/extra.h"

static const char *read_text(const json_t *request, const char *name, struct slice *ret_text)
{
    const json_t *value = json_object_get(request, name);

    if (!value)
        return NULL;
    if (!json_is_string(value))
        return "sender, recipient, domain and state must be strings";
    *ret_text = slice_from(json_string_value(value), json_string_length(value));
    return NULL;
}

static const char *read_id(const json_t *request, struct filter *filter)
{
    struct slice text = SLICE_NULL;
    const char *wrong = read_text(request, "id", &text);

    if (wrong)
        return "id must be a string";
    filter->has_id = json_object_get(request, "id") != NULL;
    if (filter->has_id && !message_id_parse(text, &filter->id))
        return "that is no message id (13 letters and digits)";
    return NULL;
}

const char *filter_read(const json_t *request, struct filter *ret_filter)
{
    struct filter filter = {.all = json_is_true(json_object_get(request, "all")),
                            .has_sender = json_object_get(request, "sender") != NULL};
    const char *wrong = read_id(request, &filter);

    if (!wrong)
        wrong = read_text(request, "sender", &filter.sender);
    if (!wrong)
        wrong = read_text(request, "recipient", &filter.recipient);
    if (!wrong)
        wrong = read_text(request, "domain", &filter.domain);
    if (!wrong)
        wrong = read_text(request, "state", &filter.state);
    if (slice_eq(filter.sender, SLICE("<>")))
        filter.sender = SLICE_NULL;
    *ret_filter = filter;
    return wrong;
}

bool filter_is_given(const struct filter *filter)
{
    return filter->all || filter->has_id || filter->has_sender || filter->recipient.len ||
           filter->domain.len || filter->state.len;
}

bool filter_needs_envelope(const struct filter *filter)
{
    return filter->has_sender || filter->recipient.len || filter->domain.len;
}

bool filter_takes_message(const struct filter *filter, const struct envelope *envelope)
{
    if (!filter->has_sender || slice_eq_nocase(filter->sender, envelope->reverse_path))
        return true;
    return filter->sender.len && slice_eq_nocase(filter->sender, envelope->login);
}

const char *filter_state_name(const struct ledger_recipient *recipient)
{
    static const char *const names[] = {
        [RECIPIENT_WAITING] = "waiting",   [RECIPIENT_READY] = "ready",
        [RECIPIENT_UNDER_WAY] = "sending", [RECIPIENT_FAILED] = "failed",
        [RECIPIENT_PARKED] = "held",       [RECIPIENT_DELIVERED] = "delivered",
        [RECIPIENT_RELAYED] = "relayed",   [RECIPIENT_EXPANDED] = "expanded",
        [RECIPIENT_BOUNCED] = "bounced",   [RECIPIENT_REMOVED] = "removed"};
    enum recipient_state state = recipient_state(recipient);

    if (state == RECIPIENT_WAITING && recipient_flags(recipient) & FLAG_HELD)
        return "held";
    return names[state];
}

static bool address_fits(const struct filter *filter, struct slice address)
{
    if (filter->recipient.len && !slice_eq_nocase(filter->recipient, address))
        return false;
    return !filter->domain.len || slice_eq_nocase(filter->domain, address_domain(address));
}

bool filter_takes_recipient(const struct filter *filter, struct message *message,
                            const struct envelope *envelope, uint32_t index)
{
    const struct ledger_recipient *recipient = ledger_recipient(message, index);

    if (recipient_is_over(recipient))
        return false;
    if (filter->state.len &&
        !slice_eq(filter->state, slice_from_cstr(filter_state_name(recipient))))
        return false;
    if (!filter->recipient.len && !filter->domain.len)
        return true;
    return address_fits(filter, extra_recipient(message, envelope, index)->address);
}
