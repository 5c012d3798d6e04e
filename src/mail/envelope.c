/*
 * The stored form of an envelope, version 1:
 *
 *     version (u8)  { type (u8)  length (u32)  value }*
 *
 * Numbers are little-endian. A field that has its default value is left out. What belongs to a
 * recipient follows the field that opens it, so that a later version can say more about each
 * recipient without a new form. A type with the high bit set may be skipped by a reader that does
 * not know it; any other unknown type is a promise that this program could not keep (-ENOTSUP).
 *
 * A field twice, one that belongs to a recipient before the first of them, a number out of range,
 * a length past the end: all that is damage (-EBADMSG), never repaired. The checksum around the
 * record is the spool's.
 *
 * Does not look into strings: whether an address is one was decided before it was stored.
 */
#include "mail/envelope.h"
#include "base/wire.h"

#include <errno.h>
#include <stddef.h>

enum { ENVELOPE_VERSION = 1, MAY_IGNORE = 0x80 };

enum field_type {
    FIELD_ID = 1,
    FIELD_RECEIVED = 2,
    FIELD_REVERSE_PATH = 3,
    FIELD_RECIPIENT = 4, /* class (u8), NOTIFY (u8), address: opens a recipient */
    FIELD_ORCPT = 5,     /* of the recipient before it */
    FIELD_VIA = 6,       /* likewise */
    FIELD_ENVID = 7,
    FIELD_RET = 8,
    FIELD_BODY = 9,
    FIELD_SMTPUTF8 = 10,
    FIELD_REQUIRETLS = 11,
    FIELD_PRIORITY = 12,
    FIELD_HOLD_UNTIL = 13,
    FIELD_DELIVER_BY = 14,
    FIELD_SIZE = 15,
    FIELD_AUTH = 16,
    FIELD_HOLD = 17,
    FIELD_JUNK = 18, /* of the recipient before it */
    FIELD_CLIENT_ADDRESS = MAY_IGNORE | 1,
    FIELD_CLIENT_NAME = MAY_IGNORE | 2,
    FIELD_HELO = MAY_IGNORE | 3,
    FIELD_LOGIN = MAY_IGNORE | 4,
    FIELD_LISTENER = MAY_IGNORE | 5,
    FIELD_VERDICTS = MAY_IGNORE | 6,
    FIELD_OURS = MAY_IGNORE | 7,
};

static const struct {
    enum field_type type;
    size_t offset;
} number_fields[] =
    {
        {FIELD_ID, offsetof(struct envelope, id)},
        {FIELD_RECEIVED, offsetof(struct envelope, received_ms)},
        {FIELD_HOLD_UNTIL, offsetof(struct envelope, hold_until_ms)},
        {FIELD_DELIVER_BY, offsetof(struct envelope, deliver_by_ms)},
        {FIELD_SIZE, offsetof(struct envelope, size)},
},
  text_fields[] = {
      {FIELD_REVERSE_PATH, offsetof(struct envelope, reverse_path)},
      {FIELD_ENVID, offsetof(struct envelope, envid)},
      {FIELD_AUTH, offsetof(struct envelope, auth)},
      {FIELD_HOLD, offsetof(struct envelope, hold)},
      {FIELD_CLIENT_ADDRESS, offsetof(struct envelope, client_address)},
      {FIELD_CLIENT_NAME, offsetof(struct envelope, client_name)},
      {FIELD_HELO, offsetof(struct envelope, helo)},
      {FIELD_LOGIN, offsetof(struct envelope, login)},
      {FIELD_LISTENER, offsetof(struct envelope, listener)},
      {FIELD_VERDICTS, offsetof(struct envelope, verdicts)},
};

enum {
    N_NUMBER_FIELDS = sizeof(number_fields) / sizeof(number_fields[0]),
    N_TEXT_FIELDS = sizeof(text_fields) / sizeof(text_fields[0]),
};

static void put_small(struct buf *out, enum field_type type, uint8_t value)
{
    if (value == 0)
        return;
    wire_put_u8(out, (uint8_t)type);
    wire_put_u32(out, 1);
    wire_put_u8(out, value);
}

static void put_number(struct buf *out, enum field_type type, uint64_t value)
{
    if (value == 0)
        return;
    wire_put_u8(out, (uint8_t)type);
    wire_put_u32(out, sizeof(value));
    wire_put_u64(out, value);
}

static void put_text(struct buf *out, enum field_type type, struct slice text)
{
    if (text.len == 0)
        return;
    wire_put_u8(out, (uint8_t)type);
    wire_put_slice(out, text);
}

