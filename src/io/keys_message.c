/* Encoders and decoders of the messages about keys and signatures: see message.c. */
#include "base/wire.h"
#include "io/message.h"

#include <errno.h>

enum { DIGEST = 32 };

static int ended(const struct wire *in, bool in_range)
{
    return wire_ended_well(in) && in_range ? 0 : -EBADMSG;
}

static void put_key(struct buf *out, const struct msg_key *key)
{
    wire_put_slice(out, key->domain);
    wire_put_slice(out, key->selector);
    wire_put_slice(out, key->sender);
    wire_put_slice(out, key->record);
    wire_put_u64(out, key->made_s);
    wire_put_u8(out, key->seen);
    wire_put_u8(out, key->retired);
}

static void get_key(struct wire *in, struct msg_key *key)
{
    key->domain = wire_get_slice(in);
    key->selector = wire_get_slice(in);
    key->sender = wire_get_slice(in);
    key->record = wire_get_slice(in);
    key->made_s = wire_get_u64(in);
    key->seen = wire_get_bool(in);
    key->retired = wire_get_bool(in);
    if (key->domain.len == 0 || key->selector.len == 0 || key->record.len == 0)
        in->failed = true;
}

void msg_keys_encode(struct buf *out, const struct msg_keys *message)
{
    wire_put_u8(out, message->begins);
    wire_put_u8(out, message->ends);
    wire_put_u32(out, message->n_keys);
    for (uint32_t i = 0; i < message->n_keys; i++)
        put_key(out, &message->keys[i]);
}

int msg_keys_decode(struct slice payload, struct arena *arena, struct msg_keys *ret_message)
{
    struct wire in = wire_from(payload);

    ret_message->begins = wire_get_bool(&in);
    ret_message->ends = wire_get_bool(&in);
    ret_message->n_keys = wire_get_count(&in, KEYS_MAX);
    ret_message->keys = arena_alloc(arena, ret_message->n_keys * sizeof(*ret_message->keys) + 1);
    for (uint32_t i = 0; i < ret_message->n_keys; i++)
        get_key(&in, &ret_message->keys[i]);
    return ended(&in, true);
}

void msg_key_seen_encode(struct buf *out, const struct msg_key_seen *message)
{
    wire_put_slice(out, message->domain);
    wire_put_slice(out, message->selector);
    wire_put_u8(out, message->seen);
}

int msg_key_seen_decode(struct slice payload, struct arena *arena, struct msg_key_seen *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->domain = wire_get_slice(&in);
    ret_message->selector = wire_get_slice(&in);
    ret_message->seen = wire_get_bool(&in);
    return ended(&in, ret_message->domain.len && ret_message->selector.len);
}

void msg_sign_encode(struct buf *out, const struct msg_sign *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->domain);
    wire_put_slice(out, message->selector);
    wire_put_slice(out, message->digest);
}

int msg_sign_decode(struct slice payload, struct arena *arena, struct msg_sign *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->domain = wire_get_slice(&in);
    ret_message->selector = wire_get_slice(&in);
    ret_message->digest = wire_get_slice(&in);
    return ended(&in, ret_message->digest.len == DIGEST);
}

void msg_signed_encode(struct buf *out, const struct msg_signed *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->signature);
}

int msg_signed_decode(struct slice payload, struct arena *arena, struct msg_signed *ret_message)
{
    struct wire in = wire_from(payload);

    (void)arena;
    ret_message->request = wire_get_u64(&in);
    ret_message->signature = wire_get_slice(&in);
    return ended(&in, true);
}
