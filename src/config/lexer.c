/*
 * Cutting a configuration file into tokens. See lexer.h.
 *
 * Nothing is expanded here or later: no variables, no escapes but the two that quotes need, no
 * continued lines. A number sign or a quote in the middle of a bare word is a mistake rather than
 * data or a comment, because a reader would take it for either (think of a password with '#').
 * Control characters are mistakes too: what cannot be seen must not decide anything.
 */
#include "config/lexer.h"

void lexer_init(struct lexer *lexer, struct slice file, struct slice text, struct arena *arena,
                struct problem_list *problems)
{
    static const struct slice byte_order_mark = SLICE_INIT("\xEF\xBB\xBF");

    if (slice_eq(slice_sub(text, 0, byte_order_mark.len), byte_order_mark))
        text = slice_skip(text, byte_order_mark.len);
    *lexer =
        (struct lexer){.rest = text, .file = file, .line = 1, .arena = arena, .problems = problems};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && !is_blank(c) && c != '\n') || c == 0x7f;
}

static bool ends_word(char c)
{
    return is_blank(c) || c == '\n' || c == ';' || c == '{' || c == '}';
}

static void skip_blanks_and_comment(struct lexer *lexer)
{
    struct slice rest = lexer->rest;

    while (rest.len && is_blank(rest.ptr[0]))
        rest = slice_skip(rest, 1);
    if (rest.len && rest.ptr[0] == '#') {
        while (rest.len && rest.ptr[0] != '\n')
            rest = slice_skip(rest, 1);
    }
    lexer->rest = rest;
}

static void complain(struct lexer *lexer, const char *text)
{
    problem_add(lexer->problems, lexer->file, lexer->line, "%s", text);
}

static struct slice bare_word(struct lexer *lexer)
{
    struct slice rest = lexer->rest, word;
    bool control = false, special = false;
    size_t n = 0;

    for (; n < rest.len && !ends_word(rest.ptr[n]); n++) {
        control = control || is_control(rest.ptr[n]);
        special = special || rest.ptr[n] == '#' || rest.ptr[n] == '"';
    }
    word = slice_sub(rest, 0, n);
    lexer->rest = slice_skip(rest, n);
    if (control)
        complain(lexer, "control character in a word; remove it");
    if (special)
        problem_add(lexer->problems, lexer->file, lexer->line,
                    "'#' or '\"' inside the word %.*s; put the whole value in quotes, "
                    "or a blank before the comment",
                    SLICE_ARG(word));
    return word;
}

/* The text between quotes with its escapes undone, into the arena only when there are any. */
static struct slice unescape(struct lexer *lexer, struct slice quoted)
{
    struct slice copy;
    char *to;

    if (slice_find(quoted, '\\') < 0)
        return quoted;
    copy = arena_dup(lexer->arena, quoted);
    to = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < quoted.len; i++) {
        if (quoted.ptr[i] == '\\' && i + 1 < quoted.len)
            i++;
        *to++ = quoted.ptr[i];
    }
    copy.len = (size_t)(to - copy.ptr);
    return copy;
}

static struct slice quoted_word(struct lexer *lexer)
{
    struct slice rest = slice_skip(lexer->rest, 1);
    bool control = false, escape = false;
    size_t n = 0;

    for (; n < rest.len && rest.ptr[n] != '"' && rest.ptr[n] != '\n'; n++) {
        control = control || is_control(rest.ptr[n]);
        if (rest.ptr[n] != '\\')
            continue;
        if (n + 1 < rest.len && (rest.ptr[n + 1] == '"' || rest.ptr[n + 1] == '\\'))
            n++;
        else
            escape = true;
    }
    if (control)
        complain(lexer, "control character in quotes; remove it");
    if (escape)
        complain(lexer, "'\\' in quotes; only \\\" and \\\\ are known there");
    if (n == rest.len || rest.ptr[n] == '\n') {
        complain(lexer, "the quote is not closed; end it with '\"' on the same line");
        lexer->rest = slice_skip(rest, n);
        return unescape(lexer, slice_sub(rest, 0, n));
    }
    lexer->rest = slice_skip(rest, n + 1);
    if (lexer->rest.len && !ends_word(lexer->rest.ptr[0]))
        complain(lexer, "something stands right after the closing quote; put a blank between them");
    return unescape(lexer, slice_sub(rest, 0, n));
}

struct token lexer_next(struct lexer *lexer)
{
    struct token token = {.kind = TOKEN_EOF};
    char c;

    skip_blanks_and_comment(lexer);
    token.line = lexer->line;
    if (lexer->rest.len == 0)
        return token;
    c = lexer->rest.ptr[0];
    if (c == '"' || !ends_word(c)) {
        token.kind = TOKEN_WORD;
        token.text = c == '"' ? quoted_word(lexer) : bare_word(lexer);
        return token;
    }
    if (c == '\n')
        lexer->line++;
    lexer->rest = slice_skip(lexer->rest, 1);
    token.kind = c == '{' ? TOKEN_OPEN : c == '}' ? TOKEN_CLOSE : TOKEN_END;
    return token;
}
