/* Encoders and decoders of the messages about DMARC reports: see dmarc_message.h and message.c. */
#include "io/dmarc_message.h"

#include "base/wire.h"

#include <errno.h>

static int ended(const struct wire *in, bool in_range)
{
    return wire_ended_well(in) && in_range ? 0 : -EBADMSG;
}

static struct slice get_text(struct wire *in, size_t max)
{
    struct slice text = wire_get_slice(in);

    if (text.len > max)
        in->failed = true;
    return text;
}

/* A name without which the message says nothing. */
static struct slice get_name(struct wire *in)
{
    struct slice name = get_text(in, DMARC_ROW_NAME_MAX);

    if (name.len == 0)
        in->failed = true;
    return name;
}

static unsigned get_enum(struct wire *in, unsigned last)
{
    unsigned value = wire_get_u8(in);

    if (value > last)
        in->failed = true;
    return value;
}

static void put_row_names(struct buf *out, const struct msg_dmarc_row *row)
{
    wire_put_u64(out, row->seconds);
    wire_put_slice(out, row->policy_domain);
    wire_put_slice(out, row->record);
    wire_put_slice(out, row->author);
    wire_put_slice(out, row->organisation);
    wire_put_slice(out, row->client);
    wire_put_slice(out, row->envelope_from);
    wire_put_slice(out, row->envelope_to);
}

static void get_row_names(struct wire *in, struct msg_dmarc_row *row)
{
    row->seconds = wire_get_u64(in);
    row->policy_domain = get_name(in);
    row->record = get_text(in, DMARC_ROW_RECORD_MAX);
    row->author = get_name(in);
    row->organisation = get_text(in, DMARC_ROW_NAME_MAX);
    row->client = get_name(in);
    row->envelope_from = get_text(in, DMARC_ROW_NAME_MAX);
    row->envelope_to = get_text(in, DMARC_ROW_NAME_MAX);
}

static void put_row_lists(struct buf *out, const struct msg_dmarc_row *row)
{
    wire_put_u32(out, row->n_reasons);
    for (uint32_t i = 0; i < row->n_reasons; i++) {
        wire_put_u8(out, (uint8_t)row->reasons[i].type);
        wire_put_slice(out, row->reasons[i].comment);
    }
    wire_put_u32(out, row->n_dkim);
    for (uint32_t i = 0; i < row->n_dkim; i++) {
        wire_put_slice(out, row->dkim[i].domain);
        wire_put_slice(out, row->dkim[i].selector);
        wire_put_slice(out, row->dkim[i].result);
        wire_put_u8(out, row->dkim[i].aligned);
        wire_put_slice(out, row->dkim[i].problem);
    }
}

static void get_row_lists(struct wire *in, struct arena *arena, struct msg_dmarc_row *row)
{
    row->n_reasons = wire_get_count(in, DMARC_ROW_REASONS_MAX);
    row->reasons = arena_alloc(arena, row->n_reasons * sizeof(*row->reasons) + 1);
    for (uint32_t i = 0; i < row->n_reasons; i++) {
        row->reasons[i].type = (enum dmarc_override)get_enum(in, DMARC_OVERRIDE_TRUSTED_FORWARDER);
        row->reasons[i].comment = get_text(in, DMARC_ROW_TEXT_MAX);
    }
    row->n_dkim = wire_get_count(in, DMARC_ROW_DKIM_MAX);
    row->dkim = arena_alloc(arena, row->n_dkim * sizeof(*row->dkim) + 1);
    for (uint32_t i = 0; i < row->n_dkim; i++) {
        row->dkim[i].domain = get_text(in, DMARC_ROW_NAME_MAX);
        row->dkim[i].selector = get_text(in, DMARC_ROW_NAME_MAX);
        row->dkim[i].result = get_name(in);
        row->dkim[i].aligned = wire_get_bool(in);
        row->dkim[i].problem = get_text(in, DMARC_ROW_TEXT_MAX);
    }
}

