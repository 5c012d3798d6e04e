/*
 * Verdicts and who they are about. The mapping of replies is that of RFC 5321 section 4.2.1: the
 * first digit alone says whether to try again; the enhanced code (RFC 2034) is the server's if it
 * has one of the same class, otherwise it follows from the basic code.
 */
#include "relay/outcome.h"

#include "io/channel.h"

/* The overhead of a message is mostly the signature that it may bring (SIGN_KEEP_MAX). */
enum { WORDS_MAX = 1024, WORDS_MIN = 64, RECIPIENT_OVERHEAD = 48, MESSAGE_OVERHEAD = 16 * 1024 };

void outcome_init(struct outcome *outcome, struct arena *arena, const struct msg_unit *unit)
{
    size_t n = unit->n_recipients;
    size_t share = (CHANNEL_PAYLOAD_MAX - MESSAGE_OVERHEAD) / (n ? n : 1);

    *outcome = (struct outcome){
        .arena = arena, .unit = unit, .n_undecided = unit->n_recipients, .words_max = WORDS_MAX};
    if (share < WORDS_MAX + RECIPIENT_OVERHEAD)
        outcome->words_max =
            share > WORDS_MIN + RECIPIENT_OVERHEAD ? share - RECIPIENT_OVERHEAD : WORDS_MIN;
    outcome->recipients = arena_alloc(arena, n * sizeof(*outcome->recipients));
    outcome->states = arena_alloc(arena, n);
    for (uint32_t i = 0; i < n; i++)
        outcome->recipients[i].index = unit->recipients[i].index;
}

static struct slice status_text(const struct outcome *outcome, struct status status)
{
    struct status_text text = status_format(status);
    return arena_dup(outcome->arena, slice_from_cstr(text.text));
}

struct verdict verdict_from_reply(const struct outcome *outcome, const struct reply_parse *reply)
{
    struct verdict verdict = {.kind = DONE_LATER};
    struct slice text = reply_text(reply);
    struct buf words;

    if (reply->code / 100 == 2)
        verdict.kind = DONE_OK;
    else if (reply->code / 100 == 5)
        verdict.kind = DONE_NEVER;
    verdict.status = status_text(outcome, status_of_reply(reply->code, slice_cut(&text, '\n')));
    buf_init(&words, REPLY_TEXT_MAX + 16);
    reply_add_words(&words, reply);
    verdict.words = arena_dup(outcome->arena, slice_sub(buf_slice(&words), 0, outcome->words_max));
    buf_done(&words);
    return verdict;
}

void verdict_put_off(struct verdict *verdict, struct slice status)
{
    verdict->kind = DONE_LATER;
    verdict->status = status;
}

struct verdict verdict_from_text(const struct outcome *outcome, enum done_kind kind,
                                 struct status status, const char *format, ...)
{
    struct verdict verdict = {.kind = kind, .status = status_text(outcome, status)};
    struct buf words;
    va_list args;

    buf_init(&words, REPLY_TEXT_MAX);
    va_start(args, format);
    buf_vprintf(&words, format, args);
    va_end(args);
    verdict.words = arena_dup(outcome->arena, slice_sub(buf_slice(&words), 0, outcome->words_max));
    buf_done(&words);
    return verdict;
}

static void set(struct outcome *outcome, uint32_t i, const struct verdict *verdict,
                enum outcome_state state)
{
    struct done_recipient *recipient = &outcome->recipients[i];

    if (outcome->states[i] == OUTCOME_DECIDED)
        return;
    recipient->kind = verdict->kind;
    recipient->status = verdict->status;
    recipient->reply = verdict->words;
    outcome->states[i] = (uint8_t)state;
    if (state == OUTCOME_DECIDED)
        outcome->n_undecided--;
}

void outcome_decide(struct outcome *outcome, uint32_t recipient, const struct verdict *verdict)
{
    set(outcome, recipient, verdict, OUTCOME_DECIDED);
}

void outcome_decide_all(struct outcome *outcome, const struct verdict *verdict)
{
    for (uint32_t i = 0; i < outcome->unit->n_recipients; i++) {
        if (outcome->states[i] == OUTCOME_OPEN)
            set(outcome, i, verdict, OUTCOME_DECIDED);
    }
    outcome_settle(outcome);
}

void outcome_postpone(struct outcome *outcome, uint32_t recipient, const struct verdict *verdict)
{
    set(outcome, recipient, verdict, OUTCOME_POSTPONED);
}

void outcome_settle(struct outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->unit->n_recipients; i++) {
        if (outcome->states[i] == OUTCOME_POSTPONED) {
            outcome->states[i] = OUTCOME_DECIDED;
            outcome->n_undecided--;
        }
    }
}
