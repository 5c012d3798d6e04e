/* See report.h. Nobody waits for history: what it cannot take now is logged, and left out. */
#include "local/report.h"

#include "base/log.h"
#include "trust/dmarc_report_mail.h"
#include "trust/tlsrpt_mail.h"

enum { HEADER_MAX = 16 * 1024 };

enum report_kind report_is_meant(struct slice text)
{
    struct slice header = slice_sub(text, 0, HEADER_MAX);
    enum report_kind kind = REPORT_NONE;
    struct arena arena;

    arena_init(&arena);
    if (tlsrpt_mail_is_meant(header, &arena))
        kind = REPORT_TLS;
    else if (dmarc_report_mail_is_meant(header, &arena))
        kind = REPORT_DMARC;
    arena_done(&arena);
    return kind;
}

void report_tell(struct role_context *role, const struct delivery *delivery, uint32_t i,
                 enum report_kind kind)
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
    r = role_send(role, ROLE_HISTORY, kind == REPORT_TLS ? MSG_TLS_REPORT : MSG_DMARC_REPORT,
                  buf_slice(&out), &delivery->fd, 1);
    buf_done(&out);
    if (r < 0)
        log_warn(NULL, "report-not-told",
                 LOG_STR("message", message_id_format(unit->message_id).text), LOG_ERRNO(r));
}