static void put_recipient(struct buf *out, const struct recipient *recipient)
{
    if (recipient->address.len > UINT32_MAX - 2) {
        out->overflow = true;
        return;
    }
    wire_put_u8(out, FIELD_RECIPIENT);
    wire_put_u32(out, (uint32_t)recipient->address.len + 2);
    wire_put_u8(out, (uint8_t)recipient->class);
    wire_put_u8(out, recipient->notify);
    buf_add_slice(out, recipient->address);
    put_text(out, FIELD_ORCPT, recipient->orcpt);
    put_text(out, FIELD_VIA, recipient->via);
    put_small(out, FIELD_JUNK, recipient->junk);
}

void envelope_encode(struct buf *out, const struct envelope *envelope)
{
    wire_put_u8(out, ENVELOPE_VERSION);
    for (size_t i = 0; i < N_NUMBER_FIELDS; i++)
        put_number(
            out, number_fields[i].type,
            *(const uint64_t *)(const void *)((const char *)envelope + number_fields[i].offset));
    for (size_t i = 0; i < N_TEXT_FIELDS; i++)
        put_text(
            out, text_fields[i].type,
            *(const struct slice *)(const void *)((const char *)envelope + text_fields[i].offset));
    put_small(out, FIELD_RET, (uint8_t)envelope->ret);
    put_small(out, FIELD_BODY, (uint8_t)envelope->body);
    put_small(out, FIELD_SMTPUTF8, envelope->smtputf8);
    put_small(out, FIELD_REQUIRETLS, envelope->requiretls);
    put_small(out, FIELD_OURS, envelope->ours);
    put_small(out, FIELD_PRIORITY, (uint8_t)envelope->priority);
    for (uint32_t i = 0; i < envelope->n_recipients; i++)
        put_recipient(out, &envelope->recipients[i]);
}

struct field {
    uint8_t type;
    struct slice value;
};

static bool next_field(struct wire *wire, struct field *ret_field)
{
    if (wire->failed || wire->rest.len == 0)
        return false;
    ret_field->type = wire_get_u8(wire);
    ret_field->value = wire_get_slice(wire);
    return !wire->failed;
}

