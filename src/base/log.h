/*
 * One structured event a line.
 *
 *   log_info(&session->log, "rcpt", LOG_SLICE("to", address), LOG_INT("code", 250));
 *   2026-11-22T10:00:00.123Z info receive rcpt session=7f3a to=<joe@example.org> code=250
 *
 * A context is a chain of key=value pairs (service, session, message) that every line under it
 * carries, so that `grep ID` is the story. The layer that decides, logs; the others return. Bytes
 * from outside are escaped here and nowhere else: control characters, quotes, backslashes and
 * non-UTF-8 become \xNN, so that one event is always one line. A line goes out in one write().
 *
 * Thread-safe. Level, format and destination are set once at start and on reload.
 */
#ifndef NUNCIO_BASE_LOG_H
#define NUNCIO_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

enum log_field_kind { LOG_FIELD_SLICE, LOG_FIELD_INT };

struct log_field {
    const char *key;
    enum log_field_kind kind;
    struct slice slice;
    int64_t number;
};

struct log_context {
    const struct log_context *parent; /* or NULL */
    struct log_field field;           /* no key: adds nothing */
};

#define LOG_SLICE(k, v)                                                                            \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .kind = LOG_FIELD_SLICE, .slice = (v)                                          \
    }
#define LOG_STR(k, v) LOG_SLICE(k, slice_from_cstr(v))
#define LOG_INT(k, v)                                                                              \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .kind = LOG_FIELD_INT, .number = (int64_t)(v)                                  \
    }
/* The text of an errno value; negative ones are taken as errno-like failures. */
#define LOG_ERRNO(e) LOG_STR("error", log_strerror(e))

/* `role` must live as long as the process. fd 2 is the default destination. */
void log_setup(const char *role, enum log_level level, enum log_format format, int fd);
void log_set_level(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
/* Thread-safe; the text is the C library's and lives for ever. */
const char *log_strerror(int error);

/* Called with the logfmt line (no LF) of every event at info or above, whatever the log's own level
 * and format, on the thread that logs: it must not wait, and not log. NULL: no tap. The line is the
 * caller's. */
typedef void log_tap(struct slice line);
void log_set_tap(log_tap *tap);

void log_write(enum log_level level, const struct log_context *context, const char *event,
               const struct log_field *fields, size_t n_fields);

#define log_at(level, context, event, ...)                                                         \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write(level, context, event, log_fields_,                                          \
                      sizeof(log_fields_) / sizeof(log_fields_[0]));                               \
        }                                                                                          \
    } while (0)

/* At least one field each. */
#define log_debug(context, event, ...) log_at(LOG_DEBUG, context, event, __VA_ARGS__)
#define log_info(context, event, ...)  log_at(LOG_INFO, context, event, __VA_ARGS__)
#define log_warn(context, event, ...)  log_at(LOG_WARN, context, event, __VA_ARGS__)
#define log_error(context, event, ...) log_at(LOG_ERROR, context, event, __VA_ARGS__)

/* Writes the line without time, for tests and for readers of stored events. */
void log_format_line(struct buf *out, enum log_format format, enum log_level level,
                     const char *role, const struct log_context *context, const char *event,
                     const struct log_field *fields, size_t n_fields);

#endif