void msg_dmarc_row_encode(struct buf *out, const struct msg_dmarc_row *message)
{
    put_row_names(out, message);
    wire_put_u8(out, (uint8_t)message->asked);
    wire_put_u8(out, (uint8_t)message->disposition);
    wire_put_u8(out, message->dkim_pass);
    wire_put_u8(out, message->spf_pass);
    wire_put_u8(out, message->is_report);
    put_row_lists(out, message);
    wire_put_slice(out, message->spf_domain);
    wire_put_u8(out, message->spf_helo);
    wire_put_slice(out, message->spf_result);
    wire_put_slice(out, message->spf_problem);
}

int msg_dmarc_row_decode(struct slice payload, struct arena *arena,
                         struct msg_dmarc_row *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_dmarc_row *m = ret_message;

    get_row_names(&in, m);
    m->asked = (enum dmarc_disposition)get_enum(&in, DMARC_DISPOSITION_REJECT);
    m->disposition = (enum dmarc_disposition)get_enum(&in, DMARC_DISPOSITION_REJECT);
    m->dkim_pass = wire_get_bool(&in);
    m->spf_pass = wire_get_bool(&in);
    m->is_report = wire_get_bool(&in);
    get_row_lists(&in, arena, m);
    m->spf_domain = get_text(&in, DMARC_ROW_NAME_MAX);
    m->spf_helo = wire_get_bool(&in);
    m->spf_result = get_text(&in, DMARC_ROW_NAME_MAX);
    m->spf_problem = get_text(&in, DMARC_ROW_TEXT_MAX);
    return ended(&in, m->spf_domain.len == 0 || m->spf_result.len > 0);
}

void msg_dmarc_send_encode(struct buf *out, const struct msg_dmarc_send *message)
{
    wire_put_u64(out, message->request);
    wire_put_slice(out, message->policy_domain);
    wire_put_slice(out, message->report_id);
    wire_put_u64(out, message->begin);
    wire_put_u64(out, message->end);
    wire_put_u32(out, message->n_to);
    for (uint32_t i = 0; i < message->n_to; i++)
        wire_put_slice(out, message->to[i]);
}

int msg_dmarc_send_decode(struct slice payload, struct arena *arena,
                          struct msg_dmarc_send *ret_message)
{
    struct wire in = wire_from(payload);
    struct msg_dmarc_send *m = ret_message;

    m->request = wire_get_u64(&in);
    m->policy_domain = get_name(&in);
    m->report_id = wire_get_slice(&in);
    m->begin = wire_get_u64(&in);
    m->end = wire_get_u64(&in);
    m->n_to = wire_get_count(&in, DMARC_SEND_TO_MAX);
    m->to = arena_alloc(arena, m->n_to * sizeof(*m->to) + 1);
    for (uint32_t i = 0; i < m->n_to; i++)
        m->to[i] = wire_get_slice(&in);
    return ended(&in, m->report_id.len && m->n_to);
}

void msg_dmarc_sent_encode(struct buf *out, const struct msg_dmarc_sent *message)
{
    wire_put_u64(out, message->request);
    wire_put_u32(out, message->n_results);
    for (uint32_t i = 0; i < message->n_results; i++)
        wire_put_u8(out, message->results[i]);
}

int msg_dmarc_sent_decode(struct slice payload, struct arena *arena,
                          struct msg_dmarc_sent *ret_message)
{
    struct wire in = wire_from(payload);
    bool in_range = true;

    (void)arena;
    *ret_message = (struct msg_dmarc_sent){.request = wire_get_u64(&in)};
    ret_message->n_results = wire_get_count(&in, DMARC_SEND_TO_MAX);
    for (uint32_t i = 0; i < ret_message->n_results; i++) {
        ret_message->results[i] = wire_get_u8(&in);
        in_range &= ret_message->results[i] >= DMARC_SENT_TAKEN &&
                    ret_message->results[i] <= DMARC_SENT_LATER;
    }
    return ended(&in, in_range);
}
