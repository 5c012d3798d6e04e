/*
 * Authentication-Results: whatever verdicts quote, what is written is one field of ours with as
 * many results as there were checks, and no other. And others' fields, read.
 */
#include "trust/authres.h"

#include "mail/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RESULTS = 8, LINE_MAX = 998, TEXT_MAX = 65536 };

/* The pieces of the input in turn. */
static struct slice next(struct slice *rest)
{
    return rest->ptr ? slice_cut(rest, '\n') : SLICE("end");
}

static void write_field(struct slice rest, struct buf *out)
{
    struct iprev_verdict iprev = {
        .result = IPREV_FAIL, .name = next(&rest), .problem = next(&rest)};
    struct spf_verdict spf = {.result = SPF_FAIL, .domain = next(&rest), .problem = next(&rest)};
    struct dkim_signature signatures[] = {
        {.result = DKIM_FAIL,
         .domain = next(&rest),
         .selector = next(&rest),
         .identity = next(&rest),
         .algorithm = next(&rest),
         .b_start = next(&rest)},
        {.result = DKIM_NEUTRAL, .problem = next(&rest), .identity = next(&rest)},
    };
    struct dkim_verdict dkim = {.list = signatures, .count = 2, .ignored = 1};
    struct arc_verdict arc = {.result = ARC_FAIL, .problem = next(&rest)};
    struct dmarc_verdict dmarc = {
        .result = DMARC_TEMPERROR, .author = next(&rest), .problem = next(&rest)};
    struct trust_verdicts verdicts = {.client = next(&rest),
                                      .reverse_path = next(&rest),
                                      .iprev = &iprev,
                                      .spf_helo = &spf,
                                      .spf_mailfrom = &spf,
                                      .dkim = &dkim,
                                      .arc = &arc,
                                      .dmarc = &dmarc};
    struct slice remark = next(&rest);

    authres_write(out, SLICE("mx.example.org"), &verdicts, remark);
}

/* One field, ASCII, in lines that mail may have; each ";" ends its line. */
static void check_form(struct slice text)
{
    struct header_iter iter = header_iterate(text);
    struct header_field field;
    unsigned semicolons = 0;

    if (!header_next(&iter, &field) || field.malformed || field.raw.len != text.len ||
        !slice_eq(field.name, SLICE("Authentication-Results")) ||
        !authres_is_of(field.value, SLICE("mx.example.org")))
        abort();
    while (text.ptr && text.len) {
        struct slice line = slice_cut(&text, '\n');
        if (line.len == 0 || line.len > LINE_MAX || line.ptr[line.len - 1] != '\r')
            abort();
        for (size_t i = 0; i + 1 < line.len; i++) {
            if (line.ptr[i] < ' ' || line.ptr[i] > '~' || (line.ptr[i] == ';' && i + 2 != line.len))
                abort();
            semicolons += line.ptr[i] == ';';
        }
    }
    if (semicolons != RESULTS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_from(data, size);
    struct arena arena;
    struct buf out;

    arena_init(&arena);
    buf_init(&out, TEXT_MAX);
    write_field(input, &out);
    check_form(buf_slice(&out));
    if (slice_starts_with_nocase(input, SLICE(" mx.example.org;")) &&
        !authres_is_of(input, SLICE("mx.example.org")))
        abort();
    (void)authres_is_of(input, SLICE("b\xc3\xbc"
                                     "cher.example"));
    (void)authres_id(input, &arena);
    (void)authres_vouches(input, SLICE("example.com"), &arena);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
