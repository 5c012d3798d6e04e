/*
 * See learn.h. What a class means for recipient, lane and source is one table.
 *
 * A source is suspended for a lane only, and only if the route has another one that is not;
 * otherwise the lane rests, and one message after each rest asks whether it is over. So a listing
 * costs few bounces: the rest of the mail waits.
 */
#include "queue/learn.h"

#include "base/log.h"
#include "queue/advice.h"
#include "queue/expand.h"
#include "queue/lane_memory.h"
#include "queue/table.h"

enum {
    MINUTE_MS = 60 * 1000,
    GREYLIST_GUESS_MS = 5 * MINUTE_MS + 30 * 1000, /* most programs wait for five minutes */
    GREYLIST_LEAST_MS = 30 * 1000,
    GREYLIST_MOST_MS = 4 * 60 * MINUTE_MS,
    GREYLIST_SLACK_MS = 5 * 1000, /* their clock is not ours */
    IPV4_FOR_MS = 24 * 60 * MINUTE_MS,
    NO_SOURCE_REST_MS = 10 * MINUTE_MS,
    LIMIT_WAIT_MS = 30 * MINUTE_MS,
};

struct effect {
    bool harmless;      /* says nothing of how much mail the site takes */
    bool slows;         /* the lane sends one at a time and rests */
    bool greylisted;    /* tried again when the words say */
    bool wants_name;    /* over IPv4 from now on, if that was IPv6 */
    bool seldom;        /* the longest delay of the schedule */
    uint64_t wait_ms;   /* at least */
    uint64_t blames_ms; /* the source is suspended for so long */
};

static const struct effect effects[ANSWER_CLASSES] = {
    [ANSWER_GREYLISTED] = {.harmless = true, .greylisted = true},
    [ANSWER_RATE_LIMITED] = {.slows = true},
    [ANSWER_BUSY] = {.slows = true},
    [ANSWER_REPUTATION] = {.blames_ms = 60 * MINUTE_MS},
    [ANSWER_BLOCKLISTED] = {.blames_ms = 4 * 60 * MINUTE_MS},
    [ANSWER_AUTHENTICATION] = {.harmless = true},
    [ANSWER_REVERSE_DNS] = {.wants_name = true},
    [ANSWER_SENDER] = {.harmless = true},
    [ANSWER_TLS_REQUIRED] = {.harmless = true},
    [ANSWER_MAILBOX_FULL] = {.harmless = true, .seldom = true},
    [ANSWER_MAILBOX_DISABLED] = {.harmless = true},
    [ANSWER_UNKNOWN_USER] = {.harmless = true},
    [ANSWER_RECEIVING_LIMIT] = {.harmless = true, .wait_ms = LIMIT_WAIT_MS},
    [ANSWER_TOO_LARGE] = {.harmless = true},
    [ANSWER_CONTENT] = {.harmless = true},
};

/* ---- one recipient ------------------------------------------------------------------------- */

/* Never too early: others of the message that are due may take it along. */
static uint64_t greylist_ms(const struct queue *queue, const struct answer_verdict *verdict,
                            uint64_t seed)
{
    uint64_t ms = verdict->retry_ms ? verdict->retry_ms : GREYLIST_GUESS_MS;

    if (ms < GREYLIST_LEAST_MS)
        ms = GREYLIST_LEAST_MS;
    if (ms > GREYLIST_MOST_MS)
        ms = GREYLIST_MOST_MS;
    return ms + GREYLIST_SLACK_MS + queue->rules.first_ms / EXPAND_SLACK_PART +
           table_mix(seed) % (ms / 20);
}

static struct lesson lesson_of(struct queue *queue, const struct attempt *attempt,
                               const struct answer_verdict *verdict)
{
    const struct effect *effect = &effects[verdict->class];
    uint64_t now = queue_now(queue);
    struct lesson lesson = {.class = verdict->class,
                            .known = true,
                            .blames = effect->blames_ms > 0,
                            .harmless = effect->harmless,
                            .stop = verdict->certain};

    if (effect->greylisted)
        lesson.retry_at =
            now + greylist_ms(queue, verdict, ledger_at(&queue->ledger, attempt->message)->id);
    if (effect->seldom)
        lesson.not_before = now + queue->rules.max_ms;
    if (effect->wait_ms)
        lesson.not_before = now + effect->wait_ms;
    return lesson;
}

/* ---- the lane ------------------------------------------------------------------------------ */

static bool is_ipv6(struct slice remote)
{
    ptrdiff_t at = slice_find(remote, '[');

    return at >= 0 && slice_find(slice_sub(slice_skip(remote, (size_t)at), 0, 6), ':') > 0;
}

static bool is_ipv6_address(struct slice address)
{
    return slice_find(address, ':') >= 0;
}

/* An address of the route that may be used there instead of this one, of the same kind. */
static bool has_other_source(struct queue *queue, const struct lane_key *lane,
                             const struct lane_memory *memory, struct slice instead_of)
{
    const struct config_route *route = config_find_route(queue->config, lane->name);

    for (size_t i = 0; route && i < route->sources.count; i++) {
        struct slice source = route->sources.list[i];
        if (is_ipv6_address(source) == is_ipv6_address(instead_of) &&
            !slice_eq(source, instead_of) &&
            !lane_memory_is_suspended(memory, source, queue_now(queue)))
            return true;
    }
    return false;
}

struct turn {
    struct queue *queue;
    const struct attempt *attempt;
    const struct msg_done *done;
    const struct lane_key *lane;
    struct lane_memory *memory;
    bool any_taken, slowed, blamed, advised;
};

