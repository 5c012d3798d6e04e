/*
 * Words of a master file (RFC 1035 section 5.1): quotes, escapes, parentheses, comments. Behind the
 * word TXT, what does not begin with a quote, a parenthesis or "!" is one word to the end of the
 * line, as it stands.
 */
#ifndef NUNCIO_TRUST_ZONE_TEXT_H
#define NUNCIO_TRUST_ZONE_TEXT_H

#include "base/arena.h"

struct zone_word {
    struct slice text; /* without quotes and escapes, from the arena or the file */
    bool quoted;
};

/* An entry is a line, or several in parentheses. */
struct zone_entry {
    unsigned line;           /* its first */
    bool indented;           /* it begins with a blank: the name is the last one */
    struct zone_word *words; /* from the arena */
    unsigned n_words;
};

struct zone_text {
    struct slice rest;
    unsigned line;
    struct arena *arena;
};
void zone_text_init(struct zone_text *text, struct slice file, struct arena *arena);

/* 1 with an entry, 0 at the end; -EINVAL: *ret_problem says what is wrong in ret_entry->line. */
int zone_text_next(struct zone_text *text, struct zone_entry *ret_entry, const char **ret_problem);

#endif
