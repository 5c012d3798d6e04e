/* See signed_fields.h. */
#include "relay/signed_fields.h"

#include "base/log.h"

static bool put_off(struct outcome *outcome, const char *why)
{
    struct verdict verdict = verdict_from_text(outcome, DONE_AGAIN, STATUS(4, 3, 0),
                                               "the message cannot be signed now: %s", why);

    outcome_decide_all(outcome, &verdict);
    return false;
}

static bool cannot_read(struct outcome *outcome, int error)
{
    struct verdict verdict =
        verdict_from_text(outcome, DONE_LATER, STATUS(4, 3, 0),
                          "the stored message could not be read: %s", log_strerror(error));

    outcome_decide_all(outcome, &verdict);
    return false;
}

static bool make(struct signed_fields *fields, bool reencoded, struct outcome *outcome)
{
    struct sign_job job = {.config = fields->config,
                           .message_id = outcome->unit->message_id,
                           .text = fields->text,
                           .reencoded = reencoded,
                           .scratch = fields->scratch,
                           .arena = outcome->arena};
    const char *why = "";
    int r = sign_message(fields->sign, &job, &fields->fields[reencoded], &why);

    if (r < 0)
        return cannot_read(outcome, r);
    if (r == SIGN_LATER)
        return put_off(outcome, why);
    fields->known[reencoded] = true;
    return true;
}

bool signed_fields_get(struct signed_fields *fields, bool reencoded, struct outcome *outcome,
                       struct slice *ret_fields)
{
    const struct msg_unit *unit = outcome->unit;

    *ret_fields = SLICE_NULL;
    if (unit->signature.len && !reencoded) {
        *ret_fields = unit->signature;
        return true;
    }
    if (!unit->ours || !fields->sign)
        return true;
    if (!fields->known[reencoded] && !make(fields, reencoded, outcome))
        return false;
    *ret_fields = fields->fields[reencoded];
    return true;
}

struct slice signed_fields_to_keep(const struct signed_fields *fields,
                                   const struct outcome *outcome)
{
    bool any_left = false;

    for (uint32_t i = 0; i < outcome->unit->n_recipients; i++) {
        enum done_kind kind = outcome->recipients[i].kind;
        any_left = any_left || (kind != DONE_OK && kind != DONE_NEVER);
    }
    if (!any_left || fields->fields[0].len > SIGN_KEEP_MAX)
        return SLICE_NULL;
    return fields->fields[0];
}
