/*
 * Fitting a message to a server's offer. The text is looked at only where something is missing: a
 * server that offers 8BITMIME and SMTPUTF8 costs no reading.
 *
 * What the client declared is not trusted when it matters: a text declared as 7-bit is searched for
 * 8-bit bytes before it goes to a server that takes none.
 */
#include "relay/plan.h"

#include "base/log.h"
#include "mail/address.h"
#include "mail/reencode.h"

static void refuse_all(struct outcome *outcome, struct status status, const char *why,
                       struct slice server)
{
    struct verdict verdict =
        verdict_from_text(outcome, DONE_NEVER, status, "%.*s %s", SLICE_ARG(server), why);
    outcome_decide_all(outcome, &verdict);
}

static void cannot_read(struct outcome *outcome, int error)
{
    struct verdict verdict =
        verdict_from_text(outcome, DONE_LATER, STATUS(4, 3, 0),
                          "the stored message could not be read: %s", log_strerror(error));
    outcome_decide_all(outcome, &verdict);
}

static void check_size(const struct ehlo_offer *offer, struct slice server, const struct text *text,
                       struct outcome *outcome)
{
    struct verdict verdict;

    if (offer->size_max == 0 || text->length <= offer->size_max)
        return;
    verdict = verdict_from_text(
        outcome, DONE_NEVER, STATUS(5, 3, 4),
        "message of %llu bytes is larger than the %llu bytes that %.*s takes",
        (unsigned long long)text->length, (unsigned long long)offer->size_max, SLICE_ARG(server));
    outcome_decide_all(outcome, &verdict);
}

/* Addresses in UTF-8 cannot be told to this server, those in ASCII can. */
static void refuse_utf8_recipients(struct outcome *outcome, struct slice server)
{
    struct verdict verdict = verdict_from_text(
        outcome, DONE_NEVER, STATUS(5, 6, 7),
        "%.*s does not offer SMTPUTF8, which this address needs", SLICE_ARG(server));

    for (uint32_t i = 0; i < outcome->unit->n_recipients; i++) {
        const struct unit_recipient *recipient = &outcome->unit->recipients[i];
        if (!address_is_ascii(recipient->address) || !address_is_ascii(recipient->via))
            outcome_decide(outcome, i, &verdict);
    }
}

static void plan_without_utf8(struct slice server, struct text *text, struct outcome *outcome)
{
    bool header;
    int r = text_has_eightbit_header(text, &header);

    if (r < 0)
        cannot_read(outcome, r);
    else if (header || !address_is_ascii(outcome->unit->reverse_path))
        refuse_all(outcome, STATUS(5, 6, 7),
                   "does not offer SMTPUTF8, which the message's header or sender needs", server);
    else
        refuse_utf8_recipients(outcome, server);
}

/* True: the 7-bit form is to be sent. */
static bool plan_7bit(struct slice server, size_t max, struct text *text, struct outcome *outcome)
{
    bool eightbit;
    int r = text_has_eightbit(text, &eightbit);
    char why[160];

    if (r == 0 && !eightbit)
        return false;
    if (r == 0)
        r = text_reencode(text, max);
    if (r < 0) {
        cannot_read(outcome, r);
    } else if (r > 0) {
        snprintf(why, sizeof(why),
                 "does not offer 8BITMIME, and the message cannot be re-encoded: %s",
                 reencode_outcome_text((enum reencode_outcome)r));
        refuse_all(outcome, STATUS(5, 6, 3), why, server);
    }
    return r == 0;
}

struct plan plan_make(const struct ehlo_offer *offer, struct slice server, size_t max,
                      struct text *text, struct outcome *outcome)
{
    const struct msg_unit *unit = outcome->unit;
    struct plan plan = {.body_8bitmime = offer->eightbit && unit->body == BODY_8BITMIME,
                        .smtputf8 = offer->smtputf8 && unit->smtputf8};

    check_size(offer, server, text, outcome);
    if (unit->smtputf8 && !offer->smtputf8 && outcome->n_undecided)
        plan_without_utf8(server, text, outcome);
    if (!offer->eightbit && outcome->n_undecided)
        plan.reencoded = plan_7bit(server, max, text, outcome);
    return plan;
}
