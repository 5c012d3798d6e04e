/*
 * The store as the queue role sees it: records become durable after a while, in order, or fail. A
 * crash of the role loses those that were not durable yet. What is on disk is checked here: a
 * recipient that is over stays so, a message is finished exactly when all of them are.
 */
#include "queue_world.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <inttypes.h>
#include <stdlib.h>

struct record {
    uint64_t id;
    struct outcome_recipient *recipients;
    uint32_t n_recipients;
    struct sim_recipient *added;
    uint32_t n_added, first_added;
    bool finished;
    struct sim_message **dsns;
    unsigned n_dsns;
    struct sim_message *mail; /* instead of all that */
    char signature[SIGNATURE_SIZE];
    spool_done *done;
    void *arg;
};

struct sim_message *world_message(uint64_t id)
{
    uint64_t index = id - 1000;

    return index < world->n_messages ? &world->messages[index] : NULL;
}

struct sim_message *world_add(const char *sender, const char *listener)
{
    struct sim_message *message = &world->messages[world->n_messages];

    if (world->n_messages == SIM_MESSAGES)
        world_broken(NULL, "the mail multiplies without end");
    *message = (struct sim_message){.id = 1000 + world->n_messages++,
                                    .received_ms = world_wall(),
                                    .arrived = world->now,
                                    .listener = listener,
                                    .login = "",
                                    .hold = ""};
    snprintf(message->sender, sizeof(message->sender), "%s", sender);
    return message;
}

void world_add_recipient(struct sim_message *message, const char *address, const char *via,
                         enum recipient_class class, uint8_t notify)
{
    struct sim_recipient *recipient = &message->recipients[message->n_recipients];

    if (message->n_recipients == SIM_RECIPIENTS)
        world_broken(message, "more recipients than the simulation can hold");
    *recipient = (struct sim_recipient){.class = class, .notify = notify};
    snprintf(recipient->address, sizeof(recipient->address), "%s", address);
    snprintf(recipient->via, sizeof(recipient->via), "%s", via);
    message->n_recipients++;
}

/* ---- reading ------------------------------------------------------------------------------- */

static struct spool_location location_of(const struct sim_message *message)
{
    return (struct spool_location){.segment = 1, .offset = (uint32_t)message->id};
}

static struct slice copy_text(struct arena *arena, const char *text)
{
    return arena_dup(arena, slice_from_cstr(text));
}

static void make_envelope(const struct sim_message *message, struct arena *arena,
                          struct envelope *ret_envelope)
{
    struct envelope envelope = {.id = message->id,
                                .received_ms = message->received_ms,
                                .reverse_path = copy_text(arena, message->sender),
                                .priority = message->priority,
                                .ours = sim_is_ours(message->id),
                                .listener = copy_text(arena, message->listener),
                                .login = copy_text(arena, message->login),
                                .hold = copy_text(arena, message->hold),
                                .verdicts = copy_text(arena, message->verdicts),
                                .n_recipients = message->n_envelope};

    envelope.recipients =
        arena_alloc(arena, message->n_envelope * sizeof(*envelope.recipients) + 1);
    for (uint32_t i = 0; i < message->n_envelope; i++) {
        const struct sim_recipient *from = &message->recipients[i];
        envelope.recipients[i] = (struct recipient){.address = copy_text(arena, from->address),
                                                    .class = from->class,
                                                    .notify = from->notify};
    }
    *ret_envelope = envelope;
}

static void report(struct sim_message *message)
{
    struct arena arena;
    struct envelope envelope;

    arena_init(&arena);
    make_envelope(message, &arena, &envelope);
    message->reported = true;
    world->store_events->message(world->store_events->arg, &envelope, location_of(message));
    arena_done(&arena);
}

