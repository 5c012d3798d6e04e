/*
 * A DNS in the hands of whoever wrote the input: each line of `records` is an answer, and which one
 * a question gets hangs on its name. Every question is under way when it is asked first.
 */
#ifndef NUNCIO_TESTS_FUZZ_HOSTILE_NAMES_H
#define NUNCIO_TESTS_FUZZ_HOSTILE_NAMES_H

#include "trust/names.h"

enum { HOSTILE_LINES = 32, HOSTILE_QUESTIONS = 4000 };

struct hostile_names {
    struct trust_answer answers[HOSTILE_LINES];
    unsigned n_answers;
    struct slice asked[HOSTILE_QUESTIONS];
    unsigned n_asked;
    struct arena arena;
};

/* Lines that begin with "!" fail, with "?" there is no such name, with "-" no such record; "+" puts
 * a record to the answer before. */
void hostile_names_init(struct hostile_names *names, struct slice records);
void hostile_names_done(struct hostile_names *names);
struct trust_names hostile_names_of(struct hostile_names *names);

#endif
