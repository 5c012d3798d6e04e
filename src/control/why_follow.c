/*
 * Following. See why_follow.h. New events are asked for four times a second; they are ours when
 * they belong to what was found, or name what was asked for.
 */
#include "control/why_follow.h"

#include "control/why_story.h"

#include <signal.h>
#include <sysexits.h>
#include <time.h>

enum { PAUSE_MS = 250 };

struct follower {
    const struct why_question *question;
    struct why_found *found;
    int64_t number;
    bool json, matches;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool is_known(const struct why_found *found, int64_t subject)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->list[i].id == subject)
            return true;
    }
    return false;
}

static bool on_event(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    struct follower *follower = arg;
    struct why_found *found = follower->found;

    follower->number = number;
    follower->matches = !follower->question->text || is_known(found, subject);
    if (!follower->matches) {
        follower->matches = why_names(follower->question, event);
        if (follower->matches && subject && found->count < WHY_FOUND_MAX)
            found->list[found->count++] = (struct subject){.id = subject};
    }
    if (!follower->matches)
        return true;
    if (follower->json)
        why_story_print_event_json(event);
    else
        why_story_print_event(event);
    return true;
}

int why_follow(struct why_place *place, const struct why_question *question,
               struct why_found *found, bool json)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000 * 1000};
    const struct sigaction action = {.sa_handler = on_interrupt};
    struct follower follower = {.question = question, .found = found, .json = json};
    int r = archive_last_number(place->archive, &follower.number);

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    while (r == 0 && !interrupted && fflush(stdout) == 0) {
        nanosleep(&pause, NULL);
        r = archive_each_after(place->archive, follower.number, on_event, &follower);
    }
    return r < 0 ? why_place_failed(place, r) : EX_OK;
}
