/* AUTH's argument and response lines: what is taken is bounded, and says the same when it is
 * written again. */
#include "mail/encoding.h"
#include "smtp/sasl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice line, enum smtp_sasl_line verdict, struct buf *response)
{
    struct buf again;

    if (verdict != SMTP_SASL_RESPONSE)
        return;
    buf_init(&again, SIZE_MAX);
    smtp_sasl_challenge(&again, buf_slice(response));
    /* The last digit may have bits that mean nothing. */
    if (again.len - 6 != line.len && !slice_eq(line, SLICE("=")))
        abort();
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = slice_from(data, size);
    struct smtp_auth auth;
    struct buf response;

    buf_init(&response, 1024);
    if (smtp_auth_parse(line, &auth).code == 0) {
        if (auth.mechanism.len == 0 || auth.mechanism.len > SMTP_SASL_NAME_MAX)
            abort();
        if (auth.has_initial)
            check(auth.initial, smtp_sasl_initial(auth.initial, &response), &response);
    }
    buf_reset(&response);
    check(line, smtp_sasl_response(line, &response), &response);
    buf_done(&response);
    return 0;
}
