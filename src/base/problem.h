/*
 * A problem is what a person must read: where it is, what is wrong, what would be right.
 *
 * Problems are gathered in a list, so that all of them can be told at once. Where a file and line
 * are known they come first: "nuncio.conf:12: unknown setting 'hostnmae', did you mean 'hostname'?"
 */
#ifndef NUNCIO_BASE_PROBLEM_H
#define NUNCIO_BASE_PROBLEM_H

#include "base/arena.h"

struct problem {
    struct slice file; /* empty when there is none */
    unsigned line;     /* 0 when there is none */
    struct slice text; /* what is wrong, and what instead */
    struct problem *next;
};

/* At most PROBLEMS_MAX are kept; `count` counts them all. */
enum { PROBLEMS_MAX = 100 };

struct problem_list {
    struct arena arena;
    struct problem *first;
    struct problem *last;
    unsigned count;
};

void problem_list_init(struct problem_list *list);
void problem_list_done(struct problem_list *list);

void problem_add(struct problem_list *list, struct slice file, unsigned line, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* "file:line: text" into *ret_line, from the list's arena. */
struct slice problem_line(struct problem_list *list, const struct problem *problem);

#endif
