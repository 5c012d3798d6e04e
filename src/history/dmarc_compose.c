/*
 * See dmarc_compose.h. The policy is that of the last record that was seen that day, as section
 * 3.1.8 of RFC 9990 allows; the report's id is the same however often it is made.
 *
 * Rows are copied, the most frequent first, as long as they can have room in the XML: hostile ones
 * are large, and there may be ten thousand. What finds none is told in the log.
 */
#include "history/dmarc_compose.h"

#include "base/clock.h"
#include "base/log.h"
#include "trust/dmarc.h"
#include "trust/dmarc_report_write.h"
#include "trust/gzip.h"
#include "trust/tlsrpt_report.h"

#include <errno.h>
#include <string.h>

enum { XML_MAX = 32 << 20 };

struct composing {
    struct arena *arena;
    struct dmarc_report *report;
    uint64_t room, left_out; /* rows */
    size_t bytes;            /* of texts */
};

static struct slice word(const char *text)
{
    return slice_from_cstr(text);
}

static struct slice result(bool pass)
{
    return pass ? SLICE("pass") : SLICE("fail");
}

/* "pass" is what an enforcing policy did not need to do. */
static struct slice disposition(const struct msg_dmarc_row *row)
{
    static const char *const names[] = {"none", "quarantine", "reject"};

    if (row->disposition == DMARC_DISPOSITION_NONE && row->asked != DMARC_DISPOSITION_NONE &&
        (row->dkim_pass || row->spf_pass))
        return SLICE("pass");
    return word(names[row->disposition]);
}

static void copy_reasons(const struct composing *composing, const struct msg_dmarc_row *from,
                         struct dmarc_report_row *to)
{
    static const char *const names[] = {"local_policy", "mailing_list", "other", "policy_test_mode",
                                        "trusted_forwarder"};

    to->n_reasons = from->n_reasons;
    to->reasons = arena_alloc(composing->arena, from->n_reasons * sizeof(*to->reasons) + 1);
    for (uint32_t i = 0; i < from->n_reasons; i++)
        to->reasons[i] = (struct dmarc_report_reason){
            .type = word(names[from->reasons[i].type]),
            .comment = arena_dup(composing->arena, from->reasons[i].comment)};
}

static void copy_signatures(const struct composing *composing, const struct msg_dmarc_row *from,
                            struct dmarc_report_row *to)
{
    struct arena *arena = composing->arena;

    to->n_signatures = from->n_dkim;
    to->signatures = arena_alloc(arena, from->n_dkim * sizeof(*to->signatures) + 1);
    for (uint32_t i = 0; i < from->n_dkim; i++)
        to->signatures[i] =
            (struct dmarc_report_dkim){.domain = arena_dup(arena, from->dkim[i].domain),
                                       .selector = arena_dup(arena, from->dkim[i].selector),
                                       .result = arena_dup(arena, from->dkim[i].result),
                                       .human_result = arena_dup(arena, from->dkim[i].problem)};
}

/* No more than its elements will take. */
static size_t row_bytes(const struct msg_dmarc_row *row)
{
    size_t bytes = row->client.len + row->author.len + row->envelope_from.len +
                   row->envelope_to.len + row->spf_domain.len + row->spf_problem.len;

    for (uint32_t i = 0; i < row->n_reasons; i++)
        bytes += row->reasons[i].comment.len;
    for (uint32_t i = 0; i < row->n_dkim; i++)
        bytes += row->dkim[i].domain.len + row->dkim[i].selector.len + row->dkim[i].problem.len;
    return bytes;
}