/* A number of one byte, at most max. */
static int get_small(struct field field, uint8_t max, uint8_t *ret_value)
{
    struct wire wire = wire_from(field.value);
    uint8_t value = wire_get_u8(&wire);

    if (!wire_ended_well(&wire) || value > max)
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

static int get_number(struct field field, uint64_t *ret_value)
{
    struct wire wire = wire_from(field.value);
    uint64_t value = wire_get_u64(&wire);

    if (!wire_ended_well(&wire))
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

static int get_recipient(struct field field, struct recipient *ret_recipient)
{
    struct wire wire = wire_from(field.value);
    uint8_t class = wire_get_u8(&wire);
    uint8_t notify = wire_get_u8(&wire);

    if (wire.failed || class < CLASS_LOCAL || class > CLASS_AUTHORISED ||
        notify > (NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY))
        return -EBADMSG;
    *ret_recipient = (struct recipient){.address = wire.rest, .class = class, .notify = notify};
    return 0;
}

/* Once for each recipient; an empty one is never written. */
static int get_recipient_text(struct field field, struct envelope *envelope)
{
    struct recipient *last;
    struct slice *to;

    if (envelope->n_recipients == 0)
        return -EBADMSG;
    last = &envelope->recipients[envelope->n_recipients - 1];
    to = field.type == FIELD_ORCPT ? &last->orcpt : &last->via;
    if (to->len != 0 || field.value.len == 0)
        return -EBADMSG;
    *to = field.value;
    return 0;
}

/* Never written when it is not so. */
static int get_junk(struct field field, struct envelope *envelope)
{
    struct recipient *last;
    uint8_t value;
    int r = get_small(field, 1, &value);

    if (r < 0 || envelope->n_recipients == 0 || value == 0)
        return -EBADMSG;
    last = &envelope->recipients[envelope->n_recipients - 1];
    if (last->junk)
        return -EBADMSG;
    last->junk = true;
    return 0;
}

static int get_priority(struct field field, struct envelope *envelope)
{
    uint8_t byte;
    int r = get_small(field, UINT8_MAX, &byte);
    int8_t priority;

    if (r < 0)
        return r;
    priority = (int8_t)byte;
    if (priority < -9 || priority > 9)
        return -EBADMSG;
    envelope->priority = priority;
    return 0;
}

static int get_choice(struct field field, struct envelope *envelope)
{
    uint8_t value;
    int r = get_small(field, field.type == FIELD_RET ? RET_HDRS : 1, &value);

    if (r < 0)
        return r;
    if (field.type == FIELD_RET)
        envelope->ret = value;
    else if (field.type == FIELD_BODY)
        envelope->body = value;
    else if (field.type == FIELD_SMTPUTF8)
        envelope->smtputf8 = value;
    else if (field.type == FIELD_OURS)
        envelope->ours = value;
    else
        envelope->requiretls = value;
    return 0;
}

/* What the tables hold; -ENOTSUP when they do not know the type. */
static int get_listed(struct field field, struct envelope *envelope)
{
    for (size_t i = 0; i < N_NUMBER_FIELDS; i++) {
        if (number_fields[i].type == field.type)
            return get_number(field,
                              (uint64_t *)(void *)((char *)envelope + number_fields[i].offset));
    }
    for (size_t i = 0; i < N_TEXT_FIELDS; i++) {
        if (text_fields[i].type == field.type) {
            *(struct slice *)(void *)((char *)envelope + text_fields[i].offset) = field.value;
            return 0;
        }
    }
    return field.type & MAY_IGNORE ? 0 : -ENOTSUP;
}

static int get_field(struct field field, struct envelope *envelope)
{
    switch (field.type) {
    case FIELD_RECIPIENT:
        return get_recipient(field, &envelope->recipients[envelope->n_recipients++]);
    case FIELD_ORCPT:
    case FIELD_VIA:
        return get_recipient_text(field, envelope);
    case FIELD_JUNK:
        return get_junk(field, envelope);
    case FIELD_PRIORITY:
        return get_priority(field, envelope);
    case FIELD_RET:
    case FIELD_BODY:
    case FIELD_SMTPUTF8:
    case FIELD_REQUIRETLS:
    case FIELD_OURS:
        return get_choice(field, envelope);
    default:
        return get_listed(field, envelope);
    }
}

/* Structure first: lengths, how many recipients, nothing twice that may be there once. */
static int check_structure(struct wire wire, uint32_t *ret_recipients)
{
    bool seen[UINT8_MAX + 1] = {false};
    uint32_t recipients = 0;
    struct field field;

    while (next_field(&wire, &field)) {
        if (field.type == FIELD_RECIPIENT) {
            if (++recipients > ENVELOPE_RECIPIENTS_MAX)
                return -EBADMSG;
        } else if (field.type != FIELD_ORCPT && field.type != FIELD_VIA &&
                   field.type != FIELD_JUNK) {
            if (seen[field.type])
                return -EBADMSG;
            seen[field.type] = true;
        }
    }
    if (!wire_ended_well(&wire))
        return -EBADMSG;
    *ret_recipients = recipients;
    return 0;
}

int envelope_decode(struct slice input, struct arena *arena, struct envelope *ret_envelope)
{
    struct wire wire = wire_from(input);
    struct envelope envelope = {0};
    uint8_t version = wire_get_u8(&wire);
    struct field field;
    uint32_t recipients;
    int r;

    if (wire.failed || version == 0)
        return -EBADMSG;
    if (version > ENVELOPE_VERSION)
        return -ENOTSUP;
    r = check_structure(wire, &recipients);
    if (r < 0)
        return r;
    envelope.recipients = arena_alloc(arena, recipients * sizeof(envelope.recipients[0]));
    while (next_field(&wire, &field)) {
        r = get_field(field, &envelope);
        if (r < 0)
            return r;
    }
    *ret_envelope = envelope;
    return 0;
}

/* Crockford's alphabet: no I, L, O, U. */
static const char base32_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct message_id_text message_id_format(uint64_t id)
{
    struct message_id_text result;

    for (size_t i = MESSAGE_ID_LEN; i-- > 0; id >>= 5)
        result.text[i] = base32_digits[id & 31];
    result.text[MESSAGE_ID_LEN] = '\0';
    return result;
}

static int base32_value(char c)
{
    char lower = ascii_lower(c);

    if (lower == 'o')
        return 0;
    if (lower == 'i' || lower == 'l')
        return 1;
    for (int i = 0; i < 32; i++) {
        if (ascii_lower(base32_digits[i]) == lower)
            return i;
    }
    return -1;
}

bool message_id_parse(struct slice text, uint64_t *ret_id)
{
    uint64_t id = 0;

    /* Thirteen digits hold 65 bits: the first may not use its highest. */
    if (text.len != MESSAGE_ID_LEN || base32_value(text.ptr[0]) > 15)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = base32_value(text.ptr[i]);
        if (value < 0)
            return false;
        id = id << 5 | (uint64_t)value;
    }
    *ret_id = id;
    return true;
}
