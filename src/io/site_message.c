/* Encoders and decoders of the messages about sites, our own mail and TLS reports: see message.c.
 */
#include "base/wire.h"
#include "io/message.h"

#include <errno.h>

static int ended(const struct wire *in, bool in_range)
{
    return wire_ended_well(in) && in_range ? 0 : -EBADMSG;
}

void msg_site_ask_encode(struct buf *out, const struct msg_site_ask *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->route);
    wire_put_slice(out, message->domain);
}

int msg_site_ask_decode(struct slice payload, struct arena *arena, struct msg_site_ask *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->route = wire_get_slice(&in);
    ret_message->domain = wire_get_slice(&in);
    return ended(&in, true);
}

void msg_site_encode(struct buf *out, const struct msg_site *message)
{
    wire_put_u64(out, message->request);
    wire_put_u8(out, (uint8_t)message->status);
    wire_put_slice(out, message->site);
    wire_put_slice(out, message->enhanced);
    wire_put_slice(out, message->text);
    wire_put_u32(out, message->valid_ms);
}

int msg_site_decode(struct slice payload, struct arena *arena, struct msg_site *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_site *m = ret_message;

    (void)arena;
    m->request = wire_get_u64(&in);
    m->status = (enum site_status)wire_get_u8(&in);
    m->site = wire_get_slice(&in);
    m->enhanced = wire_get_slice(&in);
    m->text = wire_get_slice(&in);
    m->valid_ms = wire_get_u32(&in);
    return ended(&in, m->status >= SITE_FOUND && m->status <= SITE_LATER &&
                          m->site.len <= SITE_NAME_MAX &&
                          (m->status == SITE_FOUND ? m->site.len > 0 : m->enhanced.len > 0));
}

void msg_mail_encode(struct buf *out, const struct msg_mail *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->from);
    wire_put_slice(out, message->to);
    wire_put_slice(out, message->text);
}

int msg_mail_decode(struct slice payload, struct arena *arena, struct msg_mail *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->from = wire_get_slice(&in);
    ret_message->to = wire_get_slice(&in);
    ret_message->text = wire_get_slice(&in);
    return ended(&in, ret_message->to.len > 0);
}

void msg_mail_taken_encode(struct buf *out, const struct msg_mail_taken *message)
{
    wire_put_u64(out, message->request);
    wire_put_u8(out, message->taken);
}

int msg_mail_taken_decode(struct slice payload, struct arena *arena,
                          struct msg_mail_taken *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->taken = wire_get_bool(&in);
    return ended(&in, true);
}

void msg_report_encode(struct buf *out, const struct msg_report *message)
{
    wire_put_u64(out, message->message_id);
    wire_put_slice(out, message->recipient);
    wire_put_u64(out, message->text_offset);
    wire_put_u64(out, message->text_length);
}

int msg_report_decode(struct slice payload, struct arena *arena, struct msg_report *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->message_id = wire_get_u64(&in);
    ret_message->recipient = wire_get_slice(&in);
    ret_message->text_offset = wire_get_u64(&in);
    ret_message->text_length = wire_get_u64(&in);
    return ended(&in, true);
}
