/* See lanes.h. A lane that is idle may rest too; one that is forgotten leaves the heap. */
#include "queue/lanes.h"

#include "base/buf.h"

#include <utlist.h>

static uint64_t key_hash(const struct lane_key *key)
{
    return table_mix(slice_hash(key->name) ^ slice_hash(key->domain) << 1 ^ key->way);
}

static uint64_t hash_of_lane(const void *owner, uint32_t handle)
{
    return key_hash(&lanes_at(owner, handle)->key);
}

static bool is_lane(const void *owner, uint32_t handle, const void *wanted)
{
    const struct lane_key *has = &lanes_at(owner, handle)->key;
    const struct lane_key *key = wanted;

    return has->way == key->way && slice_eq(has->name, key->name) &&
           slice_eq(has->domain, key->domain);
}

void lanes_init(struct lanes *lanes)
{
    *lanes = (struct lanes){0};
    slab_init(&lanes->slab, sizeof(struct lane));
    table_init(&lanes->by_key, hash_of_lane, lanes);
}

void lanes_done(struct lanes *lanes)
{
    struct lane *lane;
    uint32_t handle = 0;

    while ((lane = lanes_next(lanes, &handle)))
        lane_done(lane);
    table_done(&lanes->by_key);
    slab_done(&lanes->slab);
    free(lanes->resting);
}

struct lane *lanes_at(const struct lanes *lanes, uint32_t handle)
{
    return slab_at(&lanes->slab, handle);
}

struct lane *lanes_next(const struct lanes *lanes, uint32_t *handle)
{
    return slab_next(&lanes->slab, handle);
}

struct lane *lanes_find(const struct lanes *lanes, const struct lane_key *key)
{
    uint32_t handle = table_find(&lanes->by_key, key_hash(key), is_lane, key);

    return handle ? lanes_at(lanes, handle) : NULL;
}

struct lane *lanes_make(struct lanes *lanes, const struct lane_key *key)
{
    uint32_t handle = slab_take(&lanes->slab);
    struct lane *lane = lanes_at(lanes, handle);

    lane_init(lane, key);
    table_add(&lanes->by_key, handle);
    return lane;
}

/* ---- idle ---------------------------------------------------------------------------------- */

void lanes_set_idle(struct lanes *lanes, struct lane *lane, bool idle, uint64_t now)
{
    if (idle == lane->idle)
        return;
    lane->idle = idle;
    if (idle) {
        lane->idle_since = now;
        DL_APPEND(lanes->idle, lane);
        lanes->n_idle++;
    } else {
        DL_DELETE(lanes->idle, lane);
        lanes->n_idle--;
    }
}

static void forget(struct lanes *lanes, struct lane *lane)
{
    lanes_set_idle(lanes, lane, false, 0);
    lanes_rest(lanes, lane, 0);
    table_remove(&lanes->by_key, lane->handle);
    lane_done(lane);
    slab_give(&lanes->slab, lane->handle);
}

/* A lane that is to be kept goes to the end, so this ends. */
void lanes_forget_idle(struct lanes *lanes, uint64_t now, uint64_t before, unsigned most)
{
    struct lane *lane;

    while ((lane = lanes->idle) && (lanes->n_idle > most || lane->idle_since <= before)) {
        if (lanes->n_idle > most || !lane_is_held_back(lane, now)) {
            forget(lanes, lane);
            continue;
        }
        lanes_set_idle(lanes, lane, false, now);
        lanes_set_idle(lanes, lane, true, now);
    }
}

/* ---- resting ------------------------------------------------------------------------------- */

static void put(struct lanes *lanes, size_t slot, struct lane *lane)
{
    lanes->resting[slot] = lane;
    lane->rest_slot = slot;
}

/* Moves the lane from the slot, which is empty, to where it belongs. */
static void place(struct lanes *lanes, size_t slot, struct lane *lane)
{
    for (; slot > 1 && lane->rest_until < lanes->resting[slot / 2]->rest_until; slot /= 2)
        put(lanes, slot, lanes->resting[slot / 2]);
    for (;;) {
        size_t child = 2 * slot;
        if (child < lanes->n_resting &&
            lanes->resting[child + 1]->rest_until < lanes->resting[child]->rest_until)
            child++;
        if (child > lanes->n_resting || lanes->resting[child]->rest_until >= lane->rest_until)
            break;
        put(lanes, slot, lanes->resting[child]);
        slot = child;
    }
    put(lanes, slot, lane);
}

static void take_out(struct lanes *lanes, struct lane *lane)
{
    size_t slot = lane->rest_slot;
    struct lane *last = lanes->resting[lanes->n_resting--];

    lane->rest_slot = 0;
    if (last != lane)
        place(lanes, slot, last);
}

void lanes_rest(struct lanes *lanes, struct lane *lane, uint64_t until)
{
    if (lane->rest_slot)
        take_out(lanes, lane);
    lane->rest_until = until;
    if (!until)
        return;
    if (lanes->n_resting + 1 >= lanes->resting_size) {
        lanes->resting_size = lanes->resting_size ? lanes->resting_size * 2 : 16;
        lanes->resting = xrealloc(lanes->resting, lanes->resting_size * sizeof(struct lane *));
    }
    place(lanes, ++lanes->n_resting, lane);
}

struct lane *lanes_first_resting(const struct lanes *lanes)
{
    return lanes->n_resting ? lanes->resting[1] : NULL;
}