static void report_outcome(struct sim_message *message)
{
    struct outcome_recipient list[SIM_RECIPIENTS];
    struct recipient added[SIM_RECIPIENTS];
    struct outcome outcome = {.id = message->id,
                              .recipients = list,
                              .added = added,
                              .n_added = message->n_recipients - message->n_envelope,
                              .first_added = message->n_envelope};

    for (uint32_t i = 0; i < message->n_recipients; i++) {
        const struct sim_recipient *from = &message->recipients[i];
        if (from->recorded)
            list[outcome.n_recipients++] = (struct outcome_recipient){.index = i,
                                                                      .kind = from->kind,
                                                                      .flags = from->flags,
                                                                      .attempts = from->attempts,
                                                                      .due_ms = from->due_ms};
        if (i >= message->n_envelope)
            added[i - message->n_envelope] =
                (struct recipient){.address = slice_from_cstr(from->address),
                                   .via = slice_from_cstr(from->via),
                                   .class = from->class,
                                   .notify = from->notify};
    }
    world->store_events->outcome(world->store_events->arg, &outcome);
}

struct disk *disk_real(void)
{
    return NULL;
}

int spool_store_open(const struct spool_store_options *options, struct spool_store **ret_store)
{
    world->store_events = options->events;
    for (unsigned i = 0; i < world->n_messages; i++) {
        struct sim_message *message = &world->messages[i];
        for (uint32_t r = 0; r < message->n_recipients; r++)
            message->recipients[r].under_way = false;
        if (message->on_disk && !message->finished)
            report(message);
    }
    for (unsigned i = 0; i < world->n_messages; i++) {
        struct sim_message *message = &world->messages[i];
        if (message->on_disk && !message->finished)
            report_outcome(message);
    }
    *ret_store = (struct spool_store *)world;
    return 0;
}

void spool_store_hint(struct spool_store *store, const char *writer, uint64_t segment,
                      uint64_t length)
{
    (void)store, (void)writer, (void)segment, (void)length;
}

void spool_store_rescan(struct spool_store *store, const char *writer)
{
    (void)store, (void)writer;
}

int spool_store_poll(struct spool_store *store, unsigned max)
{
    unsigned n = 0;

    (void)store;
    for (unsigned i = 0; i < world->n_messages && n < max; i++) {
        if (world->messages[i].on_disk && !world->messages[i].reported) {
            report(&world->messages[i]);
            n++;
        }
    }
    return (int)n;
}

void spool_store_position(struct spool_store *store, const char *writer, uint64_t *ret_segment,
                          uint64_t *ret_length)
{
    (void)store, (void)writer;
    *ret_segment = *ret_length = 0;
}

int spool_store_envelope(struct spool_store *store, struct spool_location location,
                         struct arena *arena, struct envelope *ret_envelope)
{
    struct sim_message *message = world_message(location.offset);

    (void)store;
    if (!message || message->finished)
        world_broken(message, "the envelope of a message is read that is freed");
    make_envelope(message, arena, ret_envelope);
    return 0;
}

int spool_store_signature(struct spool_store *store, uint64_t id, struct arena *arena,
                          struct slice *ret_signature)
{
    (void)store;
    *ret_signature = copy_text(arena, world_message(id)->signature);
    return 0;
}

int spool_store_text(struct spool_store *store, struct spool_location location,
                     struct spool_text *ret_text)
{
    (void)store, (void)location;
    *ret_text = (struct spool_text){.fd = open("/dev/null", O_RDONLY | O_CLOEXEC)};
    return ret_text->fd < 0 ? -errno : 0;
}

void spool_store_text_done(struct spool_store *store, const struct spool_text *text)
{
    (void)store;
    close(text->fd);
}

void spool_store_stats(struct spool_store *store, struct spool_stats *ret_stats)
{
    (void)store;
    *ret_stats = (struct spool_stats){0};
}

uint64_t spool_store_next_id(struct spool_store *store)
{
    (void)store;
    return 1000 + world->n_messages; /* the next world_add() */
}

/* ---- writing ------------------------------------------------------------------------------- */

