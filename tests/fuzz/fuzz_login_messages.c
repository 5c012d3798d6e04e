/* The messages about logging in: a role that was taken over may say anything to the others. The
 * first byte picks the message; what decodes encodes to the same bytes. */
#include "io/login_message.h"

#define TRY(name)                                                                                  \
    do {                                                                                           \
        struct name message;                                                                       \
        if (name##_decode(payload, &arena, &message) == 0)                                         \
            name##_encode(&again, &message);                                                       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_one(unsigned which, struct slice payload)
{
    struct arena arena;
    struct buf again;

    arena_init(&arena);
    buf_init(&again, payload.len + 1);
    switch (which % 9) {
    case 0:
        TRY(msg_sasl);
        break;
    case 1:
        TRY(msg_sasl_reply);
        break;
    case 2:
        TRY(msg_mechanisms);
        break;
    case 3:
        TRY(msg_submission);
        break;
    case 4:
        TRY(msg_submission_reply);
        break;
    case 5:
        TRY(msg_frozen);
        break;
    case 6:
        TRY(msg_frozen_taken);
        break;
    case 7:
        TRY(msg_bounced);
        break;
    default:
        TRY(msg_file);
        break;
    }
    if (again.overflow || (again.len && !slice_eq(buf_slice(&again), payload)))
        abort();
    buf_done(&again);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        try_one(data[0], slice_from(data + 1, size - 1));
    return 0;
}
