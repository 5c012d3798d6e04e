#include "relay/tls_required.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_fields(void **state)
{
    static const struct {
        struct slice text;
        bool no;
    } cases[] = {
        {SLICE_INIT("TLS-Required: No\r\n\r\n"), true},
        {SLICE_INIT("Subject: x\r\ntls-required:no\r\nTo: a@b\r\n\r\nhi\r\n"), true},
        {SLICE_INIT("TLS-Required:\r\n No\r\n\r\n"), true},
        {SLICE_INIT("TLS-Required: Yes\r\n\r\n"), false},
        {SLICE_INIT("TLS-Required: No way\r\n\r\n"), false},
        {SLICE_INIT("TLS-Required: No\r\nTLS-Required: No\r\n\r\n"), false},
        {SLICE_INIT("X-TLS-Required: No\r\n\r\n"), false},
        {SLICE_INIT("Subject: x\r\n\r\nTLS-Required: No\r\n"), false},
        {SLICE_INIT(""), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(tls_required_is_no(cases[i].text), cases[i].no);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
