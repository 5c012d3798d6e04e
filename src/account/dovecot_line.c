/* Cuts Dovecot's lines into words. See dovecot_line.h. */
#include "account/dovecot_line.h"

static const struct {
    struct slice name;
    enum dovecot_word word;
} names[] = {
    {SLICE_INIT("VERSION"), DOVECOT_VERSION},
    {SLICE_INIT("SPID"), DOVECOT_SPID},
    {SLICE_INIT("MECH"), DOVECOT_MECH},
    {SLICE_INIT("DONE"), DOVECOT_DONE},
    {SLICE_INIT("OK"), DOVECOT_OK},
    {SLICE_INIT("FAIL"), DOVECOT_FAIL},
    {SLICE_INIT("CONT"), DOVECOT_CONT},
    {SLICE_INIT("USER"), DOVECOT_USER},
    {SLICE_INIT("NOTFOUND"), DOVECOT_NOTFOUND},
};

static enum dovecot_word find_word(struct slice name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_eq(name, names[i].name))
            return names[i].word;
    }
    return DOVECOT_OTHER;
}

bool dovecot_line_parse(struct slice text, struct dovecot_line *ret_line)
{
    struct dovecot_line line = {.words = text};
    uint64_t id;

    line.word = find_word(slice_cut(&line.words, '\t'));
    if (line.word >= DOVECOT_OK) {
        if (!line.words.ptr || !slice_parse_u64(slice_cut(&line.words, '\t'), UINT32_MAX, &id))
            return false;
        line.id = (uint32_t)id;
    }
    *ret_line = line;
    return true;
}

bool dovecot_line_is_version_1(const struct dovecot_line *line)
{
    struct slice words = line->words;

    return line->word == DOVECOT_VERSION && words.ptr &&
           slice_eq(slice_cut(&words, '\t'), SLICE("1"));
}

static char unescape_char(char c)
{
    switch (c) {
    case '0':
        return '\0';
    case '1':
        return '\001';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default:
        return c;
    }
}

static struct slice unescape(struct arena *arena, struct slice text)
{
    char *plain = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\001' && i + 1 < text.len)
            plain[len++] = unescape_char(text.ptr[++i]);
        else
            plain[len++] = text.ptr[i];
    }
    return slice_from(plain, len);
}

static bool find_raw(const struct dovecot_line *line, struct slice name, struct slice *ret_value)
{
    struct slice rest = line->words;

    while (rest.ptr) {
        struct slice value = slice_cut(&rest, '\t');
        if (!slice_eq(slice_cut(&value, '='), name))
            continue;
        *ret_value = value;
        return true;
    }
    return false;
}

bool dovecot_line_find(const struct dovecot_line *line, struct slice name, struct arena *arena,
                       struct slice *ret_value)
{
    struct slice raw;

    if (!find_raw(line, name, &raw))
        return false;
    *ret_value = unescape(arena, raw);
    return true;
}

bool dovecot_line_is_temporary(const struct dovecot_line *line)
{
    struct slice code;

    return find_raw(line, SLICE("temp"), &code) ||
           (find_raw(line, SLICE("code"), &code) && slice_eq(code, SLICE("temp_fail")));
}
