/*
 * See families.h. A family is what follows a "# HELP name" line up to the next one; a second one of
 * the same name adds its samples alone. What is ours is small: comparing names one by one will do.
 */
#include "web/families.h"

struct family {
    struct slice name;
    struct buf lines;
};

struct families {
    struct family list[FAMILIES_MAX];
    unsigned count;
};

static bool is_help(struct slice line, struct slice *ret_name)
{
    static const struct slice start = SLICE_INIT("# HELP ");

    if (!slice_starts_with_nocase(line, start))
        return false;
    line = slice_skip(line, start.len);
    *ret_name = slice_cut(&line, ' ');
    return true;
}

static struct family *find(struct families *families, struct slice name, bool *ret_new)
{
    *ret_new = false;
    for (unsigned i = 0; i < families->count; i++) {
        if (slice_eq(families->list[i].name, name))
            return &families->list[i];
    }
    if (families->count == FAMILIES_MAX)
        return NULL;
    *ret_new = true;
    families->list[families->count] = (struct family){.name = name};
    buf_init(&families->list[families->count].lines, SIZE_MAX);
    return &families->list[families->count++];
}

static void add_line(struct family *family, struct slice line)
{
    buf_add_slice(&family->lines, line);
    buf_add_char(&family->lines, '\n');
}

static void sort_lines(struct families *families, struct slice text)
{
    struct family *family = NULL;
    bool is_new = true;

    while (text.len) {
        struct slice line = slice_cut(&text, '\n'), name;
        if (is_help(line, &name))
            family = find(families, name, &is_new);
        if (!family || line.len == 0 || (!is_new && line.ptr[0] == '#'))
            continue;
        add_line(family, line);
    }
}

void families_merge(struct buf *out, struct slice text)
{
    struct families *families = xcalloc(1, sizeof(*families));

    sort_lines(families, text);
    for (unsigned i = 0; i < families->count; i++) {
        buf_add_slice(out, buf_slice(&families->list[i].lines));
        buf_done(&families->list[i].lines);
    }
    free(families);
}
