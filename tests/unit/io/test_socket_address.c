#include "io/socket_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_literals_are_read_and_shown(void **state)
{
    static const struct {
        struct slice text;
        const char *shown; /* NULL: refused */
    } cases[] = {
        {SLICE_INIT("192.0.2.1"), "192.0.2.1"},
        {SLICE_INIT("2001:DB8::1"), "2001:db8::1"},
        {SLICE_INIT("::ffff:192.0.2.1"), "::ffff:192.0.2.1"},
        {SLICE_INIT(""), NULL},
        {SLICE_INIT("192.0.2"), NULL},
        {SLICE_INIT("192.0.2.1\0x"), NULL},
        {SLICE_INIT("mx.example.org"), NULL},
        {SLICE_INIT("[::1]"), NULL},
        {SLICE_INIT("fe80::1%lo"), NULL},
        {SLICE_INIT("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"), NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct socket_address address;
        struct buf out;
        assert_int_equal(socket_address_parse(cases[i].text, 25, &address), cases[i].shown != NULL);
        if (!cases[i].shown)
            continue;
        buf_init(&out, 100);
        socket_address_add_text(&out, &address);
        assert_true(slice_eq(buf_slice(&out), slice_from_cstr(cases[i].shown)));
        buf_done(&out);
    }
}

static void test_paths_are_bounded(void **state)
{
    struct socket_address address;
    char path[108];

    (void)state;
    memset(path, 'a', sizeof(path));
    assert_true(socket_address_from_path(slice_from(path, 107), &address));
    assert_false(socket_address_from_path(slice_from(path, 108), &address));
    assert_false(socket_address_from_path(SLICE(""), &address));
    assert_false(socket_address_from_path(SLICE("\0abstract"), &address));
}

static void test_equality(void **state)
{
    struct socket_address a, b, none = {0};

    (void)state;
    assert_true(socket_address_parse(SLICE("::1"), 25, &a));
    assert_true(socket_address_parse(SLICE("0:0::1"), 25, &b));
    assert_true(socket_address_eq(&a, &b));
    assert_true(socket_address_parse(SLICE("::1"), 26, &b));
    assert_false(socket_address_eq(&a, &b));
    assert_true(socket_address_parse(SLICE("127.0.0.1"), 25, &b));
    assert_false(socket_address_eq(&a, &b));
    assert_false(socket_address_eq(&a, &none));
    assert_true(socket_address_eq(&none, &none));
    assert_true(socket_address_from_path(SLICE("/a"), &a));
    assert_true(socket_address_from_path(SLICE("/b"), &b));
    assert_false(socket_address_eq(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals_are_read_and_shown),
        cmocka_unit_test(test_paths_are_bounded),
        cmocka_unit_test(test_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
