/* Mails that carry reports, with gzip and zip: what they unpack to is bounded. */
#include "trust/dmarc_report_mail.h"
#include "trust/inflate.h"
#include "trust/unzip.h"

#include <stdlib.h>

enum { ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice input = slice_from(data, size);
    struct arena arena;
    struct buf out;

    arena_init(&arena);
    buf_init(&out, ROOM);
    (void)dmarc_report_mail_is_meant(input, &arena);
    (void)dmarc_report_mail_read(input, &arena, &out);
    buf_reset(&out);
    (void)unzip_first(&out, input);
    buf_reset(&out);
    (void)inflate_bounded(&out, input, INFLATE_GZIP);
    if (out.len > ROOM)
        abort();
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