static void slow_down(struct turn *turn, uint64_t at_least_ms)
{
    if (turn->slowed)
        return;
    turn->slowed = true;
    scheduler_slow_down(turn->queue->scheduler, turn->attempt->unit, at_least_ms,
                        queue_now(turn->queue));
    log_info(NULL, "slowed", LOG_SLICE("route", turn->lane->name),
             LOG_SLICE("site", turn->lane->domain), LOG_SLICE("remote", turn->done->remote),
             LOG_SLICE("reply", slice_from(turn->memory->words, turn->memory->words_len)));
}

/* True when the recipient is to go over another source, soon. */
static bool blame_source(struct turn *turn, uint64_t ms)
{
    uint64_t now = queue_now(turn->queue);
    const struct msg_done *done = turn->done;

    if (!turn->blamed && done->source.len) {
        turn->blamed = true;
        turn->queue->counters.sources_suspended++;
        lane_memory_suspend(turn->memory, done->source, now + ms);
        log_warn(NULL, "source-suspended", LOG_SLICE("source", done->source),
                 LOG_SLICE("route", turn->lane->name), LOG_SLICE("site", turn->lane->domain),
                 LOG_INT("seconds", ms / 1000),
                 LOG_SLICE("reply", slice_from(turn->memory->words, turn->memory->words_len)));
    }
    if (done->source.len && has_other_source(turn->queue, turn->lane, turn->memory, done->source))
        return true;
    slow_down(turn, NO_SOURCE_REST_MS);
    return false;
}

/* The same for IPv4 instead of IPv6. */
static bool prefer_ipv4(struct turn *turn)
{
    uint64_t now = queue_now(turn->queue);

    if (!is_ipv6(turn->done->remote))
        return false;
    turn->memory->ipv4_until = now + IPV4_FOR_MS;
    return !turn->attempt->avoid_ipv6; /* relay was asked for IPv4, and there was none */
}

static void advise(struct turn *turn, const struct lesson *lesson,
                   const struct done_recipient *recipient, bool suspended)
{
    struct queue *queue = turn->queue;
    struct refusal refusal = {.class = lesson->class,
                              .remote = turn->done->remote,
                              .words = recipient->reply,
                              .source = turn->done->source,
                              .suspended = suspended};

    if (turn->advised)
        return;
    turn->advised = true;
    advice_tell(queue, &refusal);
}

static void learn_one(struct turn *turn, const struct done_recipient *recipient,
                      const struct answer_verdict *verdict, struct lesson *ret_lesson)
{
    const struct effect *effect = &effects[verdict->class];
    struct lesson lesson = lesson_of(turn->queue, turn->attempt, verdict);

    turn->queue->counters.answers[verdict->class]++;
    lane_memory_note(turn->memory, verdict->class, recipient->reply);
    if (effect->blames_ms)
        lesson.again = blame_source(turn, effect->blames_ms);
    if (effect->wants_name)
        lesson.again = prefer_ipv4(turn);
    if (effect->slows && !turn->any_taken)
        slow_down(turn, verdict->retry_ms);
    advise(turn, &lesson, recipient, lesson.again && effect->blames_ms);
    *ret_lesson = lesson;
}

struct lesson *learn_turn(struct queue *queue, const struct attempt *attempt,
                          const struct msg_done *done, bool any_taken)
{
    struct lesson *lessons =
        arena_alloc(&queue->scratch, (done->n_recipients + 1) * sizeof(*lessons));
    struct turn turn = {.queue = queue,
                        .attempt = attempt,
                        .done = done,
                        .lane = scheduler_lane_of(queue->scheduler, attempt->unit),
                        .any_taken = any_taken};

    memset(lessons, 0, (done->n_recipients + 1) * sizeof(*lessons));
    if (attempt->way != WAY_ROUTE || !done->remote.len)
        return lessons;
    for (uint32_t i = 0; i < done->n_recipients; i++) {
        const struct done_recipient *recipient = &done->recipients[i];
        struct answer answer = {.reply = recipient->reply,
                                .status = recipient->status,
                                .host = done->remote,
                                .site = turn.lane->domain};
        struct answer_verdict verdict;
        if ((recipient->kind != DONE_LATER && recipient->kind != DONE_NEVER) ||
            !attempt_has(attempt, recipient->index))
            continue;
        turn.memory = scheduler_memory(queue->scheduler, attempt->unit);
        verdict = classify_answer(queue->classify, &answer);
        learn_one(&turn, recipient, &verdict, &lessons[i]);
    }
    return lessons;
}

/* ---- the next unit ------------------------------------------------------------------------- */

void learn_fill_unit(struct queue *queue, struct attempt *attempt, struct msg_unit *unit)
{
    const struct lane_memory *memory = scheduler_memory_if_any(queue->scheduler, attempt->unit);
    const struct lane_key *lane = scheduler_lane_of(queue->scheduler, attempt->unit);
    uint64_t now = queue_now(queue);

    if (!memory)
        return;
    unit->avoid_ipv6 = attempt->avoid_ipv6 = now < memory->ipv4_until;
    unit->sources_off =
        arena_alloc(&queue->scratch, (memory->n_sources + 1) * sizeof(struct slice));
    for (unsigned i = 0; i < memory->n_sources; i++) {
        struct slice source = slice_from_cstr(memory->sources[i].address);
        if (now < memory->sources[i].until && has_other_source(queue, lane, memory, source))
            unit->sources_off[unit->n_sources_off++] = source;
    }
}
