/* Gathering what a person must read. See problem.h. */
#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>

void problem_list_init(struct problem_list *list)
{
    *list = (struct problem_list){0};
    arena_init(&list->arena);
}

void problem_list_done(struct problem_list *list)
{
    arena_done(&list->arena);
    problem_list_init(list);
}

void problem_add(struct problem_list *list, struct slice file, unsigned line, const char *format,
                 ...)
{
    struct problem *problem;
    char text[1024];
    va_list args;

    list->count++;
    if (list->count > PROBLEMS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem = arena_alloc(&list->arena, sizeof(*problem));
    problem->file = arena_dup(&list->arena, file);
    problem->line = line;
    problem->text = arena_dup(&list->arena, slice_from_cstr(text));
    if (list->last)
        list->last->next = problem;
    else
        list->first = problem;
    list->last = problem;
}

struct slice problem_line(struct problem_list *list, const struct problem *problem)
{
    if (problem->file.len == 0)
        return problem->text;
    if (problem->line == 0)
        return arena_printf(&list->arena, "%.*s: %.*s", SLICE_ARG(problem->file),
                            SLICE_ARG(problem->text));
    return arena_printf(&list->arena, "%.*s:%u: %.*s", SLICE_ARG(problem->file), problem->line,
                        SLICE_ARG(problem->text));
}
