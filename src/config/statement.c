/*
 * Tokens to statements, and the splicing of included files. See statement.h.
 *
 * A statement ends at a line's end, at ';' or with a '}': its own, or that of the block around it.
 * The depth of blocks is bounded, so the recursion of parse_block() is. Files of the bundle are
 * visited at most once each, which bounds includes.
 */
#include "config/statement.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "config/lexer.h"

struct parser {
    struct lexer lexer;
    struct arena *arena;
    struct problem_list *problems;
    struct buf values; /* of the statement that is being read: struct slice after struct slice */
};

static struct statement *parse_block(struct parser *parser, unsigned depth);

static void complain(struct parser *parser, unsigned line, const char *text)
{
    problem_add(parser->problems, parser->lexer.file, line, "%s", text);
}

/* Reads on to the brace that closes the block just opened. */
static void skip_block(struct parser *parser)
{
    size_t open = 1;

    while (open > 0) {
        struct token token = lexer_next(&parser->lexer);
        if (token.kind == TOKEN_EOF)
            return;
        if (token.kind == TOKEN_OPEN)
            open++;
        else if (token.kind == TOKEN_CLOSE)
            open--;
    }
}

static void take_block(struct parser *parser, struct statement *statement, unsigned depth)
{
    statement->has_block = true;
    if (depth < STATEMENT_DEPTH_MAX) {
        statement->block = parse_block(parser, depth + 1);
        return;
    }
    complain(parser, parser->lexer.line, "too many blocks within each other");
    skip_block(parser);
}

static void keep_values(struct parser *parser, struct statement *statement)
{
    struct slice all = buf_slice(&parser->values);

    statement->n_values = all.len / sizeof(struct slice);
    if (statement->n_values) {
        statement->values = arena_alloc(parser->arena, all.len);
        memcpy(statement->values, all.ptr, all.len);
    }
}

/* The statement that begins with this word; *ret_close tells that it ended with the '}' of the
 * block around it. */
static struct statement *parse_statement(struct parser *parser, struct token first, unsigned depth,
                                         bool *ret_close, bool *ret_eof)
{
    struct statement *statement = arena_alloc(parser->arena, sizeof(*statement));
    struct token token;

    statement->source = (struct config_source){parser->lexer.file, first.line};
    statement->word = first.text;
    buf_reset(&parser->values);
    for (token = lexer_next(&parser->lexer); token.kind == TOKEN_WORD;
         token = lexer_next(&parser->lexer))
        buf_add(&parser->values, &token.text, sizeof(token.text));
    keep_values(parser, statement);
    if (token.kind == TOKEN_OPEN)
        take_block(parser, statement, depth);
    *ret_close = token.kind == TOKEN_CLOSE;
    *ret_eof = token.kind == TOKEN_EOF;
    return statement;
}

static void expect_depth(struct parser *parser, bool closed, unsigned depth, unsigned opened)
{
    if (closed && depth == 0)
        complain(parser, parser->lexer.line, "'}' without a '{'; remove it");
    if (!closed && depth > 0)
        problem_add(parser->problems, parser->lexer.file, opened,
                    "the block that begins here is not closed; a '}' is missing");
}

/* Up to the '}' of this block; at depth 0 up to the end of the file. */
static struct statement *parse_block(struct parser *parser, unsigned depth)
{
    struct statement *first = NULL, **last = &first;
    unsigned opened = parser->lexer.line;
    bool close = false, eof = false;

    while (!eof && (!close || depth == 0)) {
        struct token token = lexer_next(&parser->lexer);
        close = token.kind == TOKEN_CLOSE;
        eof = token.kind == TOKEN_EOF;
        if (token.kind == TOKEN_OPEN) {
            complain(parser, token.line, "'{' without a word before it on the same line");
            skip_block(parser);
        } else if (token.kind == TOKEN_WORD) {
            *last = parse_statement(parser, token, depth, &close, &eof);
            last = &(*last)->next;
        }
        if (close && depth == 0)
            expect_depth(parser, true, depth, opened);
    }
    if (eof)
        expect_depth(parser, false, depth, opened);
    return first;
}

/* 0: it all is. */
static unsigned line_that_is_not_utf8(struct slice text)
{
    unsigned line = 1;

    while (text.ptr) {
        if (!utf8_is_valid(slice_cut(&text, '\n')))
            return line;
        line++;
    }
    return 0;
}

struct statement *statement_parse(struct slice file, struct slice text, struct arena *arena,
                                  struct problem_list *problems)
{
    struct parser parser = {.arena = arena, .problems = problems};
    struct statement *first;
    unsigned bad_line = line_that_is_not_utf8(text);

    if (bad_line) {
        problem_add(problems, file, bad_line, "this is not UTF-8; save the file in that encoding");
        return NULL;
    }
    lexer_init(&parser.lexer, file, text, arena, problems);
    buf_init(&parser.values, SIZE_MAX);
    first = parse_block(&parser, 0);
    buf_done(&parser.values);
    return first;
}

bool statement_is_include(const struct statement *statement)
{
    return slice_eq(statement->word, SLICE("include")) && statement->n_values == 1 &&
           statement->values[0].len > 0 && !statement->has_block;
}

struct slice statement_include_path(const struct statement *statement, struct arena *arena)
{
    struct slice path = statement->values[0], from = statement->source.file;
    ptrdiff_t slash = slice_find_last(from, '/');

    if (path.ptr[0] == '/' || slash < 0)
        return path;
    return arena_printf(arena, "%.*s/%.*s", SLICE_ARG(slice_sub(from, 0, (size_t)slash)),
                        SLICE_ARG(path));
}

/* Parses the file that the statement names; NULL when there is nothing to put in its place. */
static struct statement *parse_included(const struct config_bundle *bundle, bool *used,
                                        const struct statement *include, struct arena *arena,
                                        struct problem_list *problems)
{
    struct slice path = statement_include_path(include, arena);

    for (size_t i = 0; i < bundle->count; i++) {
        if (!slice_eq(bundle->files[i].name, path))
            continue;
        if (used[i]) {
            problem_add(problems, include->source.file, include->source.line,
                        "%.*s is included already; include each file once", SLICE_ARG(path));
            return NULL;
        }
        used[i] = true;
        return statement_parse(bundle->files[i].name, bundle->files[i].text, arena, problems);
    }
    if (!bundle->incomplete)
        problem_add(problems, include->source.file, include->source.line,
                    "%.*s cannot be included here", SLICE_ARG(path));
    return NULL;
}

struct statement *statement_parse_bundle(const struct config_bundle *bundle, struct arena *arena,
                                         struct problem_list *problems)
{
    struct statement *first, **at = &first;
    bool *used = arena_alloc(arena, bundle->count * sizeof(*used));

    if (bundle->count == 0)
        return NULL;
    used[0] = true;
    first = statement_parse(bundle->files[0].name, bundle->files[0].text, arena, problems);
    while (*at) {
        struct statement *rest = (*at)->next, **end = at;
        if (!statement_is_include(*at)) {
            at = &(*at)->next;
            continue;
        }
        *at = parse_included(bundle, used, *at, arena, problems);
        while (*end)
            end = &(*end)->next;
        *end = rest;
    }
    return first;
}
