#include "hostile_names.h"

#include <errno.h>
#include <stdlib.h>

static void add_line(struct hostile_names *names, struct slice line)
{
    char kind = line.len ? line.ptr[0] : '?';
    struct trust_answer *last = names->n_answers ? &names->answers[names->n_answers - 1] : NULL;
    struct trust_record *records;

    if (kind == '+' && last && last->result == TRUST_FOUND && last->n_records < 2) {
        ((struct trust_record *)(uintptr_t)last->records)[last->n_records++].bytes =
            slice_skip(line, 1);
        return;
    }
    if (names->n_answers == HOSTILE_LINES)
        return;
    records = arena_alloc(&names->arena, 2 * sizeof(*records));
    records[0].bytes = line;
    names->answers[names->n_answers++] = (struct trust_answer){
        .result = kind == '!'   ? TRUST_FAILED
                  : kind == '?' ? TRUST_NO_NAME
                  : kind == '-' ? TRUST_NO_DATA
                                : TRUST_FOUND,
        .records = records,
        .n_records = 1,
        .why = line,
    };
}

void hostile_names_init(struct hostile_names *names, struct slice records)
{
    names->n_answers = names->n_asked = 0;
    arena_init(&names->arena);
    do
        add_line(names, slice_cut(&records, '\n'));
    while (records.ptr);
}

void hostile_names_done(struct hostile_names *names)
{
    arena_done(&names->arena);
}

static int ask(void *arg, struct slice name, enum trust_type type,
               const struct trust_answer **ret_answer)
{
    struct hostile_names *names = arg;

    (void)type;
    *ret_answer = &names->answers[(name.len + (size_t)slice_find(name, '.')) % names->n_answers];
    for (unsigned i = 0; i < names->n_asked; i++) {
        if (slice_eq(names->asked[i], name))
            return 0;
    }
    if (names->n_asked == HOSTILE_QUESTIONS)
        abort();
    names->asked[names->n_asked++] = arena_dup(&names->arena, name);
    return -EAGAIN;
}

struct trust_names hostile_names_of(struct hostile_names *names)
{
    return (struct trust_names){.ask = ask, .arg = names};
}
