#include "fixture.h"

#include "base/clock.h"

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void see_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct fixture *fixture = arg;

    if (fixture->n_messages == SEEN_MAX)
        abort();
    fixture->messages[fixture->n_messages++] = (struct seen_message){
        .id = envelope->id,
        .location = location,
        .n_recipients = envelope->n_recipients,
        .size = envelope->size,
    };
}

static void see_outcome(void *arg, const struct outcome *outcome)
{
    struct fixture *fixture = arg;
    struct seen_outcome *seen = &fixture->outcomes[fixture->n_outcomes++];

    *seen = (struct seen_outcome){
        .id = outcome->id, .n_recipients = outcome->n_recipients, .n_added = outcome->n_added};
    if (outcome->n_recipients) {
        seen->first = outcome->recipients[0];
        snprintf(seen->reply, sizeof(seen->reply), "%.*s", SLICE_ARG(seen->first.reply));
        seen->first.reply = SLICE_NULL;
    }
}

static void see_moved(void *arg, uint64_t id, struct spool_location location)
{
    struct fixture *fixture = arg;

    fixture->n_moved++;
    for (unsigned i = 0; i < fixture->n_messages; i++) {
        if (fixture->messages[i].id == id)
            fixture->messages[i].location = location;
    }
}

static void see_trouble(void *arg, struct slice text)
{
    struct fixture *fixture = arg;

    fixture->n_troubles++;
    snprintf(fixture->trouble, sizeof(fixture->trouble), "%.*s", SLICE_ARG(text));
}

void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/nuncio-test-XXXXXX");
    if (!mkdtemp(fixture->directory))
        abort();
    snprintf(fixture->receive, sizeof(fixture->receive), "%s/receive", fixture->directory);
    fixture->events = (struct spool_store_events){
        .message = see_message,
        .outcome = see_outcome,
        .moved = see_moved,
        .trouble = see_trouble,
        .arg = fixture,
    };
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void fixture_done(struct fixture *fixture)
{
    nftw(fixture->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void fixture_forget(struct fixture *fixture)
{
    fixture->n_messages = fixture->n_outcomes = fixture->n_moved = fixture->n_troubles = 0;
}

struct spool_writer *fixture_writer(const struct fixture *fixture)
{
    struct spool_writer_options options = {
        .disk = disk_real(),
        .directory = fixture->receive,
        .writer_number = 1,
        .segment_size = 256 * 1024,
        .inline_max = 32 * 1024,
    };
    struct spool_writer *writer;

    return spool_writer_open(&options, &writer) < 0 ? NULL : writer;
}

struct spool_store *fixture_store(struct fixture *fixture)
{
    struct spool_store_options options = {
        .disk = disk_real(),
        .directory = fixture->directory,
        .events = &fixture->events,
        .queue_log = {.segment_size = 256 * 1024},
    };
    struct spool_store *store;

    return spool_store_open(&options, &store) < 0 ? NULL : store;
}

void fixture_fill_text(uint64_t id, char *to, size_t size)
{
    uint64_t word = id;

    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0)
            word = word * 6364136223846793005u + 1442695040888963407u;
        to[i] = (char)(word >> (i % 8 * 8));
    }
}

struct waiter {
    atomic_bool over;
    int result;
};

static void wake(void *arg, int result)
{
    struct waiter *waiter = arg;

    waiter->result = result;
    atomic_store(&waiter->over, true);
}

static int wait_for(struct waiter *waiter)
{
    while (!atomic_load(&waiter->over))
        sched_yield();
    return waiter->result;
}

uint64_t fixture_submit(struct spool_writer *writer, size_t size)
{
    return fixture_submit_in_front(writer, size, 0, 0);
}

uint64_t fixture_submit_in_front(struct spool_writer *writer, size_t size, size_t front,
                                 uint32_t room)
{
    struct recipient recipient = {.address = SLICE("joe@example.org"), .class = CLASS_LOCAL};
    struct envelope envelope = {
        .id = spool_writer_next_id(writer),
        .received_ms = clock_wall_ms(),
        .reverse_path = SLICE("ann@example.com"),
        .login = SLICE("ann@example.com"),
        .hold = SLICE("the account is frozen"),
        .recipients = &recipient,
        .n_recipients = 1,
    };
    struct spool_body *body = spool_body_new(writer, envelope.id);
    struct waiter waiter = {0};
    char *text = malloc(size + 1);

    fixture_fill_text(envelope.id, text, size);
    spool_body_keep_room(body, room);
    for (size_t at = front; at < size; at += 1000)
        spool_body_add(body, slice_sub(slice_from(text, size), at, 1000));
    spool_body_prepend(body, slice_from(text, front));
    free(text);
    spool_submit(writer, &envelope, body, wake, &waiter);
    return wait_for(&waiter) == 0 ? envelope.id : 0;
}

int fixture_outcome(struct spool_store *store, uint64_t id, enum outcome_kind kind,
                    const struct spool_dsn *dsn)
{
    struct outcome_recipient recipient = {
        .kind = kind, .attempts = 3, .due_ms = 12345, .reply = SLICE("450 4.2.0 later")};
    struct outcome outcome = {
        .id = id,
        .recipients = &recipient,
        .n_recipients = 1,
        .finished = kind != OUTCOME_PENDING,
    };
    struct waiter waiter = {0};

    spool_store_outcome(store, &outcome, dsn, dsn != NULL, wake, &waiter);
    return wait_for(&waiter);
}

int fixture_sign(struct spool_store *store, uint64_t id, struct slice signature)
{
    struct outcome outcome = {.id = id, .signature = signature};
    struct waiter waiter = {0};

    spool_store_outcome(store, &outcome, NULL, 0, wake, &waiter);
    return wait_for(&waiter);
}

void fixture_poll(struct spool_store *store, struct spool_writer *writer)
{
    uint64_t segment, length;

    if (writer) {
        spool_writer_durable(writer, &segment, &length);
        spool_store_hint(store, "receive", segment, length);
    }
    while (spool_store_poll(store, 7) == 7)
        continue;
}

const struct seen_message *fixture_find(const struct fixture *fixture, uint64_t id)
{
    for (unsigned i = 0; i < fixture->n_messages; i++) {
        if (fixture->messages[i].id == id)
            return &fixture->messages[i];
    }
    return NULL;
}

bool fixture_text_is_right(struct spool_store *store, const struct seen_message *message)
{
    struct spool_text text;
    char *want, *got;
    bool right;

    if (spool_store_text(store, message->location, &text) < 0)
        return false;
    want = malloc(text.length + 1);
    got = malloc(text.length + 1);
    fixture_fill_text(message->id, want, text.length);
    right = text.length == message->size &&
            pread(text.fd, got, text.length, (off_t)text.offset) == (ssize_t)text.length &&
            memcmp(want, got, text.length) == 0;
    spool_store_text_done(store, &text);
    free(want);
    free(got);
    return right;
}
