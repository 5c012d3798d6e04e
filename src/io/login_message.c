/* Encoders and decoders of login_message.h, by the rules of message.c. */
#include "io/login_message.h"

#include "base/wire.h"
#include "config/mechanism.h"

#include <errno.h>

static int ended(const struct wire *in, bool in_range)
{
    return wire_ended_well(in) && in_range ? 0 : -EBADMSG;
}

static void put_client(struct buf *out, const struct sasl_client *client)
{
    wire_put_slice(out, client->address);
    wire_put_slice(out, client->listener);
    wire_put_u8(out, client->tls);
    wire_put_slice(out, client->binding);
    wire_put_slice(out, client->fingerprint);
    wire_put_u32(out, client->n_cert_emails);
    for (uint32_t i = 0; i < client->n_cert_emails; i++)
        wire_put_slice(out, client->cert_emails[i]);
}

static void get_client(struct wire *in, struct arena *arena, struct sasl_client *ret_client)
{
    struct sasl_client *client = ret_client;

    client->address = wire_get_slice(in);
    client->listener = wire_get_slice(in);
    client->tls = wire_get_bool(in);
    client->binding = wire_get_slice(in);
    client->fingerprint = wire_get_slice(in);
    client->n_cert_emails = wire_get_count(in, SASL_CERT_EMAILS_MAX);
    client->cert_emails = arena_alloc(arena, client->n_cert_emails * sizeof(*client->cert_emails));
    for (uint32_t i = 0; i < client->n_cert_emails; i++)
        client->cert_emails[i] = wire_get_slice(in);
}

void msg_sasl_encode(struct buf *out, const struct msg_sasl *message)
{
    wire_put_u64(out, message->conversation);
    wire_put_u8(out, (uint8_t)message->step);
    wire_put_u32(out, message->mechanism);
    wire_put_u8(out, message->has_response);
    wire_put_slice(out, message->response);
    put_client(out, &message->client);
}

int msg_sasl_decode(struct slice payload, struct arena *arena, struct msg_sasl *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_sasl *m = ret_message;

    m->conversation = wire_get_u64(&in);
    m->step = (enum sasl_step)wire_get_u8(&in);
    m->mechanism = wire_get_u32(&in);
    m->has_response = wire_get_bool(&in);
    m->response = wire_get_slice(&in);
    get_client(&in, arena, &m->client);
    return ended(&in, m->step >= SASL_START && m->step <= SASL_ABORT &&
                          m->mechanism <= MECHANISM_ALL &&
                          m->mechanism == (unsigned)mechanism_first(m->mechanism) &&
                          m->response.len <= SASL_BYTES_MAX);
}

void msg_sasl_reply_encode(struct buf *out, const struct msg_sasl_reply *message)
{
    wire_put_u64(out, message->conversation);
    wire_put_u8(out, (uint8_t)message->outcome);
    wire_put_slice(out, message->data);
    wire_put_slice(out, message->account);
    wire_put_u64(out, message->message_size);
    wire_put_u32(out, message->code);
    wire_put_slice(out, message->status);
    wire_put_slice(out, message->text);
    wire_put_slice(out, message->why);
}

int msg_sasl_reply_decode(struct slice payload, struct arena *arena,
                          struct msg_sasl_reply *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_sasl_reply *m = ret_message;

    (void)arena;
    m->conversation = wire_get_u64(&in);
    m->outcome = (enum sasl_outcome)wire_get_u8(&in);
    m->data = wire_get_slice(&in);
    m->account = wire_get_slice(&in);
    m->message_size = wire_get_u64(&in);
    m->code = wire_get_u32(&in);
    m->status = wire_get_slice(&in);
    m->text = wire_get_slice(&in);
    m->why = wire_get_slice(&in);
    return ended(&in, m->outcome >= SASL_CHALLENGE && m->outcome <= SASL_FAILED &&
                          (m->outcome != SASL_FAILED || (m->code >= 400 && m->code <= 599)) &&
                          m->data.len <= SASL_BYTES_MAX);
}

void msg_mechanisms_encode(struct buf *out, const struct msg_mechanisms *message)
{
    wire_put_u32(out, message->set);
}

int msg_mechanisms_decode(struct slice payload, struct arena *arena,
                          struct msg_mechanisms *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->set = wire_get_u32(&in);
    return ended(&in, ret_message->set <= MECHANISM_ALL);
}

void msg_submission_encode(struct buf *out, const struct msg_submission *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->account);
    wire_put_slice(out, message->client_address);
    wire_put_u32(out, message->recipients);
    wire_put_u64(out, message->size);
}

int msg_submission_decode(struct slice payload, struct arena *arena,
                          struct msg_submission *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->account = wire_get_slice(&in);
    ret_message->client_address = wire_get_slice(&in);
    ret_message->recipients = wire_get_u32(&in);
    ret_message->size = wire_get_u64(&in);
    return ended(&in, true);
}

void msg_submission_reply_encode(struct buf *out, const struct msg_submission_reply *message)
{
    wire_put_u64(out, message->request);
    wire_put_u8(out, (uint8_t)message->verdict);
    wire_put_slice(out, message->text);
}

int msg_submission_reply_decode(struct slice payload, struct arena *arena,
                                struct msg_submission_reply *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->verdict = (enum submission_verdict)wire_get_u8(&in);
    ret_message->text = wire_get_slice(&in);
    return ended(&in, ret_message->verdict >= SUBMISSION_GO &&
                          ret_message->verdict <= SUBMISSION_REFUSE);
}

void msg_frozen_encode(struct buf *out, const struct msg_frozen *message)
{
    wire_put_slice(out, message->account);
    wire_put_u64(out, message->since_ms);
    wire_put_u8(out, message->tell);
    wire_put_slice(out, message->why);
}

int msg_frozen_decode(struct slice payload, struct arena *arena, struct msg_frozen *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->account = wire_get_slice(&in);
    ret_message->since_ms = wire_get_u64(&in);
    ret_message->tell = wire_get_bool(&in);
    ret_message->why = wire_get_slice(&in);
    return ended(&in, true);
}

void msg_frozen_taken_encode(struct buf *out, const struct msg_frozen_taken *message)
{
    wire_put_slice(out, message->account);
    wire_put_u64(out, message->since_ms);
}

int msg_frozen_taken_decode(struct slice payload, struct arena *arena,
                            struct msg_frozen_taken *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->account = wire_get_slice(&in);
    ret_message->since_ms = wire_get_u64(&in);
    return ended(&in, true);
}

void msg_bounced_encode(struct buf *out, const struct msg_bounced *message)
{
    wire_put_slice(out, message->account);
    wire_put_u32(out, message->recipients);
}

int msg_bounced_decode(struct slice payload, struct arena *arena, struct msg_bounced *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->account = wire_get_slice(&in);
    ret_message->recipients = wire_get_u32(&in);
    return ended(&in, true);
}

void msg_file_encode(struct buf *out, const struct msg_file *message)
{
    wire_put_slice(out, message->path);
    wire_put_slice(out, message->text);
}

int msg_file_decode(struct slice payload, struct arena *arena, struct msg_file *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->path = wire_get_slice(&in);
    ret_message->text = wire_get_slice(&in);
    return ended(&in, true);
}
