/* TLS reports of others, as mail, as gzip and as JSON: bounded, and what was read can be written.
 */
#include "trust/inflate.h"
#include "trust/tlsrpt_mail.h"
#include "trust/tlsrpt_report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_json(struct slice text, struct arena *arena)
{
    struct tlsrpt_report report, again;
    struct buf out;

    if (tlsrpt_report_read(text, arena, &report))
        return;
    buf_init(&out, 64 << 20);
    tlsrpt_report_write(&out, &report);
    if (tlsrpt_report_read(buf_slice(&out), arena, &again) || again.n_policies != report.n_policies)
        abort();
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice input = slice_from(data, size);
    struct arena arena;
    struct buf out;

    arena_init(&arena);
    buf_init(&out, 1 << 20);
    (void)tlsrpt_mail_is_meant(input, &arena);
    if (!tlsrpt_mail_read(input, &arena, &out))
        read_json(buf_slice(&out), &arena);
    read_json(input, &arena);
    buf_reset(&out);
    (void)inflate_bounded(&out, input, INFLATE_GZIP);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
