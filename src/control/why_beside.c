/*
 * See why_beside.h. These events are few beside those of mail, so they are looked through without
 * an index of who is in them; and of many only the last ones are told.
 */
#include "control/why_beside.h"

#include "control/why_story.h"
#include "control/why_words.h"

#include <time.h>

enum { TOLD_MAX = 20 };

struct beside {
    const struct why_question *question;
    uint64_t from_ms; /* a gap before has nothing to do with it */
    size_t n_events, n_gaps, n_left;
    bool json, heading;
};

static bool is_gap(const struct event *event)
{
    return slice_eq(event->name, SLICE("history-dropped"));
}

static bool on_count(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    struct beside *beside = arg;

    (void)number;
    (void)subject;
    if (is_gap(event))
        beside->n_gaps += event->time_ms >= beside->from_ms;
    else
        beside->n_events += why_names(beside->question, event);
    return true;
}

static bool on_print(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    struct beside *beside = arg;

    (void)number;
    (void)subject;
    if (is_gap(event) ? event->time_ms < beside->from_ms : !why_names(beside->question, event))
        return true;
    if (beside->n_left > TOLD_MAX && !beside->json) {
        beside->n_left--;
        return true;
    }
    if (!beside->heading && !beside->json)
        printf("Beside that\n");
    beside->heading = true;
    if (beside->json)
        why_story_print_event_json(event);
    else
        why_story_print_event(event);
    return true;
}

static uint64_t begin_of(const struct why_question *question, const struct why_found *found)
{
    uint64_t from_ms = question->since_ms;

    if (found->count && found->list[found->count - 1].time_ms > from_ms)
        from_ms = found->list[found->count - 1].time_ms; /* the oldest */
    return from_ms;
}

int why_beside_print(struct why_place *place, const struct why_question *question,
                     const struct why_found *found, bool json, size_t *ret_count)
{
    struct beside beside = {
        .question = question, .from_ms = begin_of(question, found), .json = json};
    int r = archive_each_loose(place->archive, question->since_ms, question->until_ms, on_count,
                               &beside);

    *ret_count = beside.n_events;
    beside.n_left = beside.n_events + beside.n_gaps;
    if (r < 0 || beside.n_left == 0)
        return r;
    return archive_each_loose(place->archive, question->since_ms, question->until_ms, on_print,
                              &beside);
}
