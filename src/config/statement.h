/*
 * The tree of statements: a word, its values, and perhaps a block of further statements.
 *
 *     listen mx { service mx; address *:25 }
 *
 * What the words mean is settings.h's business. Only `include FILE` is understood here: it stands
 * at the top level, and the file's statements take its place. A file can be included once, so
 * there are no loops.
 */
#ifndef NUNCIO_CONFIG_STATEMENT_H
#define NUNCIO_CONFIG_STATEMENT_H

#include "config/config.h"

struct statement {
    struct config_source source;
    struct slice word;
    struct slice *values;
    size_t n_values;
    bool has_block;
    struct statement *block; /* first of it */
    struct statement *next;
};

/* Blocks within blocks within blocks; more is a mistake. */
enum { STATEMENT_DEPTH_MAX = 4 };

/* The statements of one text, `include` left as it is. Text and file must outlive the arena. */
struct statement *statement_parse(struct slice file, struct slice text, struct arena *arena,
                                  struct problem_list *problems);

/* All statements of the bundle, includes in their places. */
struct statement *statement_parse_bundle(const struct config_bundle *bundle, struct arena *arena,
                                         struct problem_list *problems);

/* Whether it is an include with its one value. */
bool statement_is_include(const struct statement *statement);
/* The path that an include means: relative to the folder of the including file. */
struct slice statement_include_path(const struct statement *statement, struct arena *arena);

#endif
