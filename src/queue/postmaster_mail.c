/* See postmaster_mail.h. What comes from people is written into the header as any foreign text. */
#include "queue/postmaster_mail.h"

#include "base/utf8.h"
#include "mail/date.h"
#include "mail/headerwrite.h"

void postmaster_mail_build(struct buf *out, const struct postmaster_mail *mail, struct slice body)
{
    struct headerwrite field = headerwrite_begin(out, "From");

    headerwrite_words(&field, SLICE("Mail Delivery System"));
    buf_printf(out, " <MAILER-DAEMON@%.*s>", SLICE_ARG(mail->hostname));
    headerwrite_end(&field);
    field = headerwrite_begin(out, "To");
    headerwrite_word(&field, mail->to);
    headerwrite_end(&field);
    headerwrite_text(out, "Subject", mail->subject);
    buf_printf(out, "Date: %s\r\n", date_format((int64_t)(mail->now_ms / 1000), 0).text);
    headerwrite_field(out, "Message-ID", mail->message_id);
    buf_printf(out,
               "Auto-Submitted: auto-generated\r\n"
               "MIME-Version: 1.0\r\n"
               "Content-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: %s\r\n"
               "\r\n",
               utf8_is_ascii(body) ? "7bit" : "8bit");
    buf_add_slice(out, body);
}

void postmaster_mail_clean(struct buf *body, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_add_char(body, c < ' ' || c == 0x7f ? '?' : text.ptr[i]);
    }
}
