/* Every claim is a mailbox, and they are few. */
#include "mail/author.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct author_claims *claims)
{
    if (claims->count > AUTHORS_MAX)
        abort();
    for (uint32_t i = 0; i < claims->count; i++) {
        struct address address;
        if (address_parse_mailbox(claims->list[i], ADDRESS_UTF8, &address).error)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct author author;
    struct arena arena;

    arena_init(&arena);
    if (author_read(slice_from(data, size), &arena, &author) == AUTHOR_OK) {
        check(&author.from);
        check(&author.sender);
    }
    arena_done(&arena);
    return 0;
}
