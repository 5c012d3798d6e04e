/* A hash table of names, some of them without a domain. See name_table.h. */
#include "account/name_table.h"

#include "mail/address.h"

bool name_table_key(struct arena *arena, struct slice name, struct slice *ret_key)
{
    struct address address;
    struct slice key;

    if (address_parse_mailbox(name, ADDRESS_UTF8 | ADDRESS_UNQUALIFIED, &address).error !=
        ADDRESS_OK)
        return false;
    if (address.domain.len) {
        *ret_key = address_key(arena, name);
        return true;
    }
    key = address_key(arena, arena_printf(arena, "%.*s@x", SLICE_ARG(name)));
    *ret_key = slice_sub(key, 0, key.len - 2);
    return true;
}

static struct name_entry *find(const struct name_table *table, struct slice name)
{
    struct name_entry *entry;

    HASH_FIND(hh, table->entries, name.ptr, name.len, entry);
    return entry;
}

const struct name_entry *name_table_add(struct name_table *table, struct name_entry *entry)
{
    const struct name_entry *there = find(table, entry->name);

    if (!there)
        HASH_ADD_KEYPTR(hh, table->entries, entry->name.ptr, entry->name.len, entry);
    return there;
}

const struct name_entry *name_table_find(const struct name_table *table, struct slice address)
{
    const struct name_entry *entry = find(table, address);

    return entry ? entry : find(table, address_local(address));
}

void name_table_done(struct name_table *table)
{
    HASH_CLEAR(hh, table->entries);
}
