/*
 * A line of the log, read back: as base/log.h writes it in logfmt or JSON, perhaps behind what
 * syslog or journald put in front of it.
 *
 * Pure, and safe with any bytes: lines come from files that anybody may have touched.
 */
#ifndef NUNCIO_HISTORY_EVENT_H
#define NUNCIO_HISTORY_EVENT_H

#include "base/arena.h"
#include "base/log.h"

enum { EVENT_FIELDS_MAX = 48, EVENT_LINE_MAX = 64 * 1024, EVENT_TIME_MAX = 32 };

struct event_field {
    struct slice key;
    struct slice value; /* unescaped */
};

struct event {
    uint64_t time_ms; /* wall */
    enum log_level level;
    struct slice role;
    struct slice name;
    struct slice text; /* the fields as they stand in a line of logfmt: "client=192.0.2.7 ..." */
    struct event_field fields[EVENT_FIELDS_MAX];
    size_t n_fields;
};

/* 0, or -EBADMSG: not a line of ours. Slices point into the line or the arena. */
int event_read(struct slice line, struct arena *arena, struct event *ret_event);
/* The fields of `text`, as event_read() left it. 0 or -EBADMSG. */
int event_read_fields(struct slice text, struct arena *arena, struct event *ret_event);

/* The first field of that name; empty when there is none. */
struct slice event_field(const struct event *event, const char *key);
bool event_has(const struct event *event, const char *key);
uint64_t event_number(const struct event *event, const char *key); /* 0: none */

/* "2026-11-22T10:00:00.123Z" or "2026-11-22T10:00:00Z", as fields have it; false for anything
 * else. Back with milliseconds. */
bool event_read_time(struct slice text, uint64_t *ret_ms);
void event_write_time(char *out, size_t size, uint64_t ms);

const char *event_level_name(enum log_level level);

#endif
