/*
 * See suspend.h. A list that is walked: suspensions are few, and a look at a recipient costs a
 * comparison for each. The strings of one suspension are one allocation.
 */
#include "queue/suspend.h"

#include "mail/address.h"
#include "queue/lane_name.h"
#include "queue/pattern.h"

#include <jansson.h>
#include <string.h>

struct suspensions {
    struct suspension *list;
    unsigned n;
};

static const char *const kind_names[SUSPEND_KINDS] = {"lane", "domain", "sender", "source"};

const char *suspend_kind_name(enum suspend_kind kind)
{
    return kind_names[kind];
}

bool suspend_kind_find(struct slice name, enum suspend_kind *ret_kind)
{
    for (unsigned i = 0; i < SUSPEND_KINDS; i++) {
        if (!slice_eq(name, slice_from_cstr(kind_names[i])))
            continue;
        *ret_kind = (enum suspend_kind)i;
        return true;
    }
    return false;
}

struct suspensions *suspensions_new(void)
{
    return xcalloc(1, sizeof(struct suspensions));
}

static void free_texts(struct suspension *suspension)
{
    free((char *)(uintptr_t)suspension->what.ptr);
    free((char *)(uintptr_t)suspension->reason.ptr);
    free((char *)(uintptr_t)suspension->by.ptr);
}

void suspensions_free(struct suspensions *list)
{
    if (!list)
        return;
    for (unsigned i = 0; i < list->n; i++)
        free_texts(&list->list[i]);
    free(list->list);
    free(list);
}

static struct suspension *find(const struct suspensions *list, enum suspend_kind kind,
                               struct slice what)
{
    for (unsigned i = 0; i < list->n; i++) {
        if (list->list[i].kind == kind && slice_eq_nocase(list->list[i].what, what))
            return &list->list[i];
    }
    return NULL;
}

static struct slice copy(struct slice text)
{
    return slice_from(xslicedup(text), text.len);
}

bool suspensions_add(struct suspensions *list, const struct suspension *suspension)
{
    struct suspension *to = find(list, suspension->kind, suspension->what), old;

    if (!suspension->what.len || suspension->what.len > SUSPEND_TEXT_MAX ||
        suspension->reason.len > SUSPEND_TEXT_MAX || suspension->by.len > SUSPEND_TEXT_MAX ||
        (!to && list->n >= SUSPENSIONS_MAX))
        return false;
    if (!to) {
        list->list = xrealloc(list->list, (list->n + 1) * sizeof(*list->list));
        to = &list->list[list->n++];
        *to = (struct suspension){0};
    }
    old = *to;
    *to = *suspension;
    to->what = copy(suspension->what);
    to->reason = copy(suspension->reason);
    to->by = copy(suspension->by);
    free_texts(&old);
    return true;
}

static void drop(struct suspensions *list, struct suspension *suspension)
{
    size_t i = (size_t)(suspension - list->list);

    free_texts(suspension);
    memmove(suspension, suspension + 1, (list->n - i - 1) * sizeof(*suspension));
    list->n--;
}

bool suspensions_remove(struct suspensions *list, enum suspend_kind kind, struct slice what)
{
    struct suspension *suspension = find(list, kind, what);

    if (!suspension)
        return false;
    drop(list, suspension);
    return true;
}

unsigned suspensions_expire(struct suspensions *list, uint64_t wall_now_ms)
{
    unsigned before = list->n;

    for (unsigned i = list->n; i-- > 0;) {
        if (list->list[i].until_ms && list->list[i].until_ms <= wall_now_ms)
            drop(list, &list->list[i]);
    }
    return before - list->n;
}

unsigned suspensions_count(const struct suspensions *list)
{
    return list->n;
}

const struct suspension *suspensions_at(const struct suspensions *list, unsigned i)
{
    return &list->list[i];
}

/* ---- whom they hold back ------------------------------------------------------------------- */

