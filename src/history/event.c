/*
 * Reading lines of the log. See event.h.
 *
 * A line begins with its time, wherever that stands: what syslog and journald write in front of it
 * ("Nov 22 10:00:00 mx nuncio[812]: ") is passed over. A value in quotes has \" \\ and \xNN, as
 * base/log.c writes them; anything else in it is a line of somebody else.
 */
#include "history/event.h"

#include "history/event_json.h"

#include <errno.h>
#include <time.h>

/* The prefix may have a time in our form, too. */
enum { PREFIX_MAX = 200, TIMES_MAX = 2, EVENT_TIME_LEN = 24, SHORT_TIME_LEN = 20 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

const char *event_level_name(enum log_level level)
{
    return level_names[level];
}

static bool digits(const char *text, size_t n, unsigned *ret_value)
{
    unsigned value = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *ret_value = value;
    return true;
}

bool event_read_time(struct slice text, uint64_t *ret_ms)
{
    static const char form[] = "....-..-..T..:..:.....Z";
    unsigned year, month, day, hour, minute, second, ms = 0;
    bool fine = text.len == EVENT_TIME_LEN && text.ptr[19] == '.' && text.ptr[23] == 'Z';
    struct tm utc;
    time_t seconds;

    if (!fine && (text.len != SHORT_TIME_LEN || text.ptr[19] != 'Z'))
        return false;
    for (size_t i = 0; i < 19; i++) {
        if (form[i] != '.' && form[i] != text.ptr[i])
            return false;
    }
    if (!digits(text.ptr, 4, &year) || !digits(text.ptr + 5, 2, &month) ||
        !digits(text.ptr + 8, 2, &day) || !digits(text.ptr + 11, 2, &hour) ||
        !digits(text.ptr + 14, 2, &minute) || !digits(text.ptr + 17, 2, &second) ||
        (fine && !digits(text.ptr + 20, 3, &ms)))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    utc = (struct tm){.tm_year = (int)year - 1900,
                      .tm_mon = (int)month - 1,
                      .tm_mday = (int)day,
                      .tm_hour = (int)hour,
                      .tm_min = (int)minute,
                      .tm_sec = (int)second};
    seconds = timegm(&utc);
    *ret_ms = (uint64_t)seconds * 1000 + ms;
    return seconds >= 0;
}

void event_write_time(char *out, size_t size, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    size_t len;

    gmtime_r(&seconds, &utc);
    len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + len, size - len, ".%03uZ", (unsigned)(ms % 1000));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a value in quotes, cut off *rest. -1: it is none of ours. */
static int cut_char(struct slice *rest)
{
    unsigned char c = (unsigned char)rest->ptr[0];
    int high, low;

    if (c != '\\') {
        *rest = slice_skip(*rest, 1);
        return c;
    }
    if (rest->len >= 2 && (rest->ptr[1] == '"' || rest->ptr[1] == '\\')) {
        c = (unsigned char)rest->ptr[1];
        *rest = slice_skip(*rest, 2);
        return c;
    }
    if (rest->len < 4 || rest->ptr[1] != 'x')
        return -1;
    high = hex_digit(rest->ptr[2]);
    low = hex_digit(rest->ptr[3]);
    *rest = slice_skip(*rest, 4);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The value behind an opening quote, which is cut off *rest with its closing one. */
static int cut_quoted(struct slice *rest, struct arena *arena, struct slice *ret_value)
{
    char *out = arena_alloc(arena, rest->len + 1);
    size_t n = 0;

    while (rest->len && rest->ptr[0] != '"') {
        int c = cut_char(rest);
        if (c < 0)
            return -EBADMSG;
        out[n++] = (char)c;
    }
    if (!rest->len)
        return -EBADMSG;
    *rest = slice_skip(*rest, 1);
    *ret_value = slice_from(out, n);
    return 0;
}

static struct slice cut_word(struct slice *rest)
{
    size_t n = 0;
    struct slice word;

    while (n < rest->len && rest->ptr[n] != ' ')
        n++;
    word = slice_sub(*rest, 0, n);
    *rest = slice_skip(*rest, n);
    return word;
}

static bool is_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
            return false;
    }
    return key.len > 0;
}

