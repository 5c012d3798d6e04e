/*
 * Encoders and decoders of the messages between roles: fields in the order of their structs, as
 * base/wire.h writes them. A decoder ends with wire_ended_well(), so that a byte too many is as
 * wrong as one too few, and checks every enum against its range.
 */
#include "io/message.h"

#include "base/wire.h"

#include <errno.h>

const char *role_name(enum role role)
{
    static const char *const names[ROLE_COUNT] = {"parent", "receive", "auth", "queue",   "relay",
                                                  "local",  "program", "web",  "history", "keys"};
    return role < ROLE_COUNT ? names[role] : "unknown";
}

static int ended(const struct wire *in, bool in_range)
{
    return wire_ended_well(in) && in_range ? 0 : -EBADMSG;
}

void msg_peer_encode(struct buf *out, const struct msg_peer *message)
{
    wire_put_u8(out, (uint8_t)message->role);
}

int msg_peer_decode(struct slice payload, struct arena *arena, struct msg_peer *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->role = (enum role)wire_get_u8(&in);
    return ended(&in, ret_message->role < ROLE_COUNT);
}

void msg_config_taken_encode(struct buf *out, const struct msg_config_taken *message)
{
    wire_put_u8(out, message->taken);
    wire_put_slice(out, message->text);
}

int msg_config_taken_decode(struct slice payload, struct arena *arena,
                            struct msg_config_taken *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->taken = wire_get_bool(&in);
    ret_message->text = wire_get_slice(&in);
    return ended(&in, true);
}

void msg_text_encode(struct buf *out, const struct msg_text *message)
{
    wire_put_u32(out, message->request);
    wire_put_slice(out, message->text);
}

int msg_text_decode(struct slice payload, struct arena *arena, struct msg_text *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u32(&in);
    ret_message->text = wire_get_slice(&in);
    return ended(&in, true);
}

void msg_ready_encode(struct buf *out, const struct msg_ready *message)
{
    wire_put_slice(out, message->report);
}

int msg_ready_decode(struct slice payload, struct arena *arena, struct msg_ready *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->report = wire_get_slice(&in);
    return ended(&in, true);
}

void msg_admin_encode(struct buf *out, const struct msg_admin *message)
{
    wire_put_u32(out, message->request);
    wire_put_u8(out, (uint8_t)message->command);
}

int msg_admin_decode(struct slice payload, struct arena *arena, struct msg_admin *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u32(&in);
    ret_message->command = (enum admin_command)wire_get_u8(&in);
    return ended(&in,
                 ret_message->command >= ADMIN_STATUS && ret_message->command <= ADMIN_METRICS);
}

void msg_durable_encode(struct buf *out, const struct msg_durable *message)
{
    wire_put_u64(out, message->segment);
    wire_put_u64(out, message->length);
}

int msg_durable_decode(struct slice payload, struct arena *arena, struct msg_durable *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->segment = wire_get_u64(&in);
    ret_message->length = wire_get_u64(&in);
    return ended(&in, true);
}

void msg_taken_encode(struct buf *out, const struct msg_taken *message)
{
    wire_put_u64(out, message->segment);
    wire_put_u64(out, message->length);
}

int msg_taken_decode(struct slice payload, struct arena *arena, struct msg_taken *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->segment = wire_get_u64(&in);
    ret_message->length = wire_get_u64(&in);
    return ended(&in, true);
}

void msg_resolve_encode(struct buf *out, const struct msg_resolve *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->address);
    wire_put_slice(out, message->via);
    wire_put_slice(out, message->sender);
}

int msg_resolve_decode(struct slice payload, struct arena *arena, struct msg_resolve *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->address = wire_get_slice(&in);
    ret_message->via = wire_get_slice(&in);
    ret_message->sender = wire_get_slice(&in);
    return ended(&in, true);
}

void msg_resolved_encode(struct buf *out, const struct msg_resolved *message)
{
    wire_put_u64(out, message->request);
    wire_put_u8(out, (uint8_t)message->status);
    wire_put_slice(out, message->account);
    wire_put_u64(out, message->quota_bytes);
    wire_put_u32(out, message->quota_messages);
    wire_put_u32(out, message->n_targets);
    for (uint32_t i = 0; i < message->n_targets; i++)
        wire_put_slice(out, message->targets[i]);
    wire_put_slice(out, message->text);
}

