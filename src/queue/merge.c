/*
 * The DSN goes into the record of the first message, and the records of the others behind it, so
 * that after a crash failures may be told twice, but none is forgotten. A DSN tells of at most
 * RECIPIENTS_MAX recipients (and of one message in any case); what is left makes another.
 */
#include "queue/merge.h"

#include "queue/bounce.h"
#include "queue/extra.h"
#include "queue/failures.h"

enum { RECIPIENTS_MAX = 1000 };

struct merge {
    struct queue *queue;
    struct envelope envelope;  /* of the first message */
    struct message **messages; /* those that this DSN tells of */
    unsigned n_messages;
    struct dsn_recipient *list;
    size_t n_list;
};

/* False when it has to wait for another DSN. */
static bool take_message(struct merge *merge, struct message *message)
{
    struct envelope envelope;
    size_t n;

    if (queue_read_envelope(merge->queue, message, &envelope) < 0)
        return true;
    n = failures_list(message, &envelope, NULL);
    if (merge->n_messages && (n + merge->n_list > RECIPIENTS_MAX ||
                              !slice_eq(envelope.reverse_path, merge->envelope.reverse_path)))
        return false;
    if (!merge->n_messages) {
        merge->envelope = envelope;
        merge->list = arena_alloc(&merge->queue->scratch,
                                  (n > RECIPIENTS_MAX ? n : RECIPIENTS_MAX) * sizeof(*merge->list));
    }
    merge->n_list += failures_list(message, &envelope, merge->list + merge->n_list);
    merge->messages[merge->n_messages++] = message;
    return true;
}

static void tell(struct merge *merge)
{
    struct bounce bounce = {.original = &merge->envelope,
                            .location = merge->messages[0]->location,
                            .recipients = merge->list,
                            .n_recipients = merge->n_list,
                            .more_messages = merge->n_messages - 1};

    for (unsigned i = 0; i < merge->n_messages; i++) {
        struct record record;
        record_begin(merge->queue, merge->messages[i], &record);
        failures_tell(&record);
        if (i == 0 && merge->n_list)
            bounce_add(&record, &bounce);
        record_commit(&record);
    }
}

/* Takes as many of the messages as one DSN tells of, and puts what is left to the front. */
static size_t merge_some(struct queue *queue, uint64_t *ids, size_t n)
{
    struct merge merge = {.queue = queue};
    size_t left = 0;

    arena_reset(&queue->scratch);
    merge.messages = arena_alloc(&queue->scratch, n * sizeof(struct message *));
    for (size_t i = 0; i < n; i++) {
        struct message *message = ledger_find(&queue->ledger, ids[i]);
        if (message && message->extra && message->extra->n_failures &&
            !take_message(&merge, message))
            ids[left++] = ids[i];
    }
    if (merge.n_messages)
        tell(&merge);
    return left;
}

void merge_tick(struct queue *queue)
{
    uint64_t *ids;
    size_t n;

    while ((n = bouncerate_take_due(queue->bouncerate, queue_now(queue), &ids)) > 0) {
        while (n > 0)
            n = merge_some(queue, ids, n);
        free(ids);
    }
}
