/* An outcome that was read says the same after it was written again, and merging it is safe. */
#include "spool/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome_state state = {0};
    struct outcome outcome;
    struct arena arena;
    struct buf again;

    arena_init(&arena);
    buf_init(&again, SIZE_MAX);
    if (outcome_decode(slice_from(data, size), &arena, &outcome) == 0) {
        outcome_encode(&again, &outcome);
        /* Flags that have no meaning yet are not kept, nor are fields (version 3). */
        if ((data[0] < 3 && again.len != size) ||
            outcome_is_finished(buf_slice(&again)) != outcome.finished)
            abort();
        outcome_merge(&state, &arena, &outcome);
        outcome_merge(&state, &arena, &outcome);
        if (state.n_recipients > outcome.n_recipients || state.n_added != outcome.n_added)
            abort();
    }
    buf_done(&again);
    arena_done(&arena);
    return 0;
}
