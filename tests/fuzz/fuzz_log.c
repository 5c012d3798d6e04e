/* Whatever a stranger sends, a log event stays one line of printable bytes. */
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum log_format format, struct slice input)
{
    const struct log_field fields[] = {LOG_SLICE("text", input), LOG_INT("code", 250)};
    struct buf out;

    buf_init(&out, 8 * input.len + 1024);
    log_format_line(&out, format, LOG_INFO, "fuzz", NULL, "event", fields, 2);
    if (out.overflow)
        abort();
    for (size_t i = 0; i < out.len; i++) {
        if ((unsigned char)out.ptr[i] < ' ' || out.ptr[i] == 0x7f)
            abort();
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(LOG_LOGFMT, slice_from(data, size));
    check(LOG_JSON, slice_from(data, size));
    return 0;
}