static bool fits_sender(struct slice pattern, struct slice reverse_path, struct slice login)
{
    if (slice_eq(pattern, SLICE("<>")))
        return !reverse_path.len;
    return (reverse_path.len && pattern_fits(pattern, reverse_path)) ||
           (login.len && pattern_fits(pattern, login));
}

const struct suspension *suspensions_find(const struct suspensions *list, struct slice reverse_path,
                                          struct slice login, struct slice address,
                                          const struct lane_key *lane)
{
    for (unsigned i = 0; i < list->n; i++) {
        const struct suspension *suspension = &list->list[i];
        bool fits = false;
        switch (suspension->kind) {
        case SUSPEND_LANE:
            fits = lane_name_fits(suspension->what, lane);
            break;
        case SUSPEND_DOMAIN:
            fits = pattern_fits(suspension->what, address_domain(address));
            break;
        case SUSPEND_SENDER:
            fits = fits_sender(suspension->what, reverse_path, login);
            break;
        case SUSPEND_SOURCE:
            break; /* relay chooses another one */
        }
        if (fits)
            return suspension;
    }
    return NULL;
}

bool suspensions_hold_lane(const struct suspensions *list, const struct lane_key *lane)
{
    for (unsigned i = 0; i < list->n; i++) {
        if (list->list[i].kind == SUSPEND_LANE && lane_name_fits(list->list[i].what, lane))
            return true;
    }
    return false;
}

void suspensions_add_sources(const struct suspensions *list, struct arena *arena,
                             struct slice **sources, uint32_t *n)
{
    struct slice *all;

    if (!list->n)
        return;
    all = arena_alloc(arena, (*n + (size_t)list->n) * sizeof(*all));
    for (uint32_t i = 0; i < *n; i++)
        all[i] = (*sources)[i];
    for (unsigned i = 0; i < list->n && *n < UNIT_SOURCES_MAX; i++) {
        if (list->list[i].kind == SUSPEND_SOURCE)
            all[(*n)++] = list->list[i].what;
    }
    *sources = all;
}

/* ---- the stored form ----------------------------------------------------------------------- */

static json_t *encode_one(const struct suspension *suspension)
{
    return json_pack("{s:s,s:s%,s:I,s:I,s:s%,s:s%}", "kind", suspend_kind_name(suspension->kind),
                     "what", suspension->what.ptr, suspension->what.len, "since_ms",
                     (json_int_t)suspension->since_ms, "until_ms", (json_int_t)suspension->until_ms,
                     "reason", suspension->reason.ptr, suspension->reason.len, "by",
                     suspension->by.ptr, suspension->by.len);
}

void suspensions_encode(const struct suspensions *list, struct buf *out)
{
    json_t *array = json_array();
    char *text;

    for (unsigned i = 0; i < list->n; i++)
        json_array_append_new(array, encode_one(&list->list[i]));
    text = json_dumps(array, JSON_INDENT(1));
    if (text) {
        buf_add_cstr(out, text);
        buf_add_char(out, '\n');
    }
    free(text);
    json_decref(array);
}

static struct slice text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return slice_from(json_string_value(value), json_string_length(value));
}

static uint64_t time_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? (uint64_t)value : 0;
}

bool suspensions_decode(struct suspensions *list, struct slice text)
{
    json_t *array = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    bool sound = json_is_array(array);
    json_t *object;
    size_t i;

    json_array_foreach(array, i, object)
    {
        struct suspension suspension = {.what = text_of(object, "what"),
                                        .since_ms = time_of(object, "since_ms"),
                                        .until_ms = time_of(object, "until_ms"),
                                        .reason = text_of(object, "reason"),
                                        .by = text_of(object, "by")};
        sound = suspend_kind_find(text_of(object, "kind"), &suspension.kind) &&
                suspensions_add(list, &suspension) && sound;
    }
    json_decref(array);
    return sound;
}
