/*
 * The mail is a multipart/report with report-type=tlsrpt: a sentence for people, and the report as
 * application/tlsrpt+gzip. See tlsrpt_mail.h.
 *
 * What comes in is read as leniently as mail must be: the part is looked for anywhere in the MIME
 * tree, in gzip or not, and its name ending in .json or .json.gz will do for a sender that calls it
 * application/gzip. A signature of DKIM is asked for by the RFC; judging it is not for this file.
 */
#include "trust/tlsrpt_mail.h"

#include "mail/date.h"
#include "mail/encoding.h"
#include "mail/header.h"
#include "mail/headerwrite.h"
#include "mail/mime.h"

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

static bool has_name(const struct mime_part *part, struct slice message, struct arena *arena)
{
    struct slice section = slice_sub(message, part->start, part->body - part->start);
    struct header_field field;
    struct slice params, name;

    if (!header_find(section, SLICE("Content-Disposition"), &field))
        return false;
    /* "attachment; filename=..." has no subtype, so it is not for mime_parse_type(). */
    params = header_unfold(arena, field.value);
    (void)slice_cut(&params, ';');
    return params.ptr && mime_param(arena, params, SLICE("filename"), &name) &&
           (slice_ends_with_nocase(name, SLICE(".json.gz")) ||
            slice_ends_with_nocase(name, SLICE(".json")));
}

static bool is_report(const struct mime_part *part, struct slice message, struct arena *arena)
{
    return part->kind == MIME_LEAF &&
           (mime_type_is(part, "application", "tlsrpt+gzip") ||
            mime_type_is(part, "application", "tlsrpt+json") || has_name(part, message, arena));
}

static void decode(const struct mime_part *part, struct slice message, struct buf *out)
{
    struct slice body = slice_sub(message, part->body, part->end - part->body);

    if (part->encoding == MIME_BASE64)
        base64_decode(out, body, NULL);
    else if (part->encoding == MIME_QUOTED_PRINTABLE)
        qp_decode(out, body, NULL);
    else
        buf_add_slice(out, body);
}

static bool is_packed(struct slice bytes)
{
    return bytes.len > 2 && bytes.ptr[0] == '\x1f' && bytes.ptr[1] == '\x8b';
}

static const char *unpack(const struct mime_part *part, struct slice message, struct buf *out)
{
    struct buf decoded;
    const char *wrong = NULL;

    buf_init(&decoded, TLSRPT_MAIL_MAX);
    decode(part, message, &decoded);
    if (is_packed(buf_slice(&decoded)))
        wrong = tlsrpt_gunzip(out, buf_slice(&decoded)) ? NULL : "its gzip is damaged or too large";
    else
        buf_add_slice(out, buf_slice(&decoded));
    if (!wrong && (decoded.overflow || out->overflow))
        wrong = "it is too large";
    buf_done(&decoded);
    return wrong;
}

const char *tlsrpt_mail_read(struct slice message, struct arena *arena, struct buf *out)
{
    struct mime_tree tree;

    if (message.len > TLSRPT_MAIL_MAX)
        return "it is too large";
    if (mime_parse(message, arena, &tree) != 0)
        return "its MIME structure is too deep";
    for (uint32_t i = 0; i < tree.n; i++) {
        if (is_report(&tree.parts[i], message, arena))
            return unpack(&tree.parts[i], message, out);
    }
    return "it has no part with a report";
}