static void free_record(struct record *record)
{
    free(record->recipients);
    free(record->added);
    free(record->dsns);
    free(record);
}

static void apply_recipient(struct sim_message *message, const struct outcome_recipient *from)
{
    struct sim_recipient *to;

    if (from->index >= message->n_recipients) {
        if (!world->faults.write_fails_once_in)
            world_broken(message, "an outcome for a recipient that is not there");
        return; /* what added it could not be written, so this means nothing */
    }
    to = &message->recipients[from->index];
    if (to->kind != OUTCOME_PENDING && from->kind != to->kind)
        world_broken(message, "a recipient that was over is something else now");
    if (from->kind == OUTCOME_DELIVERED || from->kind == OUTCOME_RELAYED) {
        if (!to->deliveries)
            world_broken(message, "an outcome says delivered, and it was not");
    }
    to->recorded = true;
    to->kind = from->kind;
    to->flags = from->flags;
    to->attempts = from->attempts;
    to->due_ms = from->due_ms;
}

static void apply_signature(struct sim_message *message, const struct record *record)
{
    if (message->signature[0] && !world->faults.write_fails_once_in)
        world_broken(message, "a second signature is kept");
    memcpy(message->signature, record->signature, sizeof(message->signature));
}

static void apply(const struct record *record)
{
    struct sim_message *message = world_message(record->id);
    bool all_over = true;

    for (uint32_t i = 0; i < record->n_added; i++) {
        const struct sim_recipient *added = &record->added[i];
        if (record->first_added + i > message->n_recipients)
            world_broken(message, "added recipients leave a gap");
        if (record->first_added + i == message->n_recipients)
            world_add_recipient(message, added->address, added->via, added->class, added->notify);
    }
    for (uint32_t i = 0; i < record->n_recipients; i++)
        apply_recipient(message, &record->recipients[i]);
    for (uint32_t i = 0; i < message->n_recipients; i++)
        all_over = all_over && message->recipients[i].kind != OUTCOME_PENDING;
    if (record->finished && !all_over)
        world_broken(message, "a message is finished, and a recipient is not");
    message->finished = record->finished;
    if (record->signature[0])
        apply_signature(message, record);
    for (unsigned i = 0; i < record->n_dsns; i++)
        record->dsns[i]->on_disk = true;
}

static void apply_mail(const struct record *record)
{
    record->mail->on_disk = true;
    if (strcmp(record->mail->listener, "report") == 0)
        world->reports++;
    else if (strncmp(record->mail->verdicts, "frozen", 6) == 0)
        world->freeze.mails++;
    else
        world->advice_mails++;
}

static void on_commit(struct event *event)
{
    struct record *record = (struct record *)(uintptr_t)event->number;

    if (event->epoch == world->life) {
        int result = world_fault(world->faults.write_fails_once_in) ? -EIO : 0;
        if (result == 0 && record->mail)
            apply_mail(record);
        else if (result == 0)
            apply(record);
        record->done(record->arg, result);
    }
    free_record(record);
}

/* A crash: what is not on disk by now never will be. */
void spool_store_close(struct spool_store *store)
{
    (void)store;
    for (size_t i = 0; i < world->n_events; i++) {
        struct record *record = (struct record *)(uintptr_t)world->events[i].number;
        if (world->events[i].call == on_commit && world->events[i].epoch == world->life)
            record->done(record->arg, -EIO);
    }
    for (unsigned i = 0; i < world->n_messages; i++)
        world->messages[i].reported = world->messages[i].finished;
}

void store_forget_records(void)
{
    for (size_t i = 0; i < world->n_events; i++) {
        if (world->events[i].call == on_commit)
            free_record((struct record *)(uintptr_t)world->events[i].number);
    }
}

