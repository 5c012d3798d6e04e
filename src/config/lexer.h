/*
 * The tokens of a configuration file: words, braces, ends of statements.
 *
 * A word is either bare (no blank, quote, semicolon, brace or number sign in it) or in double
 * quotes, where \" and \\ stand for themselves and a line's end is a mistake. Mistakes go to the
 * problem list and the lexer goes on, so that one run finds all of them.
 */
#ifndef NUNCIO_CONFIG_LEXER_H
#define NUNCIO_CONFIG_LEXER_H

#include "base/problem.h"

enum token_kind {
    TOKEN_WORD,
    TOKEN_OPEN,  /* { */
    TOKEN_CLOSE, /* } */
    TOKEN_END,   /* a line's end, or ; */
    TOKEN_EOF,
};

struct token {
    enum token_kind kind;
    struct slice text; /* of a word, without its quotes; in the input or the arena */
    unsigned line;
};

struct lexer {
    struct slice rest;
    struct slice file;
    unsigned line;
    struct arena *arena;
    struct problem_list *problems;
};

/* The text must outlive the tokens. */
void lexer_init(struct lexer *lexer, struct slice file, struct slice text, struct arena *arena,
                struct problem_list *problems);
/* After the last one, TOKEN_EOF for ever. */
struct token lexer_next(struct lexer *lexer);

#endif
