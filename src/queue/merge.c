/*
 * The DSN goes into the record of the first message; the others follow when that is on disk. So
 * after a crash failures may be told twice, but none is forgotten. A DSN tells of at most
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

/* The others' failures are promised by the first one's record. */
static void bind_followers(struct merge *merge, struct record *record)
{
    struct message_extra *extra = merge->messages[0]->extra;

    extra->n_followers = merge->n_messages - 1;
    extra->followers_in = record->number;
    extra->followers = xrealloc(extra->followers, merge->n_messages * sizeof(*extra->followers));
    for (unsigned i = 1; i < merge->n_messages; i++) {
        extra->followers[i - 1] = merge->messages[i]->id;
        failures_promise(merge->messages[i], 0, record->number);
    }
}

static void tell(struct merge *merge)
{
    struct bounce bounce = {.original = &merge->envelope,
                            .location = merge->messages[0]->location,
                            .recipients = merge->list,
                            .n_recipients = merge->n_list,
                            .more_messages = merge->n_messages - 1};
    struct record record;

    record_begin(merge->queue, merge->messages[0], &record);
    failures_tell(&record, 0);
    bind_followers(merge, &record);
    if (merge->n_list)
        bounce_add(&record, &bounce);
    record_commit(&record);
}

static void settle_follower(struct queue *queue, struct message *message, uint64_t number,
                            bool on_disk)
{
    struct record record;

    arena_reset(&queue->scratch);
    if (!on_disk) {
        failures_promise(message, number, 0);
        ledger_set_due(&queue->ledger, message, queue_now(queue));
        return;
    }
    record_begin(queue, message, &record);
    failures_tell(&record, number);
    record_commit(&record);
}

void merge_settled(struct queue *queue, struct message *message, uint64_t number, bool on_disk)
{
    struct message_extra *extra = message->extra;

    if (!extra->n_followers || extra->followers_in != number)
        return;
    for (size_t i = 0; i < extra->n_followers; i++) {
        struct message *follower = ledger_find(&queue->ledger, extra->followers[i]);
        if (follower && follower->extra)
            settle_follower(queue, follower, number, on_disk);
    }
    extra->n_followers = 0;
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
