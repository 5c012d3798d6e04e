/* DMARC reports with strings of strangers in them: what is written can be read again, within its
 * bound, row by row. */
#include "trust/dmarc_report_read.h"
#include "trust/dmarc_report_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3, BOUND = 16384 };

static struct slice next(struct slice *rest)
{
    return rest->ptr ? slice_cut(rest, '\n') : SLICE("end");
}

static void fill_row(struct slice *rest, struct dmarc_report_row *row,
                     struct dmarc_report_dkim *signature, struct dmarc_report_reason *reason)
{
    *signature = (struct dmarc_report_dkim){.domain = next(rest),
                                            .selector = next(rest),
                                            .result = next(rest),
                                            .human_result = next(rest)};
    *reason = (struct dmarc_report_reason){.type = next(rest), .comment = next(rest)};
    *row = (struct dmarc_report_row){.source_ip = SLICE("192.0.2.1"),
                                     .count = 1 + rest->len,
                                     .disposition = next(rest),
                                     .dkim = next(rest),
                                     .spf = next(rest),
                                     .reasons = reason,
                                     .n_reasons = 1,
                                     .header_from = next(rest),
                                     .envelope_from = next(rest),
                                     .envelope_to = next(rest),
                                     .signatures = signature,
                                     .n_signatures = 1,
                                     .spf_domain = next(rest),
                                     .spf_scope = next(rest),
                                     .spf_result = next(rest)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_from(data, size);
    struct dmarc_report_dkim signatures[ROWS];
    struct dmarc_report_reason reasons[ROWS];
    struct dmarc_report_row rows[ROWS];
    struct dmarc_report again, report = {
                                   .metadata = {.org_name = SLICE("x"),
                                                .email = next(&rest),
                                                .report_id = SLICE("x"),
                                                .begin = 1,
                                                .end = 2,
                                                .error = next(&rest),
                                                .generator = next(&rest)},
                                   .policy = {.domain = SLICE("example.com"),
                                              .p = next(&rest),
                                              .sp = next(&rest),
                                              .fo = next(&rest),
                                              .testing = next(&rest)},
                                   .rows = rows,
                                   .n_rows = ROWS,
                               };
    struct arena arena;
    uint32_t written;
    struct buf out;

    for (unsigned i = 0; i < ROWS; i++)
        fill_row(&rest, &rows[i], &signatures[i], &reasons[i]);
    arena_init(&arena);
    buf_init(&out, BOUND);
    written = dmarc_report_write(&out, &report);
    if (out.overflow ? written != 0 : out.len > BOUND)
        abort();
    if (!out.overflow && written &&
        (dmarc_report_read(buf_slice(&out), &arena, &again) || again.n_rows != written))
        abort();
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