int msg_resolved_decode(struct slice payload, struct arena *arena, struct msg_resolved *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_resolved *m = ret_message;

    m->request = wire_get_u64(&in);
    m->status = (enum resolve_status)wire_get_u8(&in);
    m->account = wire_get_slice(&in);
    m->quota_bytes = wire_get_u64(&in);
    m->quota_messages = wire_get_u32(&in);
    m->n_targets = wire_get_count(&in, RESOLVE_TARGETS_MAX);
    m->targets = arena_alloc(arena, m->n_targets * sizeof(*m->targets));
    for (uint32_t i = 0; i < m->n_targets; i++)
        m->targets[i] = wire_get_slice(&in);
    m->text = wire_get_slice(&in);
    return ended(&in, m->status >= RESOLVE_LOCAL && m->status <= RESOLVE_EXPIRED);
}

void msg_usage_encode(struct buf *out, const struct msg_usage *message)
{
    wire_put_slice(out, message->account);
    wire_put_u64(out, message->bytes);
    wire_put_u64(out, message->messages);
    wire_put_u8(out, message->full);
}

int msg_usage_decode(struct slice payload, struct arena *arena, struct msg_usage *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->account = wire_get_slice(&in);
    ret_message->bytes = wire_get_u64(&in);
    ret_message->messages = wire_get_u64(&in);
    ret_message->full = wire_get_bool(&in);
    return ended(&in, true);
}

static void put_unit_recipient(struct buf *out, const struct unit_recipient *recipient)
{
    wire_put_u32(out, recipient->index);
    wire_put_slice(out, recipient->address);
    wire_put_slice(out, recipient->orcpt);
    wire_put_slice(out, recipient->account);
    wire_put_slice(out, recipient->folder);
    wire_put_slice(out, recipient->via);
    wire_put_u64(out, recipient->quota_bytes);
    wire_put_u32(out, recipient->quota_messages);
    wire_put_u8(out, recipient->notify);
}

static void get_unit_recipient(struct wire *in, struct unit_recipient *recipient)
{
    recipient->index = wire_get_u32(in);
    recipient->address = wire_get_slice(in);
    recipient->orcpt = wire_get_slice(in);
    recipient->account = wire_get_slice(in);
    recipient->folder = wire_get_slice(in);
    recipient->via = wire_get_slice(in);
    recipient->quota_bytes = wire_get_u64(in);
    recipient->quota_messages = wire_get_u32(in);
    recipient->notify = wire_get_u8(in);
}

void msg_unit_encode(struct buf *out, const struct msg_unit *message)
{
    wire_put_u64(out, message->unit);
    wire_put_u64(out, message->message_id);
    wire_put_u8(out, (uint8_t)message->way);
    wire_put_slice(out, message->name);
    wire_put_slice(out, message->domain);
    wire_put_u64(out, message->text_offset);
    wire_put_u64(out, message->text_length);
    wire_put_slice(out, message->reverse_path);
    wire_put_slice(out, message->envid);
    wire_put_u8(out, (uint8_t)message->ret);
    wire_put_u8(out, (uint8_t)message->body);
    wire_put_u8(out, message->smtputf8);
    wire_put_u8(out, message->requiretls);
    wire_put_u8(out, (uint8_t)message->priority);
    wire_put_u64(out, message->received_ms);
    wire_put_u8(out, message->ours);
    wire_put_slice(out, message->signature);
    wire_put_u32(out, message->n_sources_off);
    for (uint32_t i = 0; i < message->n_sources_off; i++)
        wire_put_slice(out, message->sources_off[i]);
    wire_put_u8(out, message->avoid_ipv6);
    wire_put_u32(out, message->n_recipients);
    for (uint32_t i = 0; i < message->n_recipients; i++)
        put_unit_recipient(out, &message->recipients[i]);
}

int msg_unit_decode(struct slice payload, struct arena *arena, struct msg_unit *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_unit *m = ret_message;

    m->unit = wire_get_u64(&in);
    m->message_id = wire_get_u64(&in);
    m->way = (enum unit_way)wire_get_u8(&in);
    m->name = wire_get_slice(&in);
    m->domain = wire_get_slice(&in);
    m->text_offset = wire_get_u64(&in);
    m->text_length = wire_get_u64(&in);
    m->reverse_path = wire_get_slice(&in);
    m->envid = wire_get_slice(&in);
    m->ret = (enum dsn_ret)wire_get_u8(&in);
    m->body = (enum body_kind)wire_get_u8(&in);
    m->smtputf8 = wire_get_bool(&in);
    m->requiretls = wire_get_bool(&in);
    m->priority = (int8_t)wire_get_u8(&in);
    m->received_ms = wire_get_u64(&in);
    m->ours = wire_get_bool(&in);
    m->signature = wire_get_slice(&in);
    m->n_sources_off = wire_get_count(&in, UNIT_SOURCES_MAX);
    m->sources_off = arena_alloc(arena, m->n_sources_off * sizeof(*m->sources_off) + 1);
    for (uint32_t i = 0; i < m->n_sources_off; i++)
        m->sources_off[i] = wire_get_slice(&in);
    m->avoid_ipv6 = wire_get_bool(&in);
    m->n_recipients = wire_get_count(&in, ENVELOPE_RECIPIENTS_MAX);
    m->recipients = arena_alloc(arena, m->n_recipients * sizeof(*m->recipients));
    for (uint32_t i = 0; i < m->n_recipients; i++)
        get_unit_recipient(&in, &m->recipients[i]);
    return ended(&in, m->way >= WAY_ROUTE && m->way <= WAY_PROGRAM && m->ret <= RET_HDRS &&
                          m->body <= BODY_8BITMIME);
}

