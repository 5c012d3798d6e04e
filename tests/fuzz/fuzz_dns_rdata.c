/* Whatever a zone holds: a reader takes all of it or refuses, and a name that it gives is one. */
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct slice name)
{
    char clean[DNS_NAME_MAX + 1];
    struct buf wire;
    struct wire back;
    char again[DNS_NAME_MAX + 1];

    if (!dns_name_clean(name, clean) || !slice_eq(name, slice_from_cstr(clean)))
        abort();
    buf_init(&wire, DNS_NAME_MAX + 2);
    dns_name_write(&wire, clean);
    back = wire_from(buf_slice(&wire));
    dns_name_read(&back, again);
    if (wire.overflow || !wire_ended_well(&back) || strcmp(clean, again) != 0)
        abort();
    buf_done(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rdata = slice_from(data, size);
    struct slice text;
    struct dns_mx mx;
    struct dns_srv srv;
    struct dns_tlsa tlsa;
    struct arena arena;

    arena_init(&arena);
    if (dns_read_name(rdata, &arena, &text))
        check_name(text);
    if (dns_read_mx(rdata, &arena, &mx))
        check_name(mx.exchange);
    if (dns_read_srv(rdata, &arena, &srv))
        check_name(srv.target);
    if (dns_read_txt(rdata, &arena, &text) && text.len >= size)
        abort();
    if (dns_read_tlsa(rdata, &tlsa) && tlsa.data.len + 3 != size)
        abort();
    arena_done(&arena);
    return 0;
}
