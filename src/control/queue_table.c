/*
 * See queue_table.h. Members that an answer does not have are left out, so that a lane without a
 * rate or without answers takes no room.
 */
#include "control/queue_table.h"

#include "control/queue_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 40 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_numbers(const char *title, const json_t *object)
{
    const char *key;
    const json_t *value;

    printf("%s:", title);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        printf(" %s %" PRId64, key, (int64_t)json_integer_value(value));
    putchar('\n');
}

/* The name under which a lane can be suspended; see src/queue/lane_name.h. */
static void print_name(const json_t *lane)
{
    const char *way = text_of(lane, "way"), *first = text_of(lane, "name");
    const char *second = text_of(lane, "domain");
    int width;

    if (strcmp(way, "route") != 0) {
        second = strcmp(way, "program") == 0 ? first : second;
        first = way;
    }
    width = (int)(strlen(first) + (*second ? 1 + strlen(second) : 0));
    fputs("  ", stdout);
    queue_print_text(first);
    if (*second)
        putchar('/');
    queue_print_text(second);
    printf("%*s", width < NAME_WIDTH ? NAME_WIDTH - width : 1, "");
}

/* What the other side has said lately, by class, and its last words. */
static void print_answers(const json_t *lane)
{
    const json_t *answers = json_object_get(lane, "classes");
    const char *key;
    const json_t *value;

    if (*text_of(lane, "last_words")) {
        fputs("     last said: ", stdout);
        queue_print_text(text_of(lane, "last_words"));
        putchar('\n');
    }
    if (!json_object_size(answers))
        return;
    fputs("     answers:", stdout);
    json_object_foreach((json_t *)(uintptr_t)answers, key, value)
    {
        putchar(' ');
        queue_print_text(key);
        printf(" %" PRId64, (int64_t)json_integer_value(value));
    }
    putchar('\n');
}

static void print_sources(const json_t *sources)
{
    json_t *source;
    size_t i;

    json_array_foreach(sources, i, source)
    {
        printf("     not from %s for ", text_of(source, "address"));
        queue_print_duration(number_of(source, "for_ms"));
        putchar('\n');
    }
}

static void print_rate(const json_t *lane)
{
    printf(", at most %" PRId64 " in ", number_of(lane, "rate"));
    queue_print_duration(number_of(lane, "rate_ms"));
}

static void print_lane(const json_t *lane)
{
    print_name(lane);
    printf("%7" PRId64 " %7" PRId64 " %9" PRId64 "  ", number_of(lane, "window"),
           number_of(lane, "under_way"), number_of(lane, "waiting"));
    if (json_is_true(json_object_get(lane, "down"))) {
        fputs("down for ", stdout);
        queue_print_duration(number_of(lane, "down_for_ms"));
        fputs(", probed in ", stdout);
        queue_print_duration(number_of(lane, "probe_in_ms"));
    } else if (number_of(lane, "rests_for_ms")) {
        fputs("rests for ", stdout);
        queue_print_duration(number_of(lane, "rests_for_ms"));
    } else {
        fputs("up", stdout);
    }
    if (number_of(lane, "rate"))
        print_rate(lane);
    if (json_is_true(json_object_get(lane, "ipv4_only")))
        fputs(", over IPv4 alone", stdout);
    if (json_is_true(json_object_get(lane, "suspended")))
        fputs(", suspended", stdout);
    putchar('\n');
    print_answers(lane);
    print_sources(json_object_get(lane, "sources_off"));
}

static int by_waiting(const void *a, const void *b)
{
    int64_t x = number_of(*(json_t *const *)a, "waiting");
    int64_t y = number_of(*(json_t *const *)b, "waiting");

    return x == y ? 0 : x < y ? 1 : -1;
}

/* The lanes with the most mail first. */
static void print_lanes(const json_t *lanes)
{
    size_t n = json_array_size(lanes);
    const json_t **sorted = calloc(n + 1, sizeof(*sorted));

    if (!n || !sorted) {
        free(sorted);
        return;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(lanes, i);
    qsort(sorted, n, sizeof(*sorted), by_waiting);
    printf("  %-*s%7s %7s %9s\n", NAME_WIDTH, "lane", "window", "sending", "waiting");
    for (size_t i = 0; i < n; i++)
        print_lane(sorted[i]);
    free(sorted);
}

void queue_table_print(const json_t *stats)
{
    printf("messages: %" PRId64 ", %" PRId64 " deliveries under way, the oldest ",
           number_of(stats, "messages"), number_of(stats, "under_way"));
    queue_print_duration(number_of(stats, "oldest_ms"));
    puts(" old");
    print_numbers("recipients", json_object_get(stats, "recipients"));
    if (number_of(stats, "suspended") || number_of(stats, "suspensions"))
        printf("suspensions: %" PRId64 ", which hold back %" PRId64 " recipients\n",
               number_of(stats, "suspensions"), number_of(stats, "suspended"));
    print_numbers("since start", json_object_get(stats, "since_start"));
    print_numbers("spool", json_object_get(stats, "spool"));
    print_lanes(json_object_get(stats, "lanes"));
}
