/* A configuration as one role gets it from another: what is read is written in the same form. */
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_bundle bundle;
    struct buf out;

    buf_init(&out, 2 * size + 100);
    if (config_bundle_decode(slice_from(data, size), &bundle) == 0) {
        config_bundle_encode(&out, &bundle);
        if (out.overflow || !slice_eq(buf_slice(&out), slice_from(data, size)))
            abort();
        config_bundle_done(&bundle);
    }
    buf_done(&out);
    return 0;
}
