/*
 * The facts of a key as JSON, {"made": 1795341600, "sender": "joe@example.org"}. See key_facts.h.
 *
 * The file is our own, but an administrator may edit it, or restore half of it: a member of another
 * type than ours makes the whole unreadable, and the reader says so, rather than that a key signs
 * for more than it was made for.
 */
#include "keys/key_facts.h"

#include <jansson.h>

void key_facts_write(struct buf *out, const struct key_facts *facts)
{
    json_t *root = json_object();
    char *text;

    json_object_set_new(root, "made", json_integer((json_int_t)facts->made_s));
    if (facts->seen_s)
        json_object_set_new(root, "seen", json_integer((json_int_t)facts->seen_s));
    if (facts->retired_s)
        json_object_set_new(root, "retired", json_integer((json_int_t)facts->retired_s));
    if (facts->sender.len)
        json_object_set_new(root, "sender", json_stringn(facts->sender.ptr, facts->sender.len));
    text = json_dumps(root, 0);
    buf_add_cstr(out, text ? text : "{}");
    buf_add_char(out, '\n');
    free(text);
    json_decref(root);
}

static bool read_time(const json_t *root, const char *name, uint64_t *ret_s)
{
    const json_t *value = json_object_get(root, name);

    *ret_s = 0;
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_s = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_sender(const json_t *root, struct arena *arena, struct slice *ret_sender)
{
    const json_t *value = json_object_get(root, "sender");

    *ret_sender = SLICE_NULL;
    if (!value)
        return true;
    if (!json_is_string(value) || json_string_length(value) == 0)
        return false;
    *ret_sender = arena_dup(arena, slice_from(json_string_value(value), json_string_length(value)));
    return true;
}

bool key_facts_read(struct slice text, struct arena *arena, struct key_facts *ret_facts)
{
    json_t *root = text.len <= KEY_FACTS_MAX ? json_loadb(text.ptr ? text.ptr : "", text.len,
                                                          JSON_REJECT_DUPLICATES, NULL)
                                             : NULL;
    bool good = json_is_object(root) && read_time(root, "made", &ret_facts->made_s) &&
                read_time(root, "seen", &ret_facts->seen_s) &&
                read_time(root, "retired", &ret_facts->retired_s) &&
                read_sender(root, arena, &ret_facts->sender);

    json_decref(root);
    return good;
}
