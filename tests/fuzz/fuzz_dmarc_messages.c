/* The messages about DMARC reports: what decodes encodes to the same bytes. */
#include "io/dmarc_message.h"

#include <stdlib.h>

#define TRY(name)                                                                                  \
    do {                                                                                           \
        struct name message;                                                                       \
        if (name##_decode(payload, &arena, &message) == 0) {                                       \
            struct buf again;                                                                      \
            buf_init(&again, size);                                                                \
            name##_encode(&again, &message);                                                       \
            if (again.overflow || !slice_eq(buf_slice(&again), payload))                           \
                abort();                                                                           \
            buf_done(&again);                                                                      \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice payload = slice_from(data, size);
    struct arena arena;

    arena_init(&arena);
    TRY(msg_dmarc_row);
    TRY(msg_dmarc_send);
    TRY(msg_dmarc_sent);
    arena_done(&arena);
    return 0;
}
