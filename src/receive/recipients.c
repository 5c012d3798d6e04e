/* See recipients.h. Arrays are doubled; what they leave in the arena ends with the transaction. */
#include "receive/recipients.h"

#include "mail/address.h"

static struct slice make_key(struct arena *arena, const struct recipient *recipient)
{
    struct slice domain, local = address_local(recipient->address);

    if (recipient->class == CLASS_LOCAL)
        return address_key(arena, recipient->address);
    if (address_domain_to_ascii(arena, address_domain(recipient->address), &domain) < 0)
        return recipient->address;
    return arena_printf(arena, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(domain));
}

/* Where the key is, or the empty place where it belongs. */
static uint32_t *find(const struct recipients *recipients, struct slice key)
{
    uint32_t at = (uint32_t)slice_hash(key) & (recipients->table_size - 1);

    while (recipients->table[at] && !slice_eq(recipients->keys[recipients->table[at] - 1], key))
        at = (at + 1) & (recipients->table_size - 1);
    return &recipients->table[at];
}

static void *grown(struct arena *arena, const void *old, size_t count, size_t size, size_t each)
{
    void *bytes = arena_alloc(arena, size * each);

    if (count)
        memcpy(bytes, old, count * each);
    return bytes;
}

static void grow(struct recipients *recipients, struct arena *arena)
{
    uint32_t count = recipients->count;
    uint32_t size = recipients->size ? 2 * recipients->size : 4;

    recipients->list = grown(arena, recipients->list, count, size, sizeof(*recipients->list));
    recipients->keys = grown(arena, recipients->keys, count, size, sizeof(*recipients->keys));
    recipients->size = size;
    recipients->table_size = 2 * size;
    recipients->table = arena_alloc(arena, recipients->table_size * sizeof(*recipients->table));
    for (uint32_t i = 0; i < count; i++)
        *find(recipients, recipients->keys[i]) = i + 1;
}

uint32_t recipients_add(struct recipients *recipients, struct arena *arena,
                        const struct recipient *recipient)
{
    struct slice key = make_key(arena, recipient);
    struct recipient *added;
    uint32_t *place;

    if (recipients->count == recipients->size)
        grow(recipients, arena);
    place = find(recipients, key);
    if (*place)
        return *place - 1;
    added = &recipients->list[recipients->count];
    *added = *recipient;
    added->address = arena_dup(arena, recipient->address);
    added->orcpt = arena_dup(arena, recipient->orcpt);
    recipients->keys[recipients->count] = key.ptr == recipient->address.ptr ? added->address : key;
    *place = ++recipients->count;
    return recipients->count - 1;
}