static void on_row(void *arg, const struct msg_dmarc_row *from, uint64_t count)
{
    struct composing *composing = arg;
    struct arena *arena = composing->arena;
    struct dmarc_report_row *to = &composing->report->rows[composing->report->n_rows];

    composing->bytes += row_bytes(from);
    if (composing->report->n_rows == composing->room || composing->bytes > XML_MAX) {
        composing->left_out++;
        return;
    }
    composing->report->n_rows++;
    *to = (struct dmarc_report_row){.source_ip = arena_dup(arena, from->client),
                                    .count = count,
                                    .disposition = disposition(from),
                                    .dkim = result(from->dkim_pass),
                                    .spf = result(from->spf_pass),
                                    .header_from = arena_dup(arena, from->author),
                                    .envelope_from = arena_dup(arena, from->envelope_from),
                                    .null_envelope_from = from->envelope_from.len == 0,
                                    .envelope_to = arena_dup(arena, from->envelope_to)};
    copy_reasons(composing, from, to);
    copy_signatures(composing, from, to);
    if (from->spf_domain.len == 0)
        return;
    to->spf_domain = arena_dup(arena, from->spf_domain);
    /* Of <> the HELO name is the MAIL FROM identity's (RFC 7208 section 2.4). */
    to->spf_scope = SLICE("mfrom");
    to->spf_result = arena_dup(arena, from->spf_result);
    to->spf_human_result = arena_dup(arena, from->spf_problem);
}

static void fill_policy(const struct dmarc_heap *heap, struct arena *arena,
                        struct dmarc_report *report)
{
    struct dmarc_record record;

    report->policy = (struct dmarc_report_policy){.domain = heap->domain, .p = SLICE("none")};
    if (!dmarc_record_read(heap->record, arena, &record))
        return;
    report->policy.p = word(dmarc_policy_name(record.policy));
    report->policy.sp = word(dmarc_policy_name(record.subdomain_policy));
    report->policy.np = word(dmarc_policy_name(record.np_policy));
    report->policy.adkim = record.dkim_strict ? SLICE("s") : SLICE("r");
    report->policy.aspf = record.spf_strict ? SLICE("s") : SLICE("r");
    report->policy.fo = record.fo;
    report->policy.testing = record.testing ? SLICE("y") : SLICE("n");
    report->policy.discovery_method = SLICE("treewalk");
    report->metadata.error = record.problem;
}

static void fill_metadata(const struct dmarc_heap *heap, const struct config *config,
                          struct arena *arena, struct dmarc_report *report)
{
    const struct config_dmarc_report *settings = &config->dmarc_report;
    struct dmarc_report_metadata *metadata = &report->metadata;

    metadata->begin = heap->day * DMARC_ROWS_DAY_S;
    metadata->end = metadata->begin + DMARC_ROWS_DAY_S - 1;
    metadata->org_name = settings->organisation.len ? settings->organisation : config->hostname;
    metadata->email = settings->contact.len
                          ? settings->contact
                          : arena_printf(arena, "postmaster@%.*s", SLICE_ARG(config->hostname));
    metadata->report_id =
        arena_printf(arena, "%.10s.%.*s@%.*s", tlsrpt_time_format(metadata->begin).text,
                     SLICE_ARG(heap->domain), SLICE_ARG(config->hostname));
    metadata->generator = SLICE("Nuncio " NUNCIO_VERSION);
}

static void log_left_out(const struct dmarc_report *report, uint64_t rows)
{
    log_warn(NULL, "dmarc-report-cut", LOG_SLICE("domain", report->policy.domain),
             LOG_INT("rows", rows));
}

int dmarc_compose(struct dmarc_rows *rows, const struct dmarc_heap *heap,
                  const struct config *config, struct arena *arena, struct dmarc_report *ret_report)
{
    struct composing composing = {.arena = arena, .report = ret_report, .room = heap->n_rows};
    int r;

    *ret_report = (struct dmarc_report){.version = SLICE("1.0")};
    ret_report->rows = arena_alloc(arena, heap->n_rows * sizeof(*ret_report->rows) + 1);
    fill_policy(heap, arena, ret_report);
    fill_metadata(heap, config, arena, ret_report);
    r = dmarc_rows_each(rows, heap->id, on_row, &composing);
    if (composing.left_out)
        log_left_out(ret_report, composing.left_out);
    return r;
}

int dmarc_compose_pack(const struct dmarc_report *report, struct buf *gzip)
{
    struct buf xml;
    uint32_t written;
    int r = 0;

    buf_init(&xml, XML_MAX);
    written = dmarc_report_write(&xml, report);
    if (written < report->n_rows)
        log_left_out(report, report->n_rows - written);
    if (xml.overflow)
        r = -EFBIG;
    else
        gzip_pack(gzip, buf_slice(&xml));
    if (gzip->overflow)
        r = -EFBIG;
    buf_done(&xml);
    return r;
}