static struct sim_message *take_dsn(const struct spool_dsn *dsn)
{
    const struct envelope *envelope = &dsn->envelope;
    struct sim_message *message =
        world_add("", slice_eq(envelope->listener, SLICE("bounce")) ? "bounce" : "double-bounce");

    if ((envelope->reverse_path.len && !slice_eq(envelope->listener, SLICE("report"))) ||
        envelope->id != message->id || envelope->n_recipients != 1)
        world_broken(message, "a DSN with a wrong envelope");
    if (!envelope->ours)
        world_broken(message, "mail of our own that nobody will sign");
    for (uint32_t i = 0; i < envelope->n_recipients; i++) {
        char *address = xslicedup(envelope->recipients[i].address);
        world_add_recipient(message, address, "", envelope->recipients[i].class,
                            envelope->recipients[i].notify);
        free(address);
    }
    message->n_envelope = message->n_recipients;
    buf_init(&message->text, 1024 * 1024);
    buf_add_slice(&message->text, dsn->text);
    return message;
}

static void copy_added(struct record *record, const struct outcome *outcome)
{
    record->added = xcalloc(outcome->n_added + 1, sizeof(*record->added));
    record->n_added = outcome->n_added;
    record->first_added = outcome->first_added;
    for (uint32_t i = 0; i < outcome->n_added; i++) {
        const struct recipient *from = &outcome->added[i];
        struct sim_recipient *to = &record->added[i];
        snprintf(to->address, sizeof(to->address), "%.*s", SLICE_ARG(from->address));
        snprintf(to->via, sizeof(to->via), "%.*s", SLICE_ARG(from->via));
        to->class = from->class;
        to->notify = from->notify;
    }
}

static void commit_later(const struct record *record)
{
    uint64_t at = world->now + sim_below(&world->random, 20);

    if (world_fault(world->faults.slow_sync_once_in))
        at += 30000;
    if (at < world->last_commit)
        at = world->last_commit; /* in order */
    world->last_commit = at;
    world_later(at - world->now, on_commit, (uint64_t)(uintptr_t)record, SLICE_NULL, world->life);
}

void spool_store_submit(struct spool_store *store, const struct envelope *envelope,
                        struct slice text, spool_done *done, void *arg)
{
    struct spool_dsn mail = {.envelope = *envelope, .text = text};
    struct record *record = xcalloc(1, sizeof(*record));

    (void)store;
    *record = (struct record){.mail = take_dsn(&mail), .done = done, .arg = arg};
    record->mail->listener = slice_eq(envelope->listener, SLICE("report")) ? "report" : "notice";
    snprintf(record->mail->verdicts, sizeof(record->mail->verdicts), "%.*s",
             SLICE_ARG(envelope->verdicts));
    commit_later(record);
}

void spool_store_outcome(struct spool_store *store, const struct outcome *outcome,
                         const struct spool_dsn *dsns, unsigned n_dsns, spool_done *done, void *arg)
{
    struct record *record = xcalloc(1, sizeof(*record));

    (void)store;
    *record = (struct record){.id = outcome->id,
                              .n_recipients = outcome->n_recipients,
                              .finished = outcome->finished,
                              .n_dsns = n_dsns,
                              .done = done,
                              .arg = arg};
    record->recipients = xcalloc(outcome->n_recipients + 1, sizeof(*record->recipients));
    for (uint32_t i = 0; i < outcome->n_recipients; i++)
        record->recipients[i] = outcome->recipients[i];
    copy_added(record, outcome);
    snprintf(record->signature, sizeof(record->signature), "%.*s", SLICE_ARG(outcome->signature));
    record->dsns = xcalloc(n_dsns + 1, sizeof(struct sim_message *));
    for (unsigned i = 0; i < n_dsns; i++)
        record->dsns[i] = take_dsn(&dsns[i]);
    commit_later(record);
}

const struct histogram *spool_store_commits(const struct spool_store *store)
{
    static const struct histogram none = {.bounds = &histogram_short};

    (void)store;
    return &none;
}
