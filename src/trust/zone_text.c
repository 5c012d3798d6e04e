/*
 * Words of a master file. See zone_text.h.
 *
 * Each byte is looked at two or three times, whatever stands in the file. Lines end in LF or CRLF.
 * After a problem reading goes on with the next line, so that all problems can be told at once.
 */
#include "trust/zone_text.h"

#include <errno.h>

enum { WORDS_FIRST = 16, WORDS_MAX = 4096 };

struct reading {
    struct zone_text *text;
    struct zone_entry *entry;
    const char *problem;
    unsigned size; /* of entry->words */
    unsigned depth;
};

void zone_text_init(struct zone_text *text, struct slice file, struct arena *arena)
{
    *text = (struct zone_text){.rest = file, .line = 1, .arena = arena};
}

static bool at_blank(const struct zone_text *text)
{
    return text->rest.len && (ascii_is_blank(text->rest.ptr[0]) || text->rest.ptr[0] == '\r');
}

static void skip(struct zone_text *text)
{
    text->rest = slice_skip(text->rest, 1);
}

/* "\X" and "\DDD"; behind the backslash. */
static char take_escape(struct reading *reading)
{
    struct slice rest = reading->text->rest;
    uint64_t value;

    if (rest.len == 0 || rest.ptr[0] == '\n') {
        reading->problem = "a backslash at the end of a line escapes nothing; write \\\\ for one";
        return 0;
    }
    if (!ascii_is_digit(rest.ptr[0])) {
        skip(reading->text);
        return rest.ptr[0];
    }
    if (rest.len < 3 || !slice_parse_u64(slice_sub(rest, 0, 3), 255, &value)) {
        reading->problem = "a backslash before a digit wants three of them, \\000 to \\255";
        return 0;
    }
    reading->text->rest = slice_skip(rest, 3);
    return (char)(unsigned char)value;
}

static bool ends_word(struct slice rest, bool quoted)
{
    if (rest.len == 0 || rest.ptr[0] == '\n')
        return true;
    return quoted ? rest.ptr[0] == '"' : slice_find(SLICE(" \t\r;()\""), rest.ptr[0]) >= 0;
}

static struct zone_word *new_word(struct reading *reading)
{
    struct zone_entry *entry = reading->entry;

    if (entry->n_words == WORDS_MAX) {
        reading->problem = "this entry has too many words; divide it";
        return NULL;
    }
    if (entry->n_words == reading->size) {
        unsigned size = reading->size ? reading->size * 4 : WORDS_FIRST;
        struct zone_word *words = arena_alloc(reading->text->arena, size * sizeof(*words));
        if (entry->n_words)
            memcpy(words, entry->words, entry->n_words * sizeof(*words));
        entry->words = words;
        reading->size = size;
    }
    return &entry->words[entry->n_words++];
}

/* How long the word is that begins here, escapes and all. */
static size_t measure_word(struct slice rest, bool quoted)
{
    const char *from = rest.ptr;

    while (!ends_word(rest, quoted))
        rest = slice_skip(rest, rest.ptr[0] == '\\' ? 2 : 1);
    return (size_t)(rest.ptr - from);
}

static void take_word(struct reading *reading)
{
    struct zone_text *text = reading->text;
    bool quoted = text->rest.ptr[0] == '"';
    struct zone_word *word = new_word(reading);
    char *to;

    if (!word)
        return;
    word->quoted = quoted;
    if (quoted)
        skip(text);
    to = arena_alloc(text->arena, measure_word(text->rest, quoted) + 1);
    word->text.ptr = to;
    while (!ends_word(text->rest, quoted) && !reading->problem) {
        char byte = text->rest.ptr[0];
        skip(text);
        *to++ = byte == '\\' ? take_escape(reading) : byte;
    }
    word->text.len = (size_t)(to - word->text.ptr);
    if (!quoted || reading->problem)
        return;
    if (text->rest.len == 0 || text->rest.ptr[0] != '"')
        reading->problem = "a string has no closing quote; strings end on the line they begin on";
    else
        skip(text);
}

/* The last word is a type TXT, not the name of the entry, and a text without quotes follows. */
static bool at_plain_text(const struct reading *reading)
{
    const struct zone_entry *entry = reading->entry;
    const struct zone_word *last;

    if (reading->depth || entry->n_words < (entry->indented ? 1 : 2))
        return false;
    last = &entry->words[entry->n_words - 1];
    return !last->quoted && slice_eq_nocase(last->text, SLICE("TXT")) &&
           !strchr("\"(!;\n", reading->text->rest.ptr[0]);
}

static void take_plain_text(struct reading *reading)
{
    ptrdiff_t end = slice_find(reading->text->rest, '\n');
    struct slice line =
        end < 0 ? reading->text->rest : slice_sub(reading->text->rest, 0, (size_t)end);
    struct zone_word *word = new_word(reading);

    reading->text->rest = slice_skip(reading->text->rest, line.len);
    if (word)
        *word = (struct zone_word){.text = slice_trim(line), .quoted = true};
}

static void take_parenthesis(struct reading *reading)
{
    bool opens = reading->text->rest.ptr[0] == '(';

    skip(reading->text);
    if (opens ? reading->depth > 0 : reading->depth == 0)
        reading->problem = opens ? "a parenthesis inside parentheses; take one of them out"
                                 : "a closing parenthesis without an opening one";
    else
        reading->depth = opens;
}

static void skip_comment(struct zone_text *text)
{
    ptrdiff_t end = slice_find(text->rest, '\n');

    text->rest = slice_skip(text->rest, end < 0 ? text->rest.len : (size_t)end);
}

/* False at the end of the entry. */
static bool take_piece(struct reading *reading)
{
    struct zone_text *text = reading->text;

    if (text->rest.len == 0) {
        if (reading->depth)
            reading->problem = "a parenthesis is not closed; write ) where the entry ends";
        return false;
    }
    switch (text->rest.ptr[0]) {
    case '\n':
        skip(text);
        text->line++;
        return reading->depth > 0;
    case ';':
        skip_comment(text);
        return true;
    case '(':
    case ')':
        take_parenthesis(reading);
        break;
    default:
        if (at_blank(text))
            skip(text);
        else if (at_plain_text(reading))
            take_plain_text(reading);
        else
            take_word(reading);
        break;
    }
    return reading->problem == NULL;
}

static void skip_line(struct zone_text *text)
{
    (void)slice_cut(&text->rest, '\n');
    text->line++;
}

int zone_text_next(struct zone_text *text, struct zone_entry *ret_entry, const char **ret_problem)
{
    while (text->rest.len) {
        struct reading reading = {.text = text, .entry = ret_entry};
        *ret_entry = (struct zone_entry){.line = text->line, .indented = at_blank(text)};
        while (take_piece(&reading))
            continue;
        if (reading.problem) {
            *ret_problem = reading.problem;
            skip_line(text);
            return -EINVAL;
        }
        if (ret_entry->n_words)
            return 1;
    }
    return 0;
}
