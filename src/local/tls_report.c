/* See tls_report.h. Nobody waits for history: what it cannot take now is logged, and left out. */
#include "local/tls_report.h"

#include "base/log.h"
#include "trust/tlsrpt_mail.h"

enum { HEADER_MAX = 16 * 1024 };

bool tls_report_is_meant(struct slice text)
{
    struct arena arena;
    bool meant;

    arena_init(&arena);
    meant = tlsrpt_mail_is_meant(slice_sub(text, 0, HEADER_MAX), &arena);
    arena_done(&arena);
    return meant;
}

void tls_report_tell(struct role_context *role, const struct delivery *delivery, uint32_t i)
{
    const struct msg_unit *unit = &delivery->unit;
    const struct msg_report report = {.message_id = unit->message_id,
                                          .recipient = unit->recipients[i].address,
                                          .text_offset = unit->text_offset,
                                          .text_length = unit->text_length};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_report_encode(&out, &report);
    r = role_send(role, ROLE_HISTORY, MSG_TLS_REPORT, buf_slice(&out), &delivery->fd, 1);
    buf_done(&out);
    if (r < 0)
        log_warn(NULL, "tls-report-not-told",
                 LOG_STR("message", message_id_format(unit->message_id).text), LOG_ERRNO(r));
}
