/*
 * Names with their records. See zone_table.h.
 *
 * A hash table of names; each has an answer for each type that evaluators know, made while the file
 * is read and given out as it is. A name exists when something is below it (RFC 8020), so each name
 * brings its parents with it. Wildcards are those of RFC 4592: "*" below the closest name that
 * exists. CNAMEs are followed when asked, CNAMES_MAX of them.
 */
#include "trust/zone_table.h"

#include <errno.h>

enum { N_TYPES = 5, CNAMES_MAX = 8, LABEL_MAX = 63, BUCKETS_FIRST = 64 };

struct type_answer {
    struct trust_answer answer;
    struct trust_record *records; /* with room for `size` */
    unsigned size;
};

struct zone_name {
    struct zone_name *next; /* in its bucket */
    struct slice text;
    bool is_alias;
    struct slice target;
    struct type_answer types[N_TYPES];
};

static const struct trust_answer no_name = {.result = TRUST_NO_NAME};
static const struct trust_answer too_long_chain = {.result = TRUST_FAILED,
                                                   .why = SLICE_INIT("too many CNAMEs")};

static unsigned type_index(enum trust_type type)
{
    switch (type) {
    case TRUST_A:
        return 0;
    case TRUST_AAAA:
        return 1;
    case TRUST_MX:
        return 2;
    case TRUST_PTR:
        return 3;
    case TRUST_TXT:
        break;
    }
    return 4;
}

bool zone_name_clean(struct slice text, char space[static ZONE_NAME_SPACE], struct slice *ret_name)
{
    size_t label = 0;

    if (text.len && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len > TRUST_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dot = text.ptr[i] == '.';
        if (dot ? label == 0 : label == LABEL_MAX)
            return false;
        label = dot ? 0 : label + 1;
        space[i] = ascii_lower(text.ptr[i]);
    }
    *ret_name = slice_from(space, text.len);
    return text.len == 0 || label > 0;
}

void zone_table_init(struct zone_table *table, struct arena *arena)
{
    *table = (struct zone_table){.arena = arena, .mask = BUCKETS_FIRST - 1};
    table->buckets = arena_alloc(arena, BUCKETS_FIRST * sizeof(struct zone_name *));
}

static struct zone_name **bucket(const struct zone_table *table, struct slice name)
{
    return &table->buckets[slice_hash(name) & table->mask];
}

static struct zone_name *find(const struct zone_table *table, struct slice name)
{
    for (struct zone_name *at = *bucket(table, name); at; at = at->next) {
        if (slice_eq(at->text, name))
            return at;
    }
    return NULL;
}

static void grow(struct zone_table *table)
{
    struct zone_name **old = table->buckets;
    size_t n_old = table->mask + 1;

    table->mask = n_old * 4 - 1;
    table->buckets = arena_alloc(table->arena, n_old * 4 * sizeof(struct zone_name *));
    for (size_t i = 0; i < n_old; i++) {
        while (old[i]) {
            struct zone_name *name = old[i];
            struct zone_name **to = bucket(table, name->text);
            old[i] = name->next;
            name->next = *to;
            *to = name;
        }
    }
}

static struct zone_name *put_one(struct zone_table *table, struct slice text)
{
    struct zone_name *name = arena_alloc(table->arena, sizeof(*name));
    struct zone_name **to;

    if (table->n_names++ > table->mask)
        grow(table);
    to = bucket(table, text);
    name->text = arena_dup(table->arena, text);
    for (unsigned i = 0; i < N_TYPES; i++)
        name->types[i].answer.result = TRUST_NO_DATA;
    name->next = *to;
    *to = name;
    return name;
}

/* Without its first label; the parent of the root is the root. */
static struct slice parent_of(struct slice name)
{
    ptrdiff_t dot = slice_find(name, '.');

    return dot < 0 ? slice_skip(name, name.len) : slice_skip(name, (size_t)dot + 1);
}

struct zone_name *zone_table_put(struct zone_table *table, struct slice name)
{
    struct zone_name *found = find(table, name);

    if (found)
        return found;
    found = put_one(table, name);
    while (name.len) {
        name = parent_of(name);
        if (find(table, name))
            break;
        put_one(table, name);
    }
    return found;
}

int zone_name_add(struct zone_table *table, struct zone_name *name, enum trust_type type,
                  const struct trust_record *record)
{
    struct type_answer *of = &name->types[type_index(type)];
    unsigned count = of->answer.n_records;

    if (count == TRUST_RECORDS_MAX)
        return -ENOSPC;
    if (count == of->size) {
        of->size = of->size ? of->size * 4 : 1;
        of->records = arena_alloc(table->arena, of->size * sizeof(*of->records));
        if (count)
            memcpy(of->records, of->answer.records, count * sizeof(*of->records));
    }
    of->records[count] = *record;
    of->answer.records = of->records;
    of->answer.n_records++;
    if (of->answer.result == TRUST_NO_DATA)
        of->answer.result = TRUST_FOUND;
    return 0;
}

int zone_name_alias(struct zone_name *name, struct slice target)
{
    if (name->is_alias)
        return -EEXIST;
    name->is_alias = true;
    name->target = target;
    return 0;
}

void zone_name_fail(struct zone_name *name, enum trust_type type, const char *why)
{
    for (unsigned i = 0; i < N_TYPES; i++) {
        if (type && i != type_index(type))
            continue;
        name->types[i] =
            (struct type_answer){.answer = {.result = TRUST_FAILED, .why = slice_from_cstr(why)}};
    }
}

/* "*" below the closest name that exists; NULL: none. */
static const struct zone_name *find_wildcard(const struct zone_table *table, struct slice name)
{
    char space[TRUST_NAME_MAX + 3];

    while (name.len) {
        name = parent_of(name);
        if (!find(table, name))
            continue;
        space[0] = '*';
        space[1] = '.';
        if (name.len)
            memcpy(space + 2, name.ptr, name.len);
        return find(table, slice_from(space, name.len ? name.len + 2 : 1));
    }
    return NULL;
}

const struct trust_answer *zone_table_ask(const struct zone_table *table, struct slice asked,
                                          enum trust_type type)
{
    char space[ZONE_NAME_SPACE];
    struct slice text;

    if (!zone_name_clean(asked, space, &text))
        return &no_name;
    for (unsigned i = 0; i <= CNAMES_MAX; i++) {
        const struct zone_name *name = find(table, text);
        if (!name)
            name = find_wildcard(table, text);
        if (!name)
            return &no_name;
        if (!name->is_alias)
            return &name->types[type_index(type)].answer;
        text = name->target;
    }
    return &too_long_chain;
}
