/* See queue_print.h. */
#include "control/queue_print.h"

#include "base/clock.h"

#include <stdbool.h>
#include <string.h>

void queue_print_text(const char *text)
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

void queue_print_duration(int64_t ms)
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

static void print_if(const char *before, const json_t *object, const char *key)
{
    if (!*text_of(object, key))
        return;
    fputs(before, stdout);
    queue_print_text(text_of(object, key));
}

static void print_line_if(const char *before, const json_t *object, const char *key)
{
    if (!*text_of(object, key))
        return;
    print_if(before, object, key);
    putchar('\n');
}

/* ---- recipients ---------------------------------------------------------------------------- */

void queue_print_recipient(const json_t *recipient)
{
    int64_t next = number_of(recipient, "next_ms");

    printf("    %-9s ", text_of(recipient, "state"));
    queue_print_text(text_of(recipient, "address"));
    print_if(" for ", recipient, "via");
    if (number_of(recipient, "attempts"))
        printf(", %" PRId64 " failed", number_of(recipient, "attempts"));
    if (next && !*text_of(recipient, "held_by")) {
        fputs(", next in ", stdout);
        queue_print_duration(next - (int64_t)clock_wall_ms());
    }
    putchar('\n');
    print_line_if("              ", recipient, "reply");
    print_line_if("              now: ", recipient, "why");
    print_line_if("              lane: ", recipient, "lane");
    print_line_if("              rerouted over: ", recipient, "rerouted");
    print_line_if("              sender goes out as: ", recipient, "sent_as");
    print_line_if("              NOTIFY=", recipient, "notify");
    print_line_if("              ORCPT=", recipient, "orcpt");
}

/* ---- messages ------------------------------------------------------------------------------ */

static void print_header(const char *header)
{
    while (*header) {
        size_t len = strcspn(header, "\n");
        fputs("    | ", stdout);
        for (size_t i = 0; i < len; i++) {
            char one[2] = {header[i], '\0'};
            if (header[i] == '\t')
                putchar('\t');
            else if (header[i] != '\r')
                queue_print_text(one);
        }
        putchar('\n');
        header += len + (header[len] == '\n');
    }
}

/* What the envelope says beyond the first line. */
static void print_details(const json_t *message)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"client", "client"},     {"client_name", "its name"}, {"helo", "its HELO"},
                {"login", "login"},       {"listener", "listener"},    {"auth", "AUTH="},
                {"body", "BODY="},        {"envid", "ENVID="},         {"ret", "RET="},
                {"hold", "held because"}, {"rules", "accepted by"}};
    int64_t left = number_of(message, "expires_ms") - (int64_t)clock_wall_ms();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!*text_of(message, rows[i].key))
            continue;
        printf("    %s: ", rows[i].title);
        queue_print_text(text_of(message, rows[i].key));
        putchar('\n');
    }
    if (json_object_get(message, "smtputf8"))
        puts("    SMTPUTF8");
    if (json_object_get(message, "requiretls"))
        puts("    REQUIRETLS");
    if (json_object_get(message, "ours"))
        puts("    of our own: signed where there is a DKIM key");
    if (number_of(message, "priority"))
        printf("    priority: %" PRId64 "\n", number_of(message, "priority"));
    fputs("    given up in: ", stdout);
    queue_print_duration(left);
    putchar('\n');
    print_header(text_of(message, "header"));
}

void queue_print_message(const json_t *message)
{
    const json_t *recipients = json_object_get(message, "recipients");
    int64_t shown = (int64_t)json_array_size(recipients), fit = number_of(message, "n_fit");
    json_t *recipient;
    size_t i;

    printf("%s  %" PRId64 " bytes  ", text_of(message, "id"), number_of(message, "size"));
    queue_print_duration((int64_t)clock_wall_ms() - number_of(message, "received_ms"));
    fputs("  from <", stdout);
    queue_print_text(text_of(message, "sender"));
    puts(">");
    if (json_object_get(message, "header"))
        print_details(message);
    json_array_foreach(recipients, i, recipient) queue_print_recipient(recipient);
    if (fit > shown)
        printf("    and %" PRId64 " recipients more; see nuncio queue show\n", fit - shown);
}

/* ---- suspensions --------------------------------------------------------------------------- */

void queue_print_suspension(const json_t *suspension)
{
    int64_t until = number_of(suspension, "until_ms"), now = (int64_t)clock_wall_ms();

    printf("%-6s ", text_of(suspension, "kind"));
    queue_print_text(text_of(suspension, "what"));
    fputs(", for ", stdout);
    queue_print_duration(now - number_of(suspension, "since_ms"));
    fputs(" by the ", stdout);
    queue_print_text(text_of(suspension, "by"));
    if (until) {
        fputs(", ends in ", stdout);
        queue_print_duration(until - now);
    }
    print_if(": ", suspension, "reason");
    putchar('\n');
}

/* ---- last lines ---------------------------------------------------------------------------- */

static void print_count(int64_t n, const char *what)
{
    printf("%" PRId64 " %s%s", n, what, n == 1 ? "" : "s");
}

void queue_print_suspended_total(const json_t *last)
{
    if (!number_of(last, "suspensions"))
        puts("Nothing is suspended.");
}

void queue_print_total(const json_t *last)
{
    int64_t n = number_of(last, "messages");

    if (n == 0) {
        fputs("The queue holds no such mail", stdout);
    } else {
        print_count(n, "message");
        fputs(", ", stdout);
        print_count(number_of(last, "recipients"), "recipient");
        printf(", %" PRId64 " KB", (number_of(last, "bytes") + 1023) / 1024);
    }
    puts(json_object_get(last, "more") ? "; there are more." : ".");
    if (number_of(last, "suspensions")) {
        print_count(number_of(last, "suspensions"), "suspension");
        puts(" in force: see nuncio queue suspended.");
    }
}

void queue_print_changed(const json_t *last)
{
    if (json_is_true(json_object_get(last, "dry")))
        fputs("Would change ", stdout);
    print_count(number_of(last, "recipients"), "recipient");
    fputs(" of ", stdout);
    print_count(number_of(last, "messages"), "message");
    puts(".");
}
