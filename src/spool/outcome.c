/*
 * The stored form, version 1, or 2 when a recipient has a route, or 3 when there is a signature (so
 * that others can be read by programs that know neither):
 *
 *   version u8, flags u8 (1: finished), first added u32
 *   count u32, then for each added recipient: class u8, notify u8, address, orcpt, via
 *   count u32, then for each recipient: index u32, kind u8, flags u8, attempts u16, due u64, reply,
 *     from version 2 on route
 *   in version 3 fields until the end: type u8, value; types from 128 on may be skipped by a
 * program that does not know them
 *
 * Merging keeps the last word about each recipient and all that were added. Additions of later
 * steps go on counting where the earlier ones ended, so they are one array.
 */
#include "spool/outcome.h"

#include "base/wire.h"

#include <errno.h>
#include <string.h>

enum { VERSION_PLAIN = 1, VERSION_ROUTES = 2, VERSION_FIELDS = 3 };
enum { FIELD_MAY_SKIP = 128, FIELD_SIGNATURE = FIELD_MAY_SKIP | 1 };
enum { FLAG_FINISHED = 1, ADDED_MIN_SIZE = 14, RECIPIENT_MIN_SIZE = 20 };

static uint8_t version_for(const struct outcome *outcome)
{
    if (outcome->signature.len)
        return VERSION_FIELDS;
    for (uint32_t i = 0; i < outcome->n_recipients; i++) {
        if (outcome->recipients[i].route.len)
            return VERSION_ROUTES;
    }
    return VERSION_PLAIN;
}

void outcome_encode(struct buf *out, const struct outcome *outcome)
{
    uint8_t version = version_for(outcome);

    wire_put_u8(out, version);
    wire_put_u8(out, outcome->finished ? FLAG_FINISHED : 0);
    wire_put_u32(out, outcome->first_added);
    wire_put_u32(out, outcome->n_added);
    for (uint32_t i = 0; i < outcome->n_added; i++) {
        const struct recipient *added = &outcome->added[i];
        wire_put_u8(out, (uint8_t)added->class);
        wire_put_u8(out, added->notify);
        wire_put_slice(out, added->address);
        wire_put_slice(out, added->orcpt);
        wire_put_slice(out, added->via);
    }
    wire_put_u32(out, outcome->n_recipients);
    for (uint32_t i = 0; i < outcome->n_recipients; i++) {
        const struct outcome_recipient *recipient = &outcome->recipients[i];
        wire_put_u32(out, recipient->index);
        wire_put_u8(out, (uint8_t)recipient->kind);
        wire_put_u8(out, recipient->flags);
        wire_put_u16(out, recipient->attempts);
        wire_put_u64(out, recipient->due_ms);
        wire_put_slice(out, recipient->reply);
        if (version >= VERSION_ROUTES)
            wire_put_slice(out, recipient->route);
    }
    if (version == VERSION_FIELDS) {
        wire_put_u8(out, FIELD_SIGNATURE);
        wire_put_slice(out, outcome->signature);
    }
}

bool outcome_is_finished(struct slice input)
{
    return input.len >= 2 && input.ptr[0] >= VERSION_PLAIN && input.ptr[0] <= VERSION_FIELDS &&
           (input.ptr[1] & FLAG_FINISHED);
}

bool outcome_may_be_signed(struct slice input)
{
    return input.len >= 1 && input.ptr[0] == VERSION_FIELDS;
}

/* A count of things that take at least so many bytes each, so that it bounds the allocation. */
static uint32_t get_count(struct wire *wire, size_t size)
{
    uint32_t count = wire_get_u32(wire);

    if (count > wire->rest.len / size)
        wire->failed = true;
    return wire->failed ? 0 : count;
}

static const struct recipient *get_added(struct wire *wire, struct arena *arena, uint32_t *ret_n)
{
    uint32_t n = get_count(wire, ADDED_MIN_SIZE);
    struct recipient *added = arena_alloc(arena, n * sizeof(*added));

    for (uint32_t i = 0; i < n; i++) {
        added[i].class = wire_get_u8(wire);
        added[i].notify = wire_get_u8(wire);
        added[i].address = wire_get_slice(wire);
        added[i].orcpt = wire_get_slice(wire);
        added[i].via = wire_get_slice(wire);
        if (added[i].class < CLASS_LOCAL || added[i].class > CLASS_AUTHORISED)
            wire->failed = true;
    }
    *ret_n = n;
    return added;
}

static const struct outcome_recipient *get_recipients(struct wire *wire, uint8_t version,
                                                      struct arena *arena, uint32_t *ret_n)
{
    uint32_t n = get_count(wire, RECIPIENT_MIN_SIZE);
    struct outcome_recipient *recipients = arena_alloc(arena, n * sizeof(*recipients));

