/*
 * The table of messages and the timetable. See ledger.h.
 *
 * The timetable is a binary heap of eight-byte entries. Moving a message to an earlier time adds an
 * entry and leaves the old one stale; stale entries are dropped when they come to the top, or all
 * at once when they outnumber the messages.
 */
#include "queue/ledger.h"

#include "base/buf.h"
#include "queue/extra.h"
#include "queue/retry.h"

_Static_assert(sizeof(struct ledger_recipient) == 8, "one of them for each recipient");
_Static_assert(sizeof(struct message) == 64, "one of them for each message");

enum { STATE_MASK = 15, FLAGS_MASK = 240, FLAGS_SHIFT = 4, HEAP_SLACK = 1024 };

enum recipient_state recipient_state(const struct ledger_recipient *recipient)
{
    return (enum recipient_state)(recipient->bits & STATE_MASK);
}

unsigned recipient_flags(const struct ledger_recipient *recipient)
{
    return recipient->bits >> FLAGS_SHIFT;
}

bool recipient_is_over(const struct ledger_recipient *recipient)
{
    return recipient_state(recipient) >= RECIPIENT_DELIVERED;
}

bool recipient_is_timed(const struct ledger_recipient *recipient)
{
    enum recipient_state state = recipient_state(recipient);

    return (state == RECIPIENT_WAITING || state == RECIPIENT_SUSPENDED) &&
           !(recipient_flags(recipient) & FLAG_HELD);
}

void recipient_set_flags(struct ledger_recipient *recipient, unsigned flags)
{
    recipient->bits = (uint8_t)((recipient->bits & STATE_MASK) | flags << FLAGS_SHIFT);
}

static uint64_t hash_of_message(const void *owner, uint32_t handle)
{
    return table_mix(ledger_at(owner, handle)->id);
}

static bool is_id(const void *owner, uint32_t handle, const void *key)
{
    return ledger_at(owner, handle)->id == *(const uint64_t *)key;
}

void ledger_init(struct ledger *ledger)
{
    *ledger = (struct ledger){.texts = texts_new()};
    slab_init(&ledger->messages, sizeof(struct message));
    table_init(&ledger->by_id, hash_of_message, ledger);
}

static void free_message(struct message *message)
{
    if (message->n_recipients > 1)
        free(message->many);
    extra_free(message->extra);
}

void ledger_done(struct ledger *ledger)
{
    struct message *message;
    uint32_t handle = 0;

    while ((message = ledger_next(ledger, &handle)))
        free_message(message);
    slab_done(&ledger->messages);
    table_done(&ledger->by_id);
    texts_free(ledger->texts);
    free(ledger->heap);
}

struct message *ledger_add(struct ledger *ledger, uint64_t id, uint32_t n_recipients,
                           struct spool_location location, uint64_t born)
{
    uint32_t handle = slab_take(&ledger->messages);
    struct message *message = slab_at(&ledger->messages, handle);

    message->id = id;
    message->location = location;
    message->born = retry_tick(born);
    message->n_recipients = message->n_open = n_recipients;
    if (n_recipients > 1)
        message->many = xcalloc(n_recipients, sizeof(*message->many));
    table_add(&ledger->by_id, handle);
    return message;
}

struct message *ledger_find(const struct ledger *ledger, uint64_t id)
{
    uint32_t handle = table_find(&ledger->by_id, table_mix(id), is_id, &id);

    return handle ? ledger_at(ledger, handle) : NULL;
}

struct message *ledger_at(const struct ledger *ledger, uint32_t handle)
{
    return slab_at(&ledger->messages, handle);
}

void ledger_remove(struct ledger *ledger, struct message *message)
{
    uint32_t handle = message->handle;

    for (uint32_t i = 0; i < message->n_recipients; i++)
        texts_drop(ledger->texts, ledger_recipient(message, i)->reply);
    table_remove(&ledger->by_id, handle);
    free_message(message);
    slab_give(&ledger->messages, handle);
}

struct message *ledger_next(const struct ledger *ledger, uint32_t *handle)
{
    return slab_next(&ledger->messages, handle);
}

struct ledger_recipient *ledger_recipient(struct message *message, uint32_t index)
{
    return message->n_recipients > 1 ? &message->many[index] : &message->one;
}

