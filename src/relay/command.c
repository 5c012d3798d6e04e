/*
 * Writing MAIL and RCPT. What was stored was checked when it came in; command_is_safe() is asked
 * all the same, because a line end in an address would be a command of somebody else's choosing.
 */
#include "relay/command.h"

#include "mail/address.h"
#include "mail/xtext.h"

enum { ORCPT_MAX = 4096 };

void command_add_mail(struct buf *out, const struct ehlo_offer *offer,
                      const struct command_mail *mail)
{
    const struct msg_unit *unit = mail->unit;

    buf_printf(out, "MAIL FROM:<%.*s>", SLICE_ARG(unit->reverse_path));
    if (offer->size)
        buf_printf(out, " SIZE=%llu", (unsigned long long)mail->size);
    if (mail->body_8bitmime)
        buf_add_cstr(out, " BODY=8BITMIME");
    if (mail->smtputf8)
        buf_add_cstr(out, " SMTPUTF8");
    if (offer->dsn && unit->ret != RET_DEFAULT)
        buf_add_cstr(out, unit->ret == RET_FULL ? " RET=FULL" : " RET=HDRS");
    if (offer->dsn && unit->envid.len)
        buf_printf(out, " ENVID=%.*s", SLICE_ARG(unit->envid));
    if (mail->requiretls)
        buf_add_cstr(out, " REQUIRETLS");
    if (offer->mt_priority)
        buf_printf(out, " MT-PRIORITY=%d", unit->priority);
    buf_add_cstr(out, "\r\n");
}

static void add_notify(struct buf *out, uint8_t notify)
{
    static const struct {
        uint8_t flag;
        const char *word;
    } words[] = {{NOTIFY_NEVER, "NEVER"},
                 {NOTIFY_SUCCESS, "SUCCESS"},
                 {NOTIFY_FAILURE, "FAILURE"},
                 {NOTIFY_DELAY, "DELAY"}};
    char separator = '=';

    if (notify == 0)
        return;
    buf_add_cstr(out, " NOTIFY");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!(notify & words[i].flag))
            continue;
        buf_add_char(out, separator);
        buf_add_cstr(out, words[i].word);
        separator = ',';
    }
}

/* Identical to what was given (RFC 3461 section 5.2.1 (d)), unless it cannot be said here. */
static void add_orcpt(struct buf *out, struct slice orcpt, bool smtputf8)
{
    struct slice type;
    struct buf address;

    buf_init(&address, ORCPT_MAX);
    if (!smtputf8 && !address_is_ascii(orcpt) && orcpt_decode(orcpt, &type, &address)) {
        buf_printf(out, " ORCPT=%.*s;", SLICE_ARG(type));
        xtext_encode_utf8(out, buf_slice(&address));
    } else if (smtputf8 || address_is_ascii(orcpt)) {
        buf_printf(out, " ORCPT=%.*s", SLICE_ARG(orcpt));
    }
    buf_done(&address);
}

void command_add_rcpt(struct buf *out, const struct ehlo_offer *offer,
                      const struct unit_recipient *recipient, bool smtputf8)
{
    buf_printf(out, "RCPT TO:<%.*s>", SLICE_ARG(recipient->address));
    if (offer->dsn) {
        add_notify(out, recipient->notify);
        if (recipient->orcpt.len)
            add_orcpt(out, recipient->orcpt, smtputf8);
    }
    buf_add_cstr(out, "\r\n");
}

bool command_is_safe(struct slice argument)
{
    for (size_t i = 0; i < argument.len; i++) {
        unsigned char c = (unsigned char)argument.ptr[i];
        if (c < ' ' || c == 0x7f)
            return false;
    }
    return true;
}
