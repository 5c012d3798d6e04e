/* XML of DMARC reports by strangers: bounded, and with what a report must have. */
#include "trust/dmarc_report_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dmarc_report report;
    struct arena arena;

    arena_init(&arena);
    if (!dmarc_report_read(slice_from(data, size), &arena, &report)) {
        if (report.n_rows == 0 || report.n_rows > DMARC_READ_ROWS_MAX ||
            report.metadata.end < report.metadata.begin)
            abort();
        for (uint32_t i = 0; i < report.n_rows; i++) {
            if (report.rows[i].count == 0 || report.rows[i].source_ip.len > DMARC_READ_TEXT_MAX ||
                report.rows[i].n_signatures > DMARC_READ_SIGNATURES_MAX)
                abort();
        }
    }
    arena_done(&arena);
    return 0;
}