static void put_done_recipient(struct buf *out, const struct done_recipient *recipient)
{
    wire_put_u32(out, recipient->index);
    wire_put_u8(out, (uint8_t)recipient->kind);
    wire_put_u8(out, recipient->dsn_passed_on);
    wire_put_slice(out, recipient->status);
    wire_put_slice(out, recipient->reply);
}

static void get_done_recipient(struct wire *in, struct done_recipient *recipient)
{
    recipient->index = wire_get_u32(in);
    recipient->kind = (enum done_kind)wire_get_u8(in);
    recipient->dsn_passed_on = wire_get_bool(in);
    recipient->status = wire_get_slice(in);
    recipient->reply = wire_get_slice(in);
    if (recipient->kind < DONE_OK || recipient->kind > DONE_AGAIN || recipient->status.len == 0)
        in->failed = true;
}

void msg_done_encode(struct buf *out, const struct msg_done *message)
{
    wire_put_u64(out, message->unit);
    wire_put_slice(out, message->remote);
    wire_put_u8(out, message->remote_lmtp);
    wire_put_slice(out, message->source);
    wire_put_slice(out, message->tls);
    wire_put_u32(out, message->reused);
    wire_put_u32(out, message->duration_ms);
    wire_put_u32(out, message->recipients_limit);
    wire_put_slice(out, message->signature);
    wire_put_u32(out, message->n_recipients);
    for (uint32_t i = 0; i < message->n_recipients; i++)
        put_done_recipient(out, &message->recipients[i]);
}

int msg_done_decode(struct slice *payload, struct arena *arena, struct msg_done *ret_message)
{
    struct wire in = wire_from(*payload);
    struct msg_done *m = ret_message;

    m->unit = wire_get_u64(&in);
    m->remote = wire_get_slice(&in);
    m->remote_lmtp = wire_get_bool(&in);
    m->source = wire_get_slice(&in);
    m->tls = wire_get_slice(&in);
    m->reused = wire_get_u32(&in);
    m->duration_ms = wire_get_u32(&in);
    m->recipients_limit = wire_get_u32(&in);
    m->signature = wire_get_slice(&in);
    m->n_recipients = wire_get_count(&in, ENVELOPE_RECIPIENTS_MAX);
    m->recipients = arena_alloc(arena, m->n_recipients * sizeof(*m->recipients));
    for (uint32_t i = 0; i < m->n_recipients; i++)
        get_done_recipient(&in, &m->recipients[i]);
    if (in.failed)
        return -EBADMSG;
    *payload = in.rest;
    return 0;
}

void msg_run_encode(struct buf *out, const struct msg_run *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->name);
    wire_put_u64(out, message->text_offset);
    wire_put_u64(out, message->text_length);
    wire_put_slice(out, message->sender);
    wire_put_slice(out, message->recipient);
    wire_put_u64(out, message->message_id);
}

int msg_run_decode(struct slice payload, struct arena *arena, struct msg_run *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->name = wire_get_slice(&in);
    ret_message->text_offset = wire_get_u64(&in);
    ret_message->text_length = wire_get_u64(&in);
    ret_message->sender = wire_get_slice(&in);
    ret_message->recipient = wire_get_slice(&in);
    ret_message->message_id = wire_get_u64(&in);
    return ended(&in, true);
}

void msg_ran_encode(struct buf *out, const struct msg_ran *message)
{
    wire_put_u64(out, message->request);
    wire_put_u8(out, message->started);
    wire_put_u8(out, message->timed_out);
    wire_put_u32(out, message->status);
    wire_put_slice(out, message->text);
}

int msg_ran_decode(struct slice payload, struct arena *arena, struct msg_ran *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->started = wire_get_bool(&in);
    ret_message->timed_out = wire_get_bool(&in);
    ret_message->status = wire_get_u32(&in);
    ret_message->text = wire_get_slice(&in);
    return ended(&in, true);
}
