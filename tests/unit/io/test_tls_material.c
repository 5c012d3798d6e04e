#include "io/tls_material.h"

#include "../cmocka_all.h"

#include "base/wire.h"

#include <errno.h>

static void encode(struct buf *out)
{
    struct slice hosts[] = {SLICE("mx.example.org"), SLICE("*.example.org")};
    struct tls_pair pairs[] = {
        {.name = SLICE("a"),
         .chain = SLICE("chain"),
         .key = SLICE("key"),
         .hosts = hosts,
         .n_hosts = 2},
        {.name = SLICE("self-signed"), .chain = SLICE("c"), .key = SLICE("k")},
    };
    struct tls_client_ca cas[] = {{.listener = SLICE("smtps"), .cas = SLICE("cas")}};
    struct tls_material material = {
        .pairs = pairs, .n_pairs = 2, .client_cas = cas, .n_client_cas = 1};

    buf_init(out, 4096);
    tls_material_encode(out, &material);
}

static void test_it_comes_back_and_no_cut_of_it_does(void **state)
{
    struct tls_material material;
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena);
    encode(&out);
    assert_int_equal(tls_material_decode(buf_slice(&out), &arena, &material), 0);
    assert_int_equal(material.n_pairs, 2);
    assert_true(slice_eq(material.pairs[0].key, SLICE("key")));
    assert_int_equal(material.pairs[0].n_hosts, 2);
    assert_true(slice_eq(material.pairs[0].hosts[1], SLICE("*.example.org")));
    assert_true(slice_eq(material.pairs[1].name, SLICE("self-signed")));
    assert_int_equal(material.pairs[1].n_hosts, 0);
    assert_true(slice_eq(material.client_cas[0].cas, SLICE("cas")));
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(tls_material_decode(slice_sub(buf_slice(&out), 0, len), &arena, &material),
                         -EBADMSG);
    buf_add_char(&out, 'x');
    assert_int_equal(tls_material_decode(buf_slice(&out), &arena, &material), -EBADMSG);
    buf_done(&out);
    arena_done(&arena);
}

static void test_counts_are_bounded_before_memory_is_taken(void **state)
{
    static const uint32_t counts[] = {TLS_PAIRS_MAX + 1, UINT32_MAX};
    struct tls_material material;
    struct arena arena;

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        arena_init(&arena);
        wire_put_u32(&out, counts[i]);
        for (int j = 0; j < 5000; j++)
            wire_put_u32(&out, 0);
        assert_int_equal(tls_material_decode(buf_slice(&out), &arena, &material), -EBADMSG);
        assert_true(arena.used < 1024);
        arena_done(&arena);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_comes_back_and_no_cut_of_it_does),
        cmocka_unit_test(test_counts_are_bounded_before_memory_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
