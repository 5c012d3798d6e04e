/* Certificates as they travel from the parent to receive. */
#include "io/tls_material.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice stored = slice_from(data, size);
    struct tls_material material;
    struct arena arena;

    arena_init(&arena);
    if (tls_material_decode(stored, &arena, &material) == 0) {
        /* There is one way to say a thing. */
        struct buf again;
        buf_init(&again, size);
        tls_material_encode(&again, &material);
        if (again.overflow || !slice_eq(buf_slice(&again), stored))
            abort();
        buf_done(&again);
    }
    arena_done(&arena);
    return 0;
}
