/* A line of a log file: read, searched for terms, and read again from its text. */
#include "history/terms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_term(void *arg, enum term_kind kind, struct slice text)
{
    (void)arg;
    (void)kind;
    if (text.len == 0 || text.len > TERM_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct event event = {0}, again = {0};

    arena_init(&arena);
    if (event_read(slice_from(data, size), &arena, &event) == 0) {
        terms_of_event(&event, on_term, NULL);
        if (event_read_fields(event.text, &arena, &again) < 0 || again.n_fields != event.n_fields)
            abort();
    }
    arena_done(&arena);
    return 0;
}