    for (uint32_t i = 0; i < n; i++) {
        recipients[i].index = wire_get_u32(wire);
        recipients[i].kind = wire_get_u8(wire);
        recipients[i].flags = wire_get_u8(wire);
        recipients[i].attempts = wire_get_u16(wire);
        recipients[i].due_ms = wire_get_u64(wire);
        recipients[i].reply = wire_get_slice(wire);
        recipients[i].route = version >= VERSION_ROUTES ? wire_get_slice(wire) : SLICE_NULL;
        if (recipients[i].kind > OUTCOME_REMOVED)
            wire->failed = true;
    }
    *ret_n = n;
    return recipients;
}

static void get_fields(struct wire *wire, struct outcome *outcome)
{
    while (wire->rest.len && !wire->failed) {
        uint8_t type = wire_get_u8(wire);
        struct slice value = wire_get_slice(wire);

        if (type == FIELD_SIGNATURE)
            outcome->signature = value;
        else if (type < FIELD_MAY_SKIP)
            wire->failed = true;
    }
}

int outcome_decode(struct slice input, struct arena *arena, struct outcome *ret_outcome)
{
    struct wire wire = wire_from(input);
    struct outcome outcome = {0};
    uint8_t version = wire_get_u8(&wire);

    if (version < VERSION_PLAIN || version > VERSION_FIELDS)
        return -EBADMSG;
    outcome.finished = wire_get_u8(&wire) & FLAG_FINISHED;
    outcome.first_added = wire_get_u32(&wire);
    outcome.added = get_added(&wire, arena, &outcome.n_added);
    outcome.recipients = get_recipients(&wire, version, arena, &outcome.n_recipients);
    if (version == VERSION_FIELDS)
        get_fields(&wire, &outcome);
    if (!wire_ended_well(&wire) || (version < VERSION_FIELDS && version != version_for(&outcome)))
        return -EBADMSG;
    *ret_outcome = outcome;
    return 0;
}

/* A wider copy of an array; the arena keeps the old one until its end. */
static void *widen(struct arena *arena, const void *array, uint32_t used, uint32_t *room,
                   size_t size)
{
    uint32_t wider = *room ? *room * 2 : 1;
    char *copy = arena_alloc(arena, wider * size);

    if (used)
        memcpy(copy, array, used * size);
    *room = wider;
    return copy;
}

/* Position of the first recipient whose index is not below this one. */
static uint32_t lower_bound(const struct outcome_state *state, uint32_t index)
{
    uint32_t low = 0, high = state->n_recipients;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->recipients[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void merge_recipient(struct outcome_state *state, struct arena *arena,
                            const struct outcome_recipient *from)
{
    uint32_t at = lower_bound(state, from->index);

    if (at == state->n_recipients || state->recipients[at].index != from->index) {
        if (state->n_recipients == state->room_recipients)
            state->recipients = widen(arena, state->recipients, state->n_recipients,
                                      &state->room_recipients, sizeof(*state->recipients));
        memmove(&state->recipients[at + 1], &state->recipients[at],
                (state->n_recipients - at) * sizeof(*state->recipients));
        state->n_recipients++;
    }
    state->recipients[at] = *from;
    state->recipients[at].reply = arena_dup(arena, from->reply);
    state->recipients[at].route = arena_dup(arena, from->route);
}

static void merge_added(struct outcome_state *state, struct arena *arena,
                        const struct outcome *outcome)
{
    if (state->n_added == 0)
        state->first_added = outcome->first_added;
    for (uint32_t i = 0; i < outcome->n_added; i++) {
        const struct recipient *from = &outcome->added[i];
        /* Known already: this outcome was merged before. */
        if (outcome->first_added + i < state->first_added + state->n_added)
            continue;
        if (state->n_added == state->room_added)
            state->added = widen(arena, state->added, state->n_added, &state->room_added,
                                 sizeof(*state->added));
        state->added[state->n_added++] = (struct recipient){
            .address = arena_dup(arena, from->address),
            .orcpt = arena_dup(arena, from->orcpt),
            .via = arena_dup(arena, from->via),
            .class = from->class,
            .notify = from->notify,
        };
    }
}

void outcome_merge(struct outcome_state *state, struct arena *arena, const struct outcome *outcome)
{
    if (outcome->signature.len)
        state->signature = arena_dup(arena, outcome->signature);
    if (outcome->n_added)
        merge_added(state, arena, outcome);
    for (uint32_t i = 0; i < outcome->n_recipients; i++)
        merge_recipient(state, arena, &outcome->recipients[i]);
}
