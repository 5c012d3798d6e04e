/*
 * The text of the original is read up to DSN_FULL_MAX bytes, which bounds what a DSN costs. An
 * original that cannot be read is left out: the news matters more than the proof.
 *
 * A DSN that tells of no failure goes with NOTIFY=NEVER (RFC 3461 section 6.1): when it cannot be
 * delivered, nobody misses it.
 */
#include "queue/bounce.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/route.h"

#include <unistd.h>

enum { TEXT_LIMIT = 64 * 1024 * 1024 };

static struct slice read_original(struct queue *queue, const struct bounce *bounce)
{
    struct spool_text text;
    size_t want, have = 0;
    char *bytes;

    if (spool_store_text(queue->store, bounce->location, &text) < 0)
        return SLICE_NULL;
    want = text.length < DSN_FULL_MAX ? (size_t)text.length : DSN_FULL_MAX;
    bytes = arena_alloc(&queue->scratch, want + 1);
    while (have < want) {
        ssize_t n = pread(text.fd, bytes + have, want - have, (off_t)(text.offset + have));
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    spool_store_text_done(queue->store, &text);
    return slice_from(bytes, have);
}

static struct slice queue_id_text(struct queue *queue, const struct bounce *bounce)
{
    struct message_id_text id = message_id_format(bounce->original->id);

    if (bounce->more_messages)
        return arena_printf(&queue->scratch, "%s and %u more", id.text, bounce->more_messages);
    return arena_dup(&queue->scratch, slice_from_cstr(id.text));
}

static bool tells_failure(const struct bounce *bounce)
{
    for (size_t i = 0; i < bounce->n_recipients; i++) {
        if (bounce->recipients[i].action == DSN_FAILED)
            return true;
    }
    return false;
}

/* Where it goes, and under which name: the double bounce is known by it if it fails in its turn. */
static void address_dsn(struct queue *queue, const struct bounce *bounce, struct envelope *dsn)
{
    struct slice to = bounce->original->reverse_path;
    struct recipient *recipient = arena_alloc(&queue->scratch, sizeof(*recipient));

    dsn->listener = BOUNCE_LISTENER;
    if (!to.len) {
        to = queue->config->postmaster.len ? queue->config->postmaster : ROUTE_POSTMASTER;
        dsn->listener = BOUNCE_DOUBLE_LISTENER;
    }
    *recipient = (struct recipient){.address = to,
                                    .class = route_class(queue->config, to),
                                    .notify = tells_failure(bounce) ? 0 : NOTIFY_NEVER};
    dsn->recipients = recipient;
    dsn->n_recipients = 1;
}

static struct dsn describe(struct queue *queue, const struct bounce *bounce,
                           const struct envelope *envelope)
{
    const struct envelope *original = bounce->original;
    struct message_id_text id = message_id_format(envelope->id);
    /* The way back may be less safe than the way here was (RFC 8689 section 5). */
    bool headers_alone = bounce->more_messages || original->requiretls;

    return (struct dsn){.hostname = queue->config->hostname,
                        .message_id = arena_printf(&queue->scratch, "<%s@%.*s>", id.text,
                                                   SLICE_ARG(queue->config->hostname)),
                        .now_ms = envelope->received_ms,
                        .to = envelope->recipients[0].address,
                        .queue_id = queue_id_text(queue, bounce),
                        .envid = original->envid,
                        .arrival_ms = original->received_ms,
                        .ret = headers_alone ? RET_HDRS : original->ret,
                        .smtputf8 = original->smtputf8,
                        .recipients = bounce->recipients,
                        .n_recipients = bounce->n_recipients,
                        .original = read_original(queue, bounce),
                        .original_size = original->size};
}

static void log_bounce(const struct bounce *bounce, const struct envelope *envelope)
{
    struct message_id_text id = message_id_format(envelope->id);
    struct message_id_text original = message_id_format(bounce->original->id);

    log_info(NULL, "bounce", LOG_STR("message", original.text), LOG_STR("as", id.text),
             LOG_SLICE("to", envelope->recipients[0].address),
             LOG_INT("recipients", bounce->n_recipients));
}

void bounce_add(struct record *record, const struct bounce *bounce)
{
    struct queue *queue = record->queue;
    struct envelope envelope = {.id = spool_store_next_id(queue->store),
                                .received_ms = clock_wall_ms(),
                                .ours = true,
                                .requiretls = bounce->original->requiretls,
                                .priority = bounce->original->priority};
    struct dsn_needs needs;
    struct dsn dsn;
    struct buf text;

    address_dsn(queue, bounce, &envelope);
    dsn = describe(queue, bounce, &envelope);
    buf_init(&text, TEXT_LIMIT);
    needs = dsn_build(&text, &dsn);
    envelope.body = needs.body;
    envelope.smtputf8 = needs.smtputf8;
    envelope.size = text.len;
    record_dsn(record, &envelope, arena_dup(&queue->scratch, buf_slice(&text)));
    buf_done(&text);
    log_bounce(bounce, &envelope);
}
