#include "daemon/json_quote.h"

#include "../cmocka_all.h"

static void test_any_bytes_become_a_json_string(void **state)
{
    static const struct {
        struct slice text;
        const char *want;
    } cases[] = {
        {SLICE_INIT(""), "\"\""},
        {SLICE_INIT("plain text"), "\"plain text\""},
        {SLICE_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {SLICE_INIT("line\nend\x7f"), "\"line\\u000aend\\u007f\""},
        {SLICE_INIT("\xc3\xa4\xff"), "\"\\u00c3\\u00a4\\u00ff\""},
        {SLICE_INIT("nul\0inside"), "\"nul\\u0000inside\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 100);
        json_quote(&out, cases[i].text);
        assert_true(slice_eq(buf_slice(&out), slice_from_cstr(cases[i].want)));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_bytes_become_a_json_string)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
