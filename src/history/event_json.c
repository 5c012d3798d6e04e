/*
 * Lines of the log in JSON: an object of strings and whole numbers whose first members are time,
 * level, role and event. journald's own export (`journalctl -o json`) has our line as its MESSAGE.
 */
#include "history/event_json.h"

#include <errno.h>
#include <jansson.h>

static struct slice keep(struct arena *arena, const json_t *value)
{
    return arena_dup(arena, slice_from(json_string_value(value), json_string_length(value)));
}

static bool take_head(const json_t *object, struct arena *arena, struct event *ret_event)
{
    const json_t *time = json_object_get(object, "time"), *level = json_object_get(object, "level");
    const json_t *role = json_object_get(object, "role"), *name = json_object_get(object, "event");

    if (!json_is_string(time) || !json_is_string(level) || !json_is_string(role) ||
        !json_is_string(name))
        return false;
    ret_event->role = keep(arena, role);
    ret_event->name = keep(arena, name);
    return event_read_time(keep(arena, time), &ret_event->time_ms) &&
           event_level_from(keep(arena, level), &ret_event->level);
}

static bool is_head(const char *key)
{
    static const char *const heads[] = {"time", "level", "role", "event"};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (strcmp(key, heads[i]) == 0)
            return true;
    }
    return false;
}

/* The members in the order of the line, as fields of the log. */
static size_t list_fields(json_t *object, struct arena *arena, struct log_field *fields)
{
    const char *key;
    json_t *value;
    size_t n = 0;

    json_object_foreach(object, key, value)
    {
        const char *name = arena_cstr(arena, slice_from_cstr(key));
        if (is_head(key) || n == EVENT_FIELDS_MAX)
            continue;
        if (json_is_integer(value))
            fields[n++] = LOG_INT(name, json_integer_value(value));
        else if (json_is_string(value))
            fields[n++] = LOG_SLICE(name, keep(arena, value));
    }
    return n;
}

static int read_object(json_t *object, struct arena *arena, struct event *ret_event)
{
    struct log_field fields[EVENT_FIELDS_MAX];
    struct buf line;
    size_t n;
    int r;

    if (!take_head(object, arena, ret_event))
        return -EBADMSG;
    n = list_fields(object, arena, fields);
    buf_init(&line, EVENT_LINE_MAX);
    log_format_line(&line, LOG_LOGFMT, LOG_INFO, "", NULL, "", fields, n);
    /* Behind "info  " and the blank before the first field. */
    r = line.overflow
            ? -EBADMSG
            : event_read_fields(arena_dup(arena, slice_skip(buf_slice(&line), sizeof("info  "))),
                                arena, ret_event);
    buf_done(&line);
    return r;
}

static int read_text(struct slice text, struct arena *arena, struct event *ret_event)
{
    json_t *object = json_loadb(text.ptr, text.len, 0, NULL);
    int r = json_is_object(object) ? read_object(object, arena, ret_event) : -EBADMSG;

    json_decref(object);
    return r;
}

int event_read_json(struct slice line, struct arena *arena, struct event *ret_event)
{
    json_t *object = json_loadb(line.ptr, line.len, 0, NULL);
    const json_t *message = json_object_get(object, "MESSAGE");
    int r;

    if (json_is_string(message)) {
        struct slice text = keep(arena, message);
        r = text.len && text.ptr[0] == '{' ? read_text(text, arena, ret_event)
                                           : event_read_logfmt(text, arena, ret_event);
    } else {
        r = json_is_object(object) ? read_object(object, arena, ret_event) : -EBADMSG;
    }
    json_decref(object);
    return r;
}