void ledger_add_recipients(struct message *message, uint32_t n)
{
    uint32_t total = message->n_recipients + n;
    struct ledger_recipient *many = message->n_recipients > 1 ? message->many : NULL;

    if (n == 0)
        return;
    many = xrealloc(many, total * sizeof(*many));
    if (message->n_recipients == 1)
        many[0] = message->one;
    memset(many + message->n_recipients, 0, n * sizeof(*many));
    message->many = many;
    message->n_recipients = total;
    message->n_open += n;
}

void ledger_set_state(struct message *message, uint32_t index, enum recipient_state state,
                      uint32_t at)
{
    struct ledger_recipient *recipient = ledger_recipient(message, index);

    if (recipient_is_over(recipient))
        return;
    recipient->bits = (uint8_t)((recipient->bits & FLAGS_MASK) | state);
    recipient->at = at;
    if (recipient_is_over(recipient))
        message->n_open--;
}

void ledger_set_reply(struct ledger *ledger, struct ledger_recipient *recipient, struct slice reply)
{
    uint16_t old = recipient->reply;

    recipient->reply = texts_take(ledger->texts, reply);
    texts_drop(ledger->texts, old);
}

/* ---- the timetable ------------------------------------------------------------------------- */

static void sift_up(struct ledger *ledger, size_t i)
{
    struct ledger_due moved = ledger->heap[i];

    for (; i > 0 && ledger->heap[(i - 1) / 2].tick > moved.tick; i = (i - 1) / 2)
        ledger->heap[i] = ledger->heap[(i - 1) / 2];
    ledger->heap[i] = moved;
}

static void sift_down(struct ledger *ledger, size_t i)
{
    struct ledger_due moved = ledger->heap[i];

    for (size_t child; (child = 2 * i + 1) < ledger->n_heap; i = child) {
        if (child + 1 < ledger->n_heap && ledger->heap[child + 1].tick < ledger->heap[child].tick)
            child++;
        if (ledger->heap[child].tick >= moved.tick)
            break;
        ledger->heap[i] = ledger->heap[child];
    }
    ledger->heap[i] = moved;
}

/* A message may have been freed and its handle be free or another's: then the entry is stale, or
 * comes a little early to the other, which does no harm. */
static bool is_stale(const struct ledger *ledger, struct ledger_due entry)
{
    const struct message *message = ledger_at(ledger, entry.message);

    return message->handle != entry.message || message->due != entry.tick;
}

static void drop_stale(struct ledger *ledger)
{
    size_t kept = 0;

    for (size_t i = 0; i < ledger->n_heap; i++) {
        if (!is_stale(ledger, ledger->heap[i]))
            ledger->heap[kept++] = ledger->heap[i];
    }
    ledger->n_heap = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(ledger, i);
}

void ledger_set_due(struct ledger *ledger, struct message *message, uint64_t at)
{
    uint32_t tick = at ? retry_tick(at) : 1;

    if (message->due && message->due <= tick)
        return;
    message->due = tick;
    if (ledger->n_heap > 2 * (size_t)ledger->messages.live + HEAP_SLACK)
        drop_stale(ledger);
    if (ledger->n_heap == ledger->heap_size) {
        ledger->heap_size = ledger->heap_size ? ledger->heap_size * 3 / 2 : 64;
        ledger->heap = xrealloc(ledger->heap, ledger->heap_size * sizeof(*ledger->heap));
    }
    ledger->heap[ledger->n_heap++] = (struct ledger_due){.tick = tick, .message = message->handle};
    sift_up(ledger, ledger->n_heap - 1);
}

static void drop_top(struct ledger *ledger)
{
    ledger->heap[0] = ledger->heap[--ledger->n_heap];
    if (ledger->n_heap)
        sift_down(ledger, 0);
}

uint64_t ledger_next_due(struct ledger *ledger)
{
    while (ledger->n_heap && is_stale(ledger, ledger->heap[0]))
        drop_top(ledger);
    return ledger->n_heap ? retry_from_tick(ledger->heap[0].tick) : UINT64_MAX;
}

struct message *ledger_pop_due(struct ledger *ledger, uint64_t now)
{
    struct message *message;

    if (ledger_next_due(ledger) > now)
        return NULL;
    message = ledger_at(ledger, ledger->heap[0].message);
    drop_top(ledger);
    message->due = 0;
    return message;
}
