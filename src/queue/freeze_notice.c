/*
 * Plain text of short lines, in the order in which a tired reader asks: what happened, what was
 * done about it, what to do now. The account's name and the reason come from people.
 */
#include "queue/freeze_notice.h"

#include "mail/date.h"
#include "queue/postmaster_mail.h"

static void put_command(struct buf *out, const char *command, struct slice account,
                        const char *what)
{
    buf_printf(out, "    %s ", command);
    postmaster_mail_clean(out, account);
    buf_printf(out, "\r\n        %s\r\n", what);
}

static void put_body(struct buf *out, const struct freeze_notice *notice)
{
    buf_add_cstr(out, "The account ");
    postmaster_mail_clean(out, notice->account);
    buf_add_cstr(out, "\r\nis frozen since ");
    buf_printf(out, "%s, because:\r\n\r\n    ",
               date_format((int64_t)(notice->since_ms / 1000), 0).text);
    postmaster_mail_clean(out, notice->why);
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
    struct postmaster_mail mail = {.hostname = notice->hostname,
                                   .to = notice->to,
                                   .message_id = notice->message_id,
                                   .now_ms = notice->now_ms};
    struct buf body, subject;

    buf_init(&body, out->max);
    buf_init(&subject, 1024);
    put_body(&body, notice);
    buf_printf(&subject, "The account %.*s is frozen", SLICE_ARG(notice->account));
    mail.subject = buf_slice(&subject);
    postmaster_mail_build(out, &mail, buf_slice(&body));
    out->overflow |= body.overflow;
    buf_done(&subject);
    buf_done(&body);
}
