#include "smtp/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_attributes(void **state)
{
    static const struct {
        struct slice argument;
        uint16_t code;
    } cases[] = {
        {SLICE_INIT("ADDR=192.0.2.1"), 0},
        {SLICE_INIT("addr=ipv6:2001:db8::1 PORT=25"), 0},
        {SLICE_INIT("ADDR=[UNAVAILABLE]"), 0},
        {SLICE_INIT("NAME=[TEMPUNAVAIL]"), 0},
        {SLICE_INIT("NAME=a+2Db.example"), 0},
        {SLICE_INIT(""), 501},
        {SLICE_INIT("ADDR"), 501},
        {SLICE_INIT("ADDR=2001:db8::1"), 501},
        {SLICE_INIT("ADDR=192.0.2.1.5"), 501},
        {SLICE_INIT("NAME=a+20b"), 501}, /* a blank */
        {SLICE_INIT("NAME=a+0D+0Ab"), 501},
        {SLICE_INIT("NAME=a+b"), 501}, /* no xtext */
        {SLICE_INIT("COLOUR=red"), 501},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct smtp_xclient xclient;
        if (smtp_xclient_parse(cases[i].argument, &arena, &xclient).code != cases[i].code)
            fail_msg("%.*s", SLICE_ARG(cases[i].argument));
    }
    arena_done(&arena);
}

static void test_what_is_not_given_is_null(void **state)
{
    struct arena arena;
    struct smtp_xclient xclient;

    (void)state;
    arena_init(&arena);
    assert_int_equal(smtp_xclient_parse(SLICE("NAME=[UNAVAILABLE] HELO=x"), &arena, &xclient).code,
                     0);
    assert_false(xclient.has_address);
    assert_true(xclient.name.ptr && xclient.name.len == 0);
    assert_true(slice_eq(xclient.helo, SLICE("x")));
    assert_null(xclient.login.ptr);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_what_is_not_given_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
