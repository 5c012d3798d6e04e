/* See queue_print.h. */
#include "control/queue_print.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdbool.h>

static void print_text(const char *text)
{
    for (; text && *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f)
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "3d4h", "25m", "12s" */
static void print_duration(int64_t ms)
{
    int64_t s = ms > 0 ? ms / 1000 : 0;

    if (s >= 86400)
        printf("%" PRId64 "d%" PRId64 "h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        printf("%" PRId64 "h%" PRId64 "m", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        printf("%" PRId64 "m", s / 60);
    else
        printf("%" PRId64 "s", s);
}

void queue_print_recipient(const json_t *recipient)
{
    int64_t next = number_of(recipient, "next_ms");

    printf("    %-9s ", text_of(recipient, "state"));
    print_text(text_of(recipient, "address"));
    if (*text_of(recipient, "via")) {
        fputs(" for ", stdout);
        print_text(text_of(recipient, "via"));
    }
    if (number_of(recipient, "attempts"))
        printf(", %" PRId64 " failed", number_of(recipient, "attempts"));
    if (next && !*text_of(recipient, "held_by")) {
        fputs(", next in ", stdout);
        print_duration(next - (int64_t)clock_wall_ms());
    }
    putchar('\n');
    if (*text_of(recipient, "reply")) {
        fputs("              ", stdout);
        print_text(text_of(recipient, "reply"));
        putchar('\n');
    }
}

void queue_print_message(const json_t *message)
{
    const json_t *recipients = json_object_get(message, "recipients");
    size_t shown = json_array_size(recipients), i;
    json_t *recipient;

    printf("%s  %" PRId64 " bytes  ", text_of(message, "id"), number_of(message, "size"));
    print_duration((int64_t)clock_wall_ms() - number_of(message, "received_ms"));
    fputs("  from <", stdout);
    print_text(text_of(message, "sender"));
    puts(">");
    json_array_foreach(recipients, i, recipient) queue_print_recipient(recipient);
    if (shown && (int64_t)shown < number_of(message, "n_open"))
        printf("    %" PRId64 " of %" PRId64 " recipients are still open; see nuncio queue show\n",
               number_of(message, "n_open"), number_of(message, "n_recipients"));
}

void queue_print_total(const json_t *last)
{
    int64_t n = number_of(last, "messages");

    if (n == 0)
        puts("The queue holds no such mail.");
    else
        printf("%" PRId64 " message%s.\n", n, n == 1 ? "" : "s");
}

static void print_lane(const json_t *lane)
{
    printf("  %s %s%s%s: %" PRId64 " under way of %" PRId64 ", %" PRId64 " waiting",
           text_of(lane, "way"), text_of(lane, "name"), *text_of(lane, "name") ? " " : "",
           text_of(lane, "domain"), number_of(lane, "under_way"), number_of(lane, "window"),
           number_of(lane, "waiting"));
    if (json_is_true(json_object_get(lane, "down"))) {
        fputs("; down, probed in ", stdout);
        print_duration(number_of(lane, "probe_in_ms"));
    }
    putchar('\n');
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

void queue_print_stats(const json_t *stats)
{
    const json_t *lanes = json_object_get(stats, "lanes");
    json_t *lane;
    size_t i;

    printf("messages: %" PRId64 ", %" PRId64 " deliveries under way, the oldest ",
           number_of(stats, "messages"), number_of(stats, "under_way"));
    print_duration(number_of(stats, "oldest_ms"));
    puts(" old");
    print_numbers("recipients", json_object_get(stats, "recipients"));
    print_numbers("since start", json_object_get(stats, "since_start"));
    print_numbers("spool", json_object_get(stats, "spool"));
    if (json_array_size(lanes))
        puts("lanes:");
    json_array_foreach(lanes, i, lane) print_lane(lane);
}