static int cut_field(struct slice *rest, struct arena *arena, struct event_field *ret_field)
{
    ptrdiff_t equals = slice_find(*rest, '=');

    if (equals < 0)
        return -EBADMSG;
    ret_field->key = slice_sub(*rest, 0, (size_t)equals);
    if (!is_key(ret_field->key))
        return -EBADMSG;
    *rest = slice_skip(*rest, (size_t)equals + 1);
    if (!rest->len || rest->ptr[0] != '"') {
        ret_field->value = cut_word(rest);
        return 0;
    }
    *rest = slice_skip(*rest, 1);
    return cut_quoted(rest, arena, &ret_field->value);
}

int event_read_fields(struct slice text, struct arena *arena, struct event *ret_event)
{
    ret_event->text = text;
    ret_event->n_fields = 0;
    while (text.len) {
        struct event_field *field = &ret_event->fields[ret_event->n_fields];
        if (ret_event->n_fields == EVENT_FIELDS_MAX || cut_field(&text, arena, field) < 0)
            return -EBADMSG;
        ret_event->n_fields++;
        if (text.len && text.ptr[0] != ' ')
            return -EBADMSG;
        text = slice_skip(text, 1);
    }
    return 0;
}

bool event_level_from(struct slice name, enum log_level *ret_level)
{
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        if (slice_eq(name, slice_from_cstr(level_names[level]))) {
            *ret_level = level;
            return true;
        }
    }
    return false;
}

/* Where the line proper begins, with its time; or -1. */
static ptrdiff_t find_time(struct slice line, uint64_t *ret_ms)
{
    for (size_t at = 0; at + EVENT_TIME_LEN <= line.len && at <= PREFIX_MAX; at++) {
        if ((at == 0 || line.ptr[at - 1] == ' ') &&
            event_read_time(slice_sub(line, at, EVENT_TIME_LEN), ret_ms))
            return (ptrdiff_t)at;
    }
    return -1;
}

/* "info receive accepted" and the fields. */
static int read_rest(struct slice rest, struct arena *arena, struct event *ret_event)
{
    if (!event_level_from(cut_word(&rest), &ret_event->level))
        return -EBADMSG;
    rest = slice_skip(rest, 1);
    ret_event->role = cut_word(&rest);
    rest = slice_skip(rest, 1);
    ret_event->name = cut_word(&rest);
    if (!is_key(ret_event->role) || !is_key(ret_event->name))
        return -EBADMSG;
    return event_read_fields(slice_skip(rest, 1), arena, ret_event);
}

int event_read_logfmt(struct slice line, struct arena *arena, struct event *ret_event)
{
    for (unsigned i = 0; i < TIMES_MAX; i++) {
        ptrdiff_t at = find_time(line, &ret_event->time_ms);
        if (at < 0)
            return -EBADMSG;
        line = slice_skip(line, (size_t)at + EVENT_TIME_LEN + 1);
        if (read_rest(line, arena, ret_event) == 0)
            return 0;
    }
    return -EBADMSG;
}

int event_read(struct slice line, struct arena *arena, struct event *ret_event)
{
    struct slice trimmed = slice_trim(line);
    ptrdiff_t brace = slice_find(slice_sub(trimmed, 0, PREFIX_MAX), '{');

    if (trimmed.len > EVENT_LINE_MAX)
        return -EBADMSG;
    if (brace >= 0 && trimmed.ptr[trimmed.len - 1] == '}' &&
        event_read_json(slice_skip(trimmed, (size_t)brace), arena, ret_event) == 0)
        return 0;
    return event_read_logfmt(trimmed, arena, ret_event);
}

static const struct event_field *find(const struct event *event, const char *key)
{
    for (size_t i = 0; i < event->n_fields; i++) {
        if (slice_eq(event->fields[i].key, slice_from_cstr(key)))
            return &event->fields[i];
    }
    return NULL;
}

struct slice event_field(const struct event *event, const char *key)
{
    const struct event_field *field = find(event, key);

    return field ? field->value : SLICE_NULL;
}

bool event_has(const struct event *event, const char *key)
{
    return event_field(event, key).len > 0;
}

uint64_t event_number(const struct event *event, const char *key)
{
    uint64_t value;

    return slice_parse_u64(event_field(event, key), UINT64_MAX, &value) ? value : 0;
}
