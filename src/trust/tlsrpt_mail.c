/*
 * The mail is a multipart/report with report-type=tlsrpt: a sentence for people, and the report as
 * application/tlsrpt+gzip. See tlsrpt_mail.h.
 *
 * In what comes in a name ending in .json or .json.gz will do for a sender that calls the part
 * application/gzip. A signature of DKIM is asked for by the RFC; judging it is not for this file.
 */
#include "trust/tlsrpt_mail.h"

#include "mail/header.h"
#include "mail/headerwrite.h"
#include "trust/report_mail.h"
#include "trust/report_part.h"

/* ---- making --------------------------------------------------------------------------------- */

void tlsrpt_mail_write(struct buf *out, const struct tlsrpt_mail *mail)
{
    struct report_mail written = {
        .kind = "tlsrpt",
        .from = mail->from,
        .to = mail->to,
        .domain = mail->domain,
        .submitter = mail->submitter,
        .report_id = mail->report_id,
        .begin = mail->start,
        .end = mail->end,
        .date = mail->date,
        .message_id = mail->message_id,
        .multipart = "multipart/report; report-type=tlsrpt",
        .type = "application/tlsrpt+gzip",
        .extension = "json.gz",
        .gzip = mail->gzip,
    };
    struct buf fields, text;

    buf_init(&fields, 4096);
    headerwrite_field(&fields, "TLS-Report-Domain", mail->domain);
    headerwrite_field(&fields, "TLS-Report-Submitter", mail->submitter);
    buf_add_cstr(&fields, "TLS-Required: No\r\n");
    written.fields = buf_slice(&fields);
    buf_init(&text, 4096);
    buf_printf(&text,
               "This is a report about TLS between %.*s, which sent mail, and the\r\n"
               "servers of %.*s, which asked for it (RFC 8460).\r\n",
               SLICE_ARG(mail->submitter), SLICE_ARG(mail->domain));
    written.text = buf_slice(&text);
    report_mail_write(out, &written);
    buf_done(&fields);
    buf_done(&text);
}

/* ---- reading -------------------------------------------------------------------------------- */

bool tlsrpt_mail_is_meant(struct slice message, struct arena *arena)
{
    struct header_field field;
    struct mime_type type;
    struct slice value;

    if (header_find(message, SLICE("TLS-Report-Domain"), &field))
        return true;
    return header_find(message, SLICE("Content-Type"), &field) &&
           mime_parse_type(header_unfold(arena, field.value), &type) &&
           slice_eq_nocase(type.type, SLICE("multipart")) &&
           slice_eq_nocase(type.subtype, SLICE("report")) &&
           mime_param(arena, type.params, SLICE("report-type"), &value) &&
           slice_eq_nocase(value, SLICE("tlsrpt"));
}

static bool is_part(const struct mime_part *part, struct slice file_name)
{
    return mime_type_is(part, "application", "tlsrpt+gzip") ||
           mime_type_is(part, "application", "tlsrpt+json") ||
           slice_ends_with_nocase(file_name, SLICE(".json.gz")) ||
           slice_ends_with_nocase(file_name, SLICE(".json"));
}

const char *tlsrpt_mail_read(struct slice message, struct arena *arena, struct buf *out)
{
    return report_part_read(message, is_part, arena, out);
}
