/* See waiting.h. A sender without units is in no ring. */
#include "queue/waiting.h"

struct unit *waiting_unit(const struct waiting *waiting, uint32_t handle)
{
    return slab_at(&waiting->units, handle);
}

struct sender *waiting_sender(const struct waiting *waiting, uint32_t handle)
{
    return slab_at(&waiting->senders, handle);
}

static uint64_t sender_hash(uint32_t lane, uint32_t hash, uint8_t slot)
{
    return table_mix((uint64_t)hash << 32 ^ (uint64_t)lane << 3 ^ slot);
}

static uint64_t hash_of_sender(const void *owner, uint32_t handle)
{
    const struct sender *sender = waiting_sender(owner, handle);

    return sender_hash(sender->lane, sender->hash, sender->slot);
}

static bool is_sender(const void *owner, uint32_t handle, const void *key)
{
    const struct sender *sender = waiting_sender(owner, handle);
    const struct unit *unit = key;

    return sender->hash == unit->sender && sender->lane == unit->lane && sender->slot == unit->slot;
}

void waiting_init(struct waiting *waiting)
{
    slab_init(&waiting->units, sizeof(struct unit));
    slab_init(&waiting->senders, sizeof(struct sender));
    table_init(&waiting->by_sender, hash_of_sender, waiting);
}

void waiting_done(struct waiting *waiting)
{
    slab_done(&waiting->units);
    slab_done(&waiting->senders);
    table_done(&waiting->by_sender);
}

struct sender *waiting_find_sender(const struct waiting *waiting, const struct unit *unit)
{
    uint32_t handle = table_find(
        &waiting->by_sender, sender_hash(unit->lane, unit->sender, unit->slot), is_sender, unit);

    return handle ? waiting_sender(waiting, handle) : NULL;
}

/* A new sender goes to the end of the slot's ring. */
static struct sender *make_sender(struct waiting *waiting, uint32_t *ring, const struct unit *unit)
{
    struct sender *sender = waiting_sender(waiting, slab_take(&waiting->senders));

    sender->hash = unit->sender;
    sender->lane = unit->lane;
    sender->slot = unit->slot;
    table_add(&waiting->by_sender, sender->handle);
    if (*ring) {
        sender->next = waiting_sender(waiting, *ring)->next;
        waiting_sender(waiting, *ring)->next = sender->handle;
    } else {
        sender->next = sender->handle;
    }
    *ring = sender->handle;
    return sender;
}

/* Only ever the head of the ring. */
static void drop_sender(struct waiting *waiting, uint32_t *ring, struct sender *sender)
{
    if (sender->next == sender->handle)
        *ring = 0;
    else
        waiting_sender(waiting, *ring)->next = sender->next;
    table_remove(&waiting->by_sender, sender->handle);
    slab_give(&waiting->senders, sender->handle);
}

void waiting_queue(struct waiting *waiting, uint32_t *ring, struct unit *unit, bool in_front)
{
    struct sender *sender = waiting_find_sender(waiting, unit);

    if (!sender)
        sender = make_sender(waiting, ring, unit);
    unit->queued = true;
    unit->next = 0;
    if (!sender->count) {
        sender->first = sender->last = unit->handle;
    } else if (in_front) {
        unit->next = sender->first;
        sender->first = unit->handle;
    } else {
        waiting_unit(waiting, sender->last)->next = unit->handle;
        sender->last = unit->handle;
    }
    sender->count++;
}

struct unit *waiting_pop(struct waiting *waiting, struct sender *sender)
{
    struct unit *unit = waiting_unit(waiting, sender->first);

    sender->first = unit->next;
    sender->count--;
    unit->queued = false;
    return unit;
}

struct unit *waiting_unqueue(struct waiting *waiting, uint32_t *ring)
{
    struct sender *first = waiting_sender(waiting, waiting_sender(waiting, *ring)->next);
    struct unit *unit = waiting_pop(waiting, first);

    if (!first->count)
        drop_sender(waiting, ring, first);
    return unit;
}
