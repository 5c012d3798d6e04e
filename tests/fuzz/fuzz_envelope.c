/* An envelope that is read is written in a form that is read as the same one. */
#include "mail/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct envelope envelope;
    struct envelope again;
    struct arena arena;
    struct buf first;
    struct buf second;

    arena_init(&arena);
    buf_init(&first, 2 * size + 100);
    buf_init(&second, 2 * size + 100);
    if (envelope_decode(slice_from(data, size), &arena, &envelope) == 0) {
        envelope_encode(&first, &envelope);
        if (envelope_decode(buf_slice(&first), &arena, &again) != 0)
            abort();
        envelope_encode(&second, &again);
        if (first.overflow || !slice_eq(buf_slice(&first), buf_slice(&second)) ||
            envelope.n_recipients != again.n_recipients || envelope.id != again.id)
            abort();
    }
    buf_done(&first);
    buf_done(&second);
    arena_done(&arena);
    return 0;
}
