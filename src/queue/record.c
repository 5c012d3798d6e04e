/*
 * Tickets carry a record's fate from the committer's thread to the loop's: the committer puts a
 * ticket on the list of those that are done and wakes the loop if the list was empty. Tickets are
 * made on the loop's thread and used again.
 *
 * An outcome says FAILED recipients are BOUNCED; in the ledger they stay FAILED until the record is
 * on disk, so that a record which could not be written leaves a failure that is still to be told.
 */
#include "queue/record.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/extra.h"

#include <pthread.h>

enum { WRITE_AGAIN_MS = 5000 };

struct ticket {
    struct record_log *log;
    uint32_t message;
    uint64_t record;
    int result;
    struct ticket *next;
};

struct record_log {
    struct loop *loop;
    struct record_events events;
    struct ticket *free;
    unsigned under_way;
    uint64_t last_record;
    bool any_unsaved;
    uint64_t write_again_at; /* queue time */
    pthread_mutex_t lock;    /* guards `done`, which two threads use */
    struct ticket *done;
};

struct record_log *record_log_new(struct queue *queue, const struct record_events *events)
{
    struct record_log *log = xcalloc(1, sizeof(*log));

    log->loop = queue->role->loop;
    log->events = *events;
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

static void free_tickets(struct ticket *ticket)
{
    while (ticket) {
        struct ticket *next = ticket->next;
        free(ticket);
        ticket = next;
    }
}

void record_log_free(struct record_log *log)
{
    if (!log)
        return;
    free_tickets(log->free);
    free_tickets(log->done);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void record_begin(struct queue *queue, struct message *message, struct record *ret_record)
{
    *ret_record = (struct record){
        .queue = queue, .message = message, .number = ++queue->records->last_record};
}

static struct outcome_recipient *next_recipient(struct record *record)
{
    if (record->n_recipients == record->size) {
        struct outcome_recipient *old = record->recipients;
        record->size = record->size ? record->size * 2 : 4;
        record->recipients =
            arena_alloc(&record->queue->scratch, record->size * sizeof(*record->recipients));
        if (old)
            memcpy(record->recipients, old, record->n_recipients * sizeof(*old));
    }
    return &record->recipients[record->n_recipients++];
}

static enum outcome_kind kind_of(enum recipient_state state)
{
    switch (state) {
    case RECIPIENT_DELIVERED:
        return OUTCOME_DELIVERED;
    case RECIPIENT_RELAYED:
        return OUTCOME_RELAYED;
    case RECIPIENT_EXPANDED:
        return OUTCOME_EXPANDED;
    case RECIPIENT_BOUNCED:
        return OUTCOME_BOUNCED;
    case RECIPIENT_REMOVED:
        return OUTCOME_REMOVED;
    case RECIPIENT_WAITING:
    case RECIPIENT_READY:
    case RECIPIENT_UNDER_WAY:
    case RECIPIENT_FAILED:
    case RECIPIENT_PARKED:
    case RECIPIENT_SUSPENDED:
        break;
    }
    return OUTCOME_PENDING;
}

static uint64_t due_of(const struct queue *queue, const struct ledger_recipient *recipient)
{
    if (recipient_state(recipient) != RECIPIENT_WAITING || !recipient->at)
        return clock_wall_ms();
    return retry_to_wall(queue_now(queue), clock_wall_ms(), retry_from_tick(recipient->at));
}

void record_recipient(struct record *record, uint32_t index, struct slice reply)
{
    const struct queue *queue = record->queue;
    const struct ledger_recipient *recipient = ledger_recipient(record->message, index);
    struct outcome_recipient *to = next_recipient(record);

    *to = (struct outcome_recipient){
        .index = index,
        .kind = kind_of(recipient_state(recipient)),
        .flags = (uint8_t)(recipient_flags(recipient) & (OUTCOME_HELD | OUTCOME_WARNED)),
        .attempts = recipient->attempts,
        .reply = reply.len ? reply : texts_get(queue->ledger.texts, recipient->reply),
        .route = extra_route(record->message, index)};
    if (to->kind == OUTCOME_PENDING)
        to->due_ms = due_of(queue, recipient);
}

void record_bounced(struct record *record, uint32_t index, struct slice reply)
{
    record_recipient(record, index, reply);
    record->recipients[record->n_recipients - 1].kind = OUTCOME_BOUNCED;
}

void record_added(struct record *record, const struct recipient *added, uint32_t n, uint32_t first)
{
    record->added = added;
    record->n_added = n;
    record->first_added = first;
    extra_of(record->message)->added_in = record->number;
}

void record_signature(struct record *record, struct slice fields)
{
    if (!(record->message->flags & MESSAGE_SIGNED))
        record->signature = fields;
}

void record_dsn(struct record *record, const struct envelope *envelope, struct slice text)
{
    struct spool_dsn *dsns =
        arena_alloc(&record->queue->scratch, (record->n_dsns + 1) * sizeof(*dsns));

    if (record->n_dsns)
        memcpy(dsns, record->dsns, record->n_dsns * sizeof(*dsns));
    dsns[record->n_dsns++] = (struct spool_dsn){.envelope = *envelope, .text = text};
    record->dsns = dsns;
    record->queue->counters.bounces++;
}

/* On the committer's thread. */
static void on_done(void *arg, int result)
{
    struct ticket *ticket = arg;
    struct record_log *log = ticket->log;
    bool was_empty;

    ticket->result = result;
    pthread_mutex_lock(&log->lock);
    was_empty = !log->done;
    ticket->next = log->done;
    log->done = ticket;
    pthread_mutex_unlock(&log->lock);
    if (was_empty)
        loop_wake(log->loop);
}

static struct ticket *take_ticket(struct record_log *log, const struct record *record)
{
    struct ticket *ticket = log->free;

    if (ticket)
        log->free = ticket->next;
    else
        ticket = xcalloc(1, sizeof(*ticket));
    ticket->log = log;
    ticket->message = record->message->handle;
    ticket->record = record->number;
    log->under_way++;
    return ticket;
}

/*
 * A record may say "finished" only when all before it are on disk: if one of those failed, what it
 * said would be forgotten with the message. Failures that go with this record do not count as open;
 * those that another message's record is to tell (merge.h) do, because it may not come to the disk.
 */
static bool is_finished(const struct record *record)
{
    const struct message *message = record->message;
    uint32_t told = 0;

    if (message->records || message->flags & MESSAGE_UNSAVED)
        return false;
    for (uint32_t i = 0; message->extra && i < message->extra->n_failures; i++)
        told += message->extra->failures[i].told_in == record->number;
    return message->n_open == told;
}

void record_commit(struct record *record)
{
    struct message *message = record->message;
    struct record_log *log = record->queue->records;
    struct outcome outcome = {.id = message->id,
                              .recipients = record->recipients,
                              .n_recipients = record->n_recipients,
                              .added = record->added,
                              .n_added = record->n_added,
                              .first_added = record->first_added,
                              .finished = is_finished(record)};

    if (!outcome.finished)
        outcome.signature = record->signature;
    if (!record->n_recipients && !record->n_added && !outcome.signature.len && !outcome.finished)
        return;
    message->records++;
    if (outcome.finished)
        message->flags |= MESSAGE_FINISHED;
    if (outcome.signature.len)
        message->flags |= MESSAGE_SIGNED;
    spool_store_outcome(record->queue->store, &outcome, record->dsns, record->n_dsns, on_done,
                        take_ticket(log, record));
}

/* ---- what became of the records ------------------------------------------------------------ */

/* What this record told is over; or is still to be told. */
static void settle_told(struct message *message, uint64_t number, bool on_disk)
{
    struct message_extra *extra = message->extra;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < extra->n_failures; i++) {
        struct failure *failure = &extra->failures[i];
        if (failure->told_in == number && on_disk) {
            ledger_set_state(message, failure->index, RECIPIENT_BOUNCED, 0);
            continue;
        }
        if (failure->told_in == number)
            failure->told_in = 0;
        extra->failures[kept++] = *failure;
    }
    extra->n_failures = kept;
}

static void note_unsaved(struct queue *queue, struct message *message, int result)
{
    log_error(NULL, "outcome-not-written", LOG_STR("message", message_id_format(message->id).text),
              LOG_ERRNO(result));
    message->flags =
        (uint8_t)((message->flags & ~(MESSAGE_FINISHED | MESSAGE_SIGNED)) | MESSAGE_UNSAVED);
    queue->records->any_unsaved = true;
    queue->records->write_again_at = queue_now(queue) + WRITE_AGAIN_MS;
}

/* Its last record said so; otherwise, since records overlapped, one more does. */
static void finish(struct queue *queue, struct message *message)
{
    struct record record;

    if (message->flags & MESSAGE_FINISHED) {
        ledger_remove(&queue->ledger, message);
        return;
    }
    arena_reset(&queue->scratch);
    record_begin(queue, message, &record);
    record_commit(&record);
}

static void go_on(struct queue *queue, struct message *message)
{
    arena_reset(&queue->scratch);
    queue->records->events.go_on(queue, message);
}

static void take_result(struct queue *queue, const struct ticket *ticket)
{
    struct message *message = ledger_at(&queue->ledger, ticket->message);

    message->records--;
    if (message->extra) {
        settle_told(message, ticket->record, ticket->result == 0);
        queue->records->events.settled(queue, message, ticket->record, ticket->result == 0);
    }
    if (ticket->result < 0)
        note_unsaved(queue, message, ticket->result);
    if (message->extra && message->extra->added_in == ticket->record && ticket->result == 0) {
        message->extra->added_in = 0;
        go_on(queue, message);
    }
    if (message->records || message->flags & MESSAGE_UNSAVED)
        return;
    if (!message->n_open)
        finish(queue, message);
    else if (message->extra && message->extra->n_failures)
        go_on(queue, message);
}

void record_take_done(struct queue *queue)
{
    struct record_log *log = queue->records;
    struct ticket *done, *next;

    pthread_mutex_lock(&log->lock);
    done = log->done;
    log->done = NULL;
    pthread_mutex_unlock(&log->lock);
    for (; done; done = next) {
        next = done->next;
        log->under_way--;
        take_result(queue, done);
        done->next = log->free;
        log->free = done;
    }
}

static void write_whole_state(struct queue *queue, struct message *message)
{
    const struct message_extra *extra = message->extra;
    struct record record;

    arena_reset(&queue->scratch);
    message->flags &= (uint8_t)~MESSAGE_UNSAVED;
    record_begin(queue, message, &record);
    for (uint32_t i = 0; i < message->n_recipients; i++)
        record_recipient(&record, i, SLICE_NULL);
    if (extra && extra->n_added)
        record_added(&record, extra->added, extra->n_added, extra->n_envelope);
    record_commit(&record);
}

void record_tick(struct queue *queue)
{
    struct record_log *log = queue->records;
    struct message *message;
    uint32_t handle = 0;

    if (!log->any_unsaved || queue_now(queue) < log->write_again_at)
        return;
    log->any_unsaved = false;
    while ((message = ledger_next(&queue->ledger, &handle))) {
        if (message->flags & MESSAGE_UNSAVED && !message->records)
            write_whole_state(queue, message);
        else if (message->flags & MESSAGE_UNSAVED)
            log->any_unsaved = true;
    }
}

unsigned record_under_way(const struct queue *queue)
{
    return queue->records->under_way;
}
