/* Every address of a list that is taken is one for SMTP too, and lies where the entry says. */
#include "mail/addrlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (unsigned flags = 0; flags < 2 * ADDRESS_UNQUALIFIED; flags++) {
        struct arena arena;
        struct addrlist list;
        struct address_result result;
        size_t end = 0;

        arena_init(&arena);
        result = addrlist_parse(slice_from(data, size), flags, &arena, &list);
        if (result.at > size)
            abort();
        for (size_t i = 0; !result.error && i < list.n; i++) {
            const struct addrlist_entry *entry = &list.entries[i];
            struct address address;
            if (address_parse_mailbox(entry->mailbox, flags, &address).error ||
                entry->start < end || entry->end <= entry->start || entry->end > size)
                abort();
            end = entry->end;
        }
        arena_done(&arena);
    }
    return 0;
}
