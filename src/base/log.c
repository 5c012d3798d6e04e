/*
 * Formatting and writing of log lines. Nothing here is thread-local, and a line is built on the
 * caller's stack-owned buffer and written by one write(), so lines of threads and of processes
 * that share the descriptor never mix. A line longer than LINE_MAX_BYTES is cut and says so.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 16 * 1024, CUT_FIELDS = 24, CUT_VALUE = 64 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static struct {
    const char *role;
    enum log_level level;
    enum log_format format;
    int fd;
    log_tap *tap;
} setup = {.role = "nuncio", .level = LOG_INFO, .format = LOG_LOGFMT, .fd = STDERR_FILENO};

void log_setup(const char *role, enum log_level level, enum log_format format, int fd)
{
    setup.role = role;
    setup.fd = fd;
    log_set_level(level, format);
}

void log_set_level(enum log_level level, enum log_format format)
{
    __atomic_store_n(&setup.level, level, __ATOMIC_RELAXED);
    __atomic_store_n(&setup.format, format, __ATOMIC_RELAXED);
}

void log_set_tap(log_tap *tap)
{
    __atomic_store_n(&setup.tap, tap, __ATOMIC_RELEASE);
}

static bool is_written(enum log_level level)
{
    return level >= __atomic_load_n(&setup.level, __ATOMIC_RELAXED);
}

/* The tap, if it wants events of this level. */
static log_tap *tap_for(enum log_level level)
{
    return level >= LOG_INFO ? __atomic_load_n(&setup.tap, __ATOMIC_ACQUIRE) : NULL;
}

bool log_enabled(enum log_level level)
{
    return is_written(level) || tap_for(level);
}

const char *log_strerror(int error)
{
    const char *text = strerrordesc_np(error < 0 ? -error : error);
    return text ? text : "unknown error";
}

/* How many bytes at the beginning stay as they are: most of nearly every value. */
static size_t count_plain(struct slice s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] < 0x7f && s.ptr[n] != '"' && s.ptr[n] != '\\')
        n++;
    return n;
}

static void add_escaped(struct buf *out, struct slice s, enum log_format format)
{
    while (s.len) {
        unsigned char c = (unsigned char)s.ptr[0];
        size_t plain = count_plain(s);
        size_t len = plain ? plain : utf8_char_len(s);

        if (plain)
            buf_add(out, s.ptr, plain);
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (len == 0 || c < 0x20 || c == 0x7f)
            buf_printf(out, format == LOG_JSON ? "\\u%04x" : "\\x%02x", c);
        else
            buf_add(out, s.ptr, len);
        s = slice_skip(s, len ? len : 1);
    }
}

static bool needs_quotes(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c >= 0x7f)
            return true;
    }
    return s.len == 0;
}

static void add_value(struct buf *out, enum log_format format, const struct log_field *field)
{
    bool quoted = format == LOG_JSON || needs_quotes(field->slice);

    if (field->kind == LOG_FIELD_INT) {
        buf_printf(out, "%lld", (long long)field->number);
        return;
    }
    if (quoted)
        buf_add_char(out, '"');
    add_escaped(out, field->slice, format);
    if (quoted)
        buf_add_char(out, '"');
}

static void add_field(struct buf *out, enum log_format format, const struct log_field *field)
{
    if (!field->key)
        return;
    buf_add_cstr(out, format == LOG_JSON ? ",\"" : " ");
    buf_add_cstr(out, field->key);
    buf_add_cstr(out, format == LOG_JSON ? "\":" : "=");
    add_value(out, format, field);
}

static void add_context(struct buf *out, enum log_format format, const struct log_context *context)
{
    if (!context)
        return;
    add_context(out, format, context->parent);
    add_field(out, format, &context->field);
}

static void add_line(struct buf *out, const char *time, enum log_format format,
                     enum log_level level, const char *role, const struct log_context *context,
                     const char *event, const struct log_field *fields, size_t n_fields)
{
    if (format == LOG_JSON)
        buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"event\":\"%s\"", time,
                   level_names[level], role, event);
    else
        buf_printf(out, "%s%s%s %s %s", time, *time ? " " : "", level_names[level], role, event);
    add_context(out, format, context);
    for (size_t i = 0; i < n_fields; i++)
        add_field(out, format, &fields[i]);
    if (format == LOG_JSON)
        buf_add_char(out, '}');
}

void log_format_line(struct buf *out, enum log_format format, enum log_level level,
                     const char *role, const struct log_context *context, const char *event,
                     const struct log_field *fields, size_t n_fields)
{
    add_line(out, "", format, level, role, context, event, fields, n_fields);
}

static void format_time(char *out, size_t size)
{
    uint64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm utc;
    size_t len;

    gmtime_r(&seconds, &utc);
    len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + len, size - len, ".%03uZ", (unsigned)(now % 1000));
}

/* Of a line that is too long: what it is about stays, its values are cut. */
static unsigned cut_fields(const struct log_field *fields, size_t n_fields,
                           struct log_field *ret_cut)
{
    unsigned n = 0;

    for (size_t i = 0; i < n_fields && n < CUT_FIELDS - 1; i++) {
        ret_cut[n] = fields[i];
        ret_cut[n].slice = slice_sub(fields[i].slice, 0, CUT_VALUE);
        n++;
    }
    ret_cut[n++] = LOG_STR("cut", "line too long");
    return n;
}

/* The line in this format, with its values cut when it is too long. */
static void build_line(struct buf *out, const char *time, enum log_format format,
                       enum log_level level, const struct log_context *context, const char *event,
                       const struct log_field *fields, size_t n_fields)
{
    struct log_field cut[CUT_FIELDS];

    add_line(out, time, format, level, setup.role, context, event, fields, n_fields);
    if (!out->overflow)
        return;
    buf_reset(out);
    n_fields = cut_fields(fields, n_fields, cut);
    add_line(out, time, format, level, setup.role, context, event, cut, n_fields);
}

void log_write(enum log_level level, const struct log_context *context, const char *event,
               const struct log_field *fields, size_t n_fields)
{
    enum log_format format = __atomic_load_n(&setup.format, __ATOMIC_RELAXED);
    log_tap *tap = tap_for(level);
    struct buf out;
    char time[40];
    int saved_errno = errno;

    format_time(time, sizeof(time));
    buf_init(&out, LINE_MAX_BYTES);
    if (tap) {
        build_line(&out, time, LOG_LOGFMT, level, context, event, fields, n_fields);
        tap(buf_slice(&out));
    }
    if (is_written(level)) {
        if (!tap || format != LOG_LOGFMT) {
            buf_reset(&out);
            build_line(&out, time, format, level, context, event, fields, n_fields);
        }
        buf_add_char(&out, '\n');
        /* A log that cannot be written must not stop the mail. */
        (void)!write(setup.fd, out.ptr, out.len);
    }
    buf_done(&out);
    errno = saved_errno;
}
