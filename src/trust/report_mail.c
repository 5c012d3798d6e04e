/*
 * What mails with reports have in common: both RFCs have the same subject and the same form of the
 * file's name, SUBMITTER!DOMAIN!BEGIN!END.EXTENSION, by which receivers know a report that came
 * twice. See report_mail.h.
 */
#include "trust/report_mail.h"

#include "mail/date.h"
#include "mail/encoding.h"

#include <stdio.h>

static void write_header(struct buf *out, const struct report_mail *mail)
{
    buf_printf(out, "From: <%.*s>\r\n", SLICE_ARG(mail->from));
    buf_printf(out, "To: <%.*s>\r\n", SLICE_ARG(mail->to));
    buf_printf(out, "Date: %s\r\n", date_format(mail->date, 0).text);
    buf_printf(out, "Subject: Report Domain: %.*s\r\n Submitter: %.*s\r\n Report-ID: <%.*s>\r\n",
               SLICE_ARG(mail->domain), SLICE_ARG(mail->submitter), SLICE_ARG(mail->report_id));
    buf_printf(out, "Message-ID: <%s.%016llx@%.*s>\r\n", mail->kind,
               (unsigned long long)mail->message_id, SLICE_ARG(mail->submitter));
    buf_add_slice(out, mail->fields);
    buf_add_cstr(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

void report_mail_write(struct buf *out, const struct report_mail *mail)
{
    char boundary[40];

    snprintf(boundary, sizeof(boundary), "=_%s_%016llx", mail->kind,
             (unsigned long long)mail->message_id);
    write_header(out, mail);
    buf_printf(out,
               "Content-Type: %s;\r\n boundary=\"%s\"\r\n\r\n"
               "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n%.*s\r\n",
               mail->multipart, boundary, boundary, SLICE_ARG(mail->text));
    buf_printf(out,
               "--%s\r\nContent-Type: %s\r\n"
               "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
               " filename=\"%.*s!%.*s!%lld!%lld.%s\"\r\n\r\n",
               boundary, mail->type, SLICE_ARG(mail->submitter), SLICE_ARG(mail->domain),
               (long long)mail->begin, (long long)mail->end, mail->extension);
    base64_encode(out, mail->gzip);
    buf_printf(out, "--%s--\r\n", boundary);
}
