/*
 * Putting a story together. See why_story.h.
 *
 * A message's story begins with its session: how it came in, then what was said since the message
 * before it in the same session, up to its own acceptance. Then come its own events. At the end
 * stands what is to come, from the queue where a server answers, else from the last event of each
 * recipient.
 */
#include "control/why_story.h"

#include "control/why_outlook.h"
#include "control/why_phrase.h"
#include "control/why_words.h"
#include "mail/envelope.h"

#include <stdlib.h>
#include <time.h>

enum { WORDS_MAX = 8192 };

struct story {
    struct why_place *place;
    const struct subject *subject;
    uint64_t after_ms, until_ms; /* of the session's events, those between; for a message */
    struct outlook outlook;
    int day; /* of the last line; a new one gets a heading */
    bool json;
};

/* ---- lines ---------------------------------------------------------------------------------- */

static struct tm local_time(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm moment;

    localtime_r(&seconds, &moment);
    return moment;
}

static void print_day(struct story *story, const struct tm *moment)
{
    int day = moment->tm_year * 366 + moment->tm_yday;
    char text[40];

    if (story->day == day)
        return;
    story->day = day;
    (void)strftime(text, sizeof(text), "%Y-%m-%d", moment);
    printf("  %s\n", text);
}

static void print_words(struct story *story, const struct event *event)
{
    struct tm moment = local_time(event->time_ms);
    struct buf words;

    buf_init(&words, WORDS_MAX);
    if (why_words(&words, event)) {
        print_day(story, &moment);
        printf("    %02d:%02d:%02d  %.*s\n", moment.tm_hour, moment.tm_min, moment.tm_sec,
               SLICE_ARG(buf_slice(&words)));
    }
    buf_done(&words);
}

static json_t *text_json(struct slice text)
{
    json_t *json = json_stringn(text.ptr, text.len);
    struct buf clean;

    if (json)
        return json;
    buf_init(&clean, 4 * text.len + 1);
    why_add(&clean, text);
    json = json_stringn(clean.ptr, clean.len);
    buf_done(&clean);
    return json;
}

