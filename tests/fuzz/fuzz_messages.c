/* The messages between roles: a role that was taken over may say anything to the others. */
#include "io/message.h"

#define TRY(name)                                                                                  \
    do {                                                                                           \
        struct name message;                                                                       \
        (void)name##_decode(payload, &arena, &message);                                            \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice payload = slice_from(data, size);
    struct arena arena;
    struct msg_unit unit;
    struct msg_done done;

    arena_init(&arena);
    TRY(msg_peer);
    TRY(msg_config_taken);
    TRY(msg_text);
    TRY(msg_ready);
    TRY(msg_admin);
    TRY(msg_durable);
    TRY(msg_taken);
    TRY(msg_resolve);
    TRY(msg_resolved);
    TRY(msg_usage);
    TRY(msg_run);
    TRY(msg_ran);
    while (payload.len && msg_done_decode(&payload, &arena, &done) == 0)
        ;
    payload = slice_from(data, size);
    if (msg_unit_decode(payload, &arena, &unit) == 0) {
        /* What decodes encodes to the same bytes: there is one way to say a thing. */
        struct buf again;
        buf_init(&again, size);
        msg_unit_encode(&again, &unit);
        if (again.overflow || !slice_eq(buf_slice(&again), payload))
            abort();
        buf_done(&again);
    }
    arena_done(&arena);
    return 0;
}
