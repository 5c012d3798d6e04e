/*
 * Plain text of short lines, in the order in which a tired reader asks: what happened, what was
 * done about it, what to do now. The account's name and the reason come from people, so in the
 * header they are written as any foreign text, and in the body control bytes are taken out.
 *
 * "Auto-Submitted: auto-generated" (RFC 3834): nobody's vacation program answers it.
 */
#include "queue/freeze_notice.h"

#include "base/utf8.h"
#include "mail/date.h"
#include "mail/headerwrite.h"

static void put_header(struct buf *out, const struct freeze_notice *notice, struct slice body)
{
    struct headerwrite field = headerwrite_begin(out, "From");
    struct buf subject;

    headerwrite_words(&field, SLICE("Mail Delivery System"));
    buf_printf(out, " <MAILER-DAEMON@%.*s>", SLICE_ARG(notice->hostname));
    headerwrite_end(&field);
    field = headerwrite_begin(out, "To");
    headerwrite_word(&field, notice->to);
    headerwrite_end(&field);
    buf_init(&subject, 1024);
    buf_printf(&subject, "The account %.*s is frozen", SLICE_ARG(notice->account));
    headerwrite_text(out, "Subject", buf_slice(&subject));
    buf_done(&subject);
    buf_printf(out, "Date: %s\r\n", date_format((int64_t)(notice->now_ms / 1000), 0).text);
    headerwrite_field(out, "Message-ID", notice->message_id);
    buf_printf(out,
               "Auto-Submitted: auto-generated\r\n"
               "MIME-Version: 1.0\r\n"
               "Content-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: %s\r\n"
               "\r\n",
               utf8_is_ascii(body) ? "7bit" : "8bit");
}

static void put_clean(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_add_char(out, c < ' ' || c == 0x7f ? '?' : text.ptr[i]);
    }
}

static void put_command(struct buf *out, const char *command, struct slice account,
                        const char *what)
{
    buf_printf(out, "    %s ", command);
    put_clean(out, account);
    buf_printf(out, "\r\n        %s\r\n", what);
}

static void put_body(struct buf *out, const struct freeze_notice *notice)
{
    buf_add_cstr(out, "The account ");
    put_clean(out, notice->account);
    buf_add_cstr(out, "\r\nis frozen since ");
    buf_printf(out, "%s, because:\r\n\r\n    ",
               date_format((int64_t)(notice->since_ms / 1000), 0).text);
    put_clean(out, notice->why);
    buf_printf(out,
               "\r\n\r\n"
               "It may send no mail until it is thawed. What it hands in is taken and held,\r\n"
               "and so is what it had in the queue: %llu message%s now. Nothing is lost, and\r\n"
               "nothing of it goes out before you say so.\r\n\r\n"
               "If its password is known to somebody else, give it a new one first:\r\n\r\n",
               (unsigned long long)notice->held, notice->held == 1 ? "" : "s");
    put_command(out, "nuncio queue list --sender", notice->account, "shows what is held");
    put_command(out, "nuncio account passwd", notice->account, "sets a new password");
    put_command(out, "nuncio account thaw", notice->account, "lets it send again");
    put_command(out, "nuncio queue release --sender", notice->account, "sends what is held");
    put_command(out, "nuncio queue remove --sender", notice->account,
                "throws away what is held, and tells nobody");
}

void freeze_notice_build(struct buf *out, const struct freeze_notice *notice)
{
    struct buf body;

    buf_init(&body, out->max);
    put_body(&body, notice);
    put_header(out, notice, buf_slice(&body));
    buf_add_slice(out, buf_slice(&body));
    out->overflow |= body.overflow;
    buf_done(&body);
}
