/* A number is a serial number and, in its lower bits, the slot. See attempts.h. */
#include "queue/attempts.h"

#include "base/buf.h"

enum { SLOT_BITS = 20 };

void attempts_init(struct attempts *attempts)
{
    *attempts = (struct attempts){0};
}

void attempts_done(struct attempts *attempts)
{
    for (uint32_t i = 0; i < attempts->n; i++) {
        arena_done(&attempts->list[i]->arena);
        free(attempts->list[i]->indexes);
        free(attempts->list[i]);
    }
    free(attempts->list);
    free(attempts->free);
    attempts_init(attempts);
}

static uint32_t take_slot(struct attempts *attempts)
{
    if (attempts->n_free)
        return attempts->free[--attempts->n_free];
    attempts->list = xrealloc(attempts->list, (attempts->n + 1) * sizeof(*attempts->list));
    attempts->free = xrealloc(attempts->free, (attempts->n + 1) * sizeof(*attempts->free));
    attempts->list[attempts->n] = xcalloc(1, sizeof(struct attempt));
    arena_init(&attempts->list[attempts->n]->arena);
    return attempts->n++;
}

struct attempt *attempts_begin(struct attempts *attempts, uint32_t n)
{
    uint32_t slot = take_slot(attempts);
    struct attempt *attempt = attempts->list[slot];
    struct arena arena = attempt->arena;
    uint32_t *indexes = attempt->indexes, size = attempt->size;

    if (n > size) {
        indexes = xrealloc(indexes, n * sizeof(*indexes));
        size = n;
    }
    *attempt = (struct attempt){.number = ++attempts->serial << SLOT_BITS | slot,
                                .indexes = indexes,
                                .size = size,
                                .arena = arena,
                                .live = true};
    return attempt;
}

void attempts_end(struct attempts *attempts, struct attempt *attempt)
{
    attempt->live = false;
    arena_reset(&attempt->arena);
    attempts->free[attempts->n_free++] =
        (uint32_t)(attempt->number & ((UINT64_C(1) << SLOT_BITS) - 1));
}

struct attempt *attempts_find(const struct attempts *attempts, uint64_t number)
{
    uint64_t slot = number & ((UINT64_C(1) << SLOT_BITS) - 1);
    struct attempt *attempt = slot < attempts->n ? attempts->list[slot] : NULL;

    return attempt && attempt->live && attempt->number == number ? attempt : NULL;
}

/* Its place in `indexes`; n when it is not there. */
static uint32_t place_of(const struct attempt *attempt, uint32_t index)
{
    uint32_t low = 0, high = attempt->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (attempt->indexes[middle] == index)
            return middle;
        if (attempt->indexes[middle] < index)
            low = middle + 1;
        else
            high = middle;
    }
    return attempt->n;
}

bool attempt_has(const struct attempt *attempt, uint32_t index)
{
    return place_of(attempt, index) < attempt->n;
}

void attempt_name(struct attempt *attempt, const struct unit_recipient *recipients, uint32_t n)
{
    arena_reset(&attempt->arena);
    attempt->addresses = arena_alloc(&attempt->arena, n * sizeof(*attempt->addresses));
    for (uint32_t i = 0; i < n; i++)
        attempt->addresses[i] = arena_dup(&attempt->arena, recipients[i].address);
    attempt->n_addresses = n;
}

struct slice attempt_address(const struct attempt *attempt, uint32_t index)
{
    uint32_t place = place_of(attempt, index);

    return place < attempt->n_addresses && place < attempt->n ? attempt->addresses[place]
                                                              : SLICE_NULL;
}