void why_story_print_event_json(const struct event *event)
{
    char time[EVENT_TIME_MAX];
    json_t *object;

    event_write_time(time, sizeof(time), event->time_ms);
    object = json_pack("{s:s,s:s,s:o,s:o}", "time", time, "level", event_level_name(event->level),
                       "role", text_json(event->role), "event", text_json(event->name));
    for (size_t i = 0; object && i < event->n_fields; i++) {
        struct slice key = event->fields[i].key;
        char name[64];
        snprintf(name, sizeof(name), "%.*s", SLICE_ARG(key));
        json_object_set_new(object, name, text_json(event->fields[i].value));
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

void why_story_print_event(const struct event *event)
{
    struct tm moment = local_time(event->time_ms);
    struct slice message = event_field(event, "message");
    struct buf words;

    buf_init(&words, WORDS_MAX);
    if (why_words(&words, event))
        printf("%04d-%02d-%02d %02d:%02d:%02d  %-13.*s  %.*s\n", moment.tm_year + 1900,
               moment.tm_mon + 1, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec,
               SLICE_ARG(message), SLICE_ARG(buf_slice(&words)));
    buf_done(&words);
}

static bool tell(struct story *story, const struct event *event)
{
    outlook_note(&story->outlook, event);
    if (story->json)
        why_story_print_event_json(event);
    else
        print_words(story, event);
    return true;
}

/* ---- the session ---------------------------------------------------------------------------- */

static bool is_of_connection(const struct event *event)
{
    static const char *const names[] = {"connect", "tls", "login"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_eq(event->name, slice_from_cstr(names[i])))
            return true;
    }
    return false;
}

static bool on_session_event(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    struct story *story = arg;
    bool within = event->time_ms > story->after_ms && event->time_ms <= story->until_ms;

    (void)number;
    (void)subject;
    if (slice_eq(event->name, SLICE("session")))
        return true; /* its end; whatever that was, the message was in */
    if (is_of_connection(event) ? event->time_ms <= story->until_ms : within)
        tell(story, event);
    return true;
}

/* The message before ours in the session. */
static bool on_sibling(void *arg, const struct subject *sibling)
{
    struct story *story = arg;

    if (sibling->id == story->subject->id)
        return false;
    story->after_ms = sibling->time_ms;
    return true;
}

static int tell_session(struct story *story)
{
    const struct subject *subject = story->subject;
    int r;

    if (!subject->session)
        return 0;
    story->until_ms = subject->time_ms;
    r = archive_each_of_session(story->place->archive, subject->session, on_sibling, story);
    return r < 0 ? r
                 : archive_each_event(story->place->archive, subject->session, on_session_event,
                                      story);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool is_acceptance(const struct event *event)
{
    return slice_eq(event->name, SLICE("accepted"));
}

/* The sender hears of it last of all, so others may have logged what they did by then. */
static bool on_acceptance(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    (void)number;
    (void)subject;
    return is_acceptance(event) ? tell(arg, event) : true;
}

static bool on_event(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    (void)number;
    (void)subject;
    return is_acceptance(event) ? true : tell(arg, event);
}

static int tell_message(struct story *story)
{
    int r = archive_each_event(story->place->archive, story->subject->id, on_acceptance, story);

    return r < 0 ? r
                 : archive_each_event(story->place->archive, story->subject->id, on_event, story);
}

static bool on_cause(void *arg, const struct subject *cause)
{
    struct message_id_text id = message_id_format(cause->key);

    (void)arg;
    printf("  It is a notification about message %s (nuncio why %s).\n", id.text, id.text);
    return false;
}

static int print_heading(struct story *story)
{
    const struct subject *subject = story->subject;
    struct message_id_text id = message_id_format(subject->key);

    if (subject->kind != SUBJECT_MESSAGE) {
        printf("Session %llx\n", (unsigned long long)subject->key);
        return 0;
    }
    printf("Message %s\n", id.text);
    return archive_each_by_term(story->place->archive, TERM_MESSAGE, slice_from_cstr(id.text),
                                on_cause, NULL);
}

/* Ids of messages are terms in lower case as all others are; so they are asked for. */
int why_story_print(struct why_place *place, const struct subject *subject)
{
    struct story story = {.place = place, .subject = subject, .day = -1};
    int r;

    outlook_init(&story.outlook);
    r = print_heading(&story);
    if (r == 0)
        r = tell_session(&story);
    if (r == 0)
        r = tell_message(&story);
    if (r == 0 && subject->kind == SUBJECT_MESSAGE)
        outlook_print(&story.outlook, place->client, subject->key);
    outlook_done(&story.outlook);
    return r;
}

int why_story_print_json(struct why_place *place, const struct subject *subject)
{
    struct story story = {.place = place, .subject = subject, .json = true};
    int r;

    outlook_init(&story.outlook);
    r = tell_session(&story);
    if (r == 0)
        r = tell_message(&story);
    outlook_done(&story.outlook);
    return r;
}

static bool on_listed(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    (void)number;
    (void)subject;
    outlook_note(arg, event);
    return true;
}

int why_story_print_line(struct why_place *place, const struct subject *subject)
{
    struct tm moment = local_time(subject->time_ms);
    struct outlook outlook;
    struct buf line;
    char time[40];
    int r;

    outlook_init(&outlook);
    r = archive_each_event(place->archive, subject->id, on_listed, &outlook);
    (void)strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &moment);
    buf_init(&line, WORDS_MAX);
    outlook_add_line(&outlook, &line);
    if (subject->kind == SUBJECT_MESSAGE)
        printf("%s  %s", time, message_id_format(subject->key).text);
    else
        printf("%s  session:%llx", time, (unsigned long long)subject->key);
    printf("  %.*s\n", SLICE_ARG(buf_slice(&line)));
    buf_done(&line);
    outlook_done(&outlook);
    return r;
}
