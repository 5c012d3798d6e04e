/*
 * The mail is a multipart/report with report-type=tlsrpt: a sentence for people, and the report as
 * application/tlsrpt+gzip. See tlsrpt_mail.h.
 *
 * In what comes in a name ending in .json or .json.gz will do for a sender that calls the part
 * application/gzip. A signature of DKIM is asked for by the RFC; judging it is not for this file.
 */
#include "trust/tlsrpt_mail.h"

#include "mail/date.h"
#include "mail/encoding.h"
#include "mail/header.h"
#include "mail/headerwrite.h"
#include "trust/report_part.h"

/* ---- making --------------------------------------------------------------------------------- */

static void write_header(struct buf *out, const struct tlsrpt_mail *mail)
{
    buf_printf(out, "From: <%.*s>\r\n", SLICE_ARG(mail->from));
    buf_printf(out, "To: <%.*s>\r\n", SLICE_ARG(mail->to));
    buf_printf(out, "Date: %s\r\n", date_format(mail->date, 0).text);
    buf_printf(out, "Subject: Report Domain: %.*s\r\n Submitter: %.*s\r\n Report-ID: <%.*s>\r\n",
               SLICE_ARG(mail->domain), SLICE_ARG(mail->submitter), SLICE_ARG(mail->report_id));
    buf_printf(out, "Message-ID: <tlsrpt.%016llx@%.*s>\r\n", (unsigned long long)mail->message_id,
               SLICE_ARG(mail->submitter));
    headerwrite_field(out, "TLS-Report-Domain", mail->domain);
    headerwrite_field(out, "TLS-Report-Submitter", mail->submitter);
    buf_add_cstr(out, "TLS-Required: No\r\nAuto-Submitted: auto-generated\r\n"
                      "MIME-Version: 1.0\r\n");
}

void tlsrpt_mail_write(struct buf *out, const struct tlsrpt_mail *mail)
{
    char boundary[40];

    snprintf(boundary, sizeof(boundary), "=_tlsrpt_%016llx", (unsigned long long)mail->message_id);
    write_header(out, mail);
    buf_printf(out,
               "Content-Type: multipart/report; report-type=tlsrpt;\r\n boundary=\"%s\"\r\n\r\n"
               "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
               "This is a report about TLS between %.*s, which sent mail, and the\r\n"
               "servers of %.*s, which asked for it (RFC 8460).\r\n\r\n",
               boundary, boundary, SLICE_ARG(mail->submitter), SLICE_ARG(mail->domain));
    buf_printf(out,
               "--%s\r\nContent-Type: application/tlsrpt+gzip\r\n"
               "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
               " filename=\"%.*s!%.*s!%lld!%lld.json.gz\"\r\n\r\n",
               boundary, SLICE_ARG(mail->submitter), SLICE_ARG(mail->domain),
               (long long)mail->start, (long long)mail->end);
    base64_encode(out, mail->gzip);
    buf_printf(out, "--%s--\r\n", boundary);
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
