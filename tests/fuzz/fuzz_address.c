/* A path that is taken can be taken again, and its normal form is one: the same for all that are
 * equal, and its own normal form. */
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_mailbox(struct slice mailbox, unsigned flags)
{
    struct address again;
    struct arena arena;
    struct slice key;

    arena_init(&arena);
    require(address_parse_mailbox(mailbox, flags, &again).error == ADDRESS_OK);
    require(slice_eq(address_local(mailbox), again.local));
    require(slice_eq(address_domain(mailbox), again.domain));
    key = address_key(&arena, mailbox);
    require(slice_eq(address_key(&arena, key), key));
    require(address_eq(mailbox, key));
    require(address_parse_mailbox(key, flags, &again).error == ADDRESS_OK);
    require(address_is_ascii(again.domain));
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned all =
        ADDRESS_UTF8 | ADDRESS_ALLOW_NULL | ADDRESS_BARE_POSTMASTER | ADDRESS_UNQUALIFIED;

    for (unsigned flags = 0; flags <= all; flags++) {
        struct address address;
        struct address_result result = address_parse_path(slice_from(data, size), flags, &address);

        require(result.at <= size);
        if (result.error)
            continue;
        require(size && data[result.at - 1] == '>');
        require((flags & ADDRESS_UTF8) || !address.utf8);
        if (address.kind != ADDRESS_NULL)
            check_mailbox(address.mailbox, flags);
    }
    return 0;
}
