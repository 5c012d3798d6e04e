/* Reading scripts. See script.h. */
#include "script.h"

#include <stdarg.h>

enum { SCRIPT_MAX = 1024 * 1024 };

static const struct {
    const char *word;
    enum script_kind kind;
} words[] = {
    {"service", SCRIPT_SERVICE}, {"config", SCRIPT_CONFIG}, {"listen", SCRIPT_LISTEN},
    {"client", SCRIPT_CLIENT},   {"only", SCRIPT_ONLY},     {"C:", SCRIPT_SAY},
    {"C|", SCRIPT_SAY},          {"S-", SCRIPT_CONTINUED},  {"S:", SCRIPT_REPLY},
    {"nothing", SCRIPT_NOTHING}, {"closed", SCRIPT_CLOSED}, {"sleep", SCRIPT_SLEEP},
    {"spool", SCRIPT_SPOOL},     {"commit", SCRIPT_COMMIT}, {"messages", SCRIPT_MESSAGES},
    {"M:", SCRIPT_HAS},          {"M!", SCRIPT_HAS_NOT},    {"unread", SCRIPT_UNREAD},
    {"stop", SCRIPT_STOP},       {"auth", SCRIPT_AUTH},     {"early", SCRIPT_EARLY},
    {"dns", SCRIPT_DNS},
};

static void die(const char *path, unsigned number, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", path, number, what);
    exit(2);
}

static int hex_digit(char c)
{
    return ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

/* "\\{N*TEXT}" behind its brace; *ret_text may have escapes. Returns what follows it. */
static struct slice take_repeated(struct slice rest, uint64_t *ret_count, struct slice *ret_text)
{
    ptrdiff_t star = slice_find(rest, '*'), end = slice_find(rest, '}');

    if (star < 0 || end < star ||
        !slice_parse_u64(slice_sub(rest, 0, (size_t)star), 1 << 24, ret_count))
        return SLICE_NULL;
    *ret_text = slice_sub(rest, (size_t)star + 1, (size_t)(end - star - 1));
    return slice_skip(rest, (size_t)end + 1);
}

static char plain_escape(char c)
{
    return c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
}

static void unescape_flat(struct buf *out, struct slice text)
{
    while (text.len) {
        char c = text.ptr[0], next = text.len > 1 ? text.ptr[1] : '\0';
        text = slice_skip(text, c == '\\' ? 2 : 1);
        if (c == '\\' && next == 'x' && text.len >= 2) {
            buf_add_char(out, (char)(hex_digit(text.ptr[0]) << 4 | hex_digit(text.ptr[1])));
            text = slice_skip(text, 2);
        } else {
            buf_add_char(out, c == '\\' ? plain_escape(next) : c);
        }
    }
}

static void unescape(struct buf *out, struct slice text)
{
    for (;;) {
        const char *brace = text.len ? memmem(text.ptr, text.len, "\\{", 2) : NULL;
        size_t before = brace ? (size_t)(brace - text.ptr) : text.len;
        struct slice repeated = SLICE_NULL;
        uint64_t count = 0;
        unescape_flat(out, slice_sub(text, 0, before));
        if (!brace)
            return;
        text = take_repeated(slice_skip(text, before + 2), &count, &repeated);
        while (count--)
            unescape_flat(out, repeated);
    }
}

static void take_line(const char *path, struct slice text, struct script_line *line)
{
    struct slice rest = text, word = slice_cut(&rest, ' ');
    struct buf out;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!slice_eq(word, slice_from_cstr(words[i].word)))
            continue;
        buf_init(&out, SIZE_MAX);
        line->kind = words[i].kind;
        if (line->kind == SCRIPT_SAY || line->kind == SCRIPT_EARLY)
            unescape(&out, rest);
        else
            buf_add_slice(&out, rest);
        if (slice_eq(word, SLICE("C:")))
            buf_add(&out, "\r\n", 2);
        line->len = out.len;
        buf_add_char(&out, '\0');
        line->text = out.ptr;
        return;
    }
    die(path, line->number, "what is this?");
}

void script_load(const char *path, struct script *ret_script)
{
    FILE *file = fopen(path, "r");
    struct slice rest;
    struct buf text;
    unsigned number = 0;

    if (!file)
        die(path, 0, "cannot be opened");
    buf_init(&text, SCRIPT_MAX);
    buf_added(&text, fread(buf_reserve(&text, SCRIPT_MAX), 1, SCRIPT_MAX, file));
    fclose(file);
    *ret_script = (struct script){.count = 0};
    rest = buf_slice(&text);
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        number++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        ret_script->lines =
            xrealloc(ret_script->lines, (ret_script->count + 1) * sizeof(*ret_script->lines));
        ret_script->lines[ret_script->count] = (struct script_line){.number = number};
        take_line(path, line, &ret_script->lines[ret_script->count++]);
    }
    buf_done(&text);
}

void script_free(struct script *script)
{
    for (unsigned i = 0; i < script->count; i++)
        free(script->lines[i].text);
    free(script->lines);
}

const struct script_line *script_find(const struct script *script, enum script_kind kind)
{
    for (unsigned i = 0; i < script->count; i++) {
        if (script->lines[i].kind == kind)
            return &script->lines[i];
    }
    return NULL;
}
