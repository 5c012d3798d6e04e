/* Whatever a local part says, it is read; and what is rewritten, also again, comes back. */
#include "mail/address.h"
#include "trust/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct srs with_secret(const char *secret)
{
    struct srs srs = {.max_age_days = 21};

    srs_take_secrets(&srs, slice_from_cstr(secret));
    return srs;
}

/* Forwarded by a, then by b: the bounce goes back the same way. */
static void check_way_back(struct slice sender, struct arena *arena)
{
    struct srs a = with_secret("the secret of a.example"), b = with_secret("that of b.example..");
    struct slice first, second, back;

    if (!srs_forward(&a, sender, SLICE("a.example"), 20000, arena, &first) ||
        !srs_forward(&b, first, SLICE("b.example"), 20000, arena, &second))
        return;
    if (srs_reverse(&b, address_local(second), 20021, arena, &back) != SRS_OK)
        abort();
    if (slice_starts_with_nocase(address_local(sender), SLICE("srs")) ||
        slice_starts_with_nocase(address_local(sender), SLICE("\"srs")))
        return; /* then b leaves a out */
    if (!address_eq(back, first) ||
        srs_reverse(&a, address_local(back), 20021, arena, &back) != SRS_OK ||
        !address_eq(back, sender) ||
        srs_reverse(&b, address_local(first), 20021, arena, &back) != SRS_FORGED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srs srs = with_secret("a secret of some length");
    struct slice text = slice_from(data, size), sender;
    struct address address;
    struct arena arena;

    arena_init(&arena);
    if (size < 4096 && srs_reverse(&srs, text, 20000, &arena, &sender) == SRS_OK)
        abort(); /* 40 bits were guessed */
    if (address_parse_mailbox(text, ADDRESS_UTF8, &address).error == ADDRESS_OK)
        check_way_back(text, &arena);
    arena_done(&arena);
    return 0;
}
