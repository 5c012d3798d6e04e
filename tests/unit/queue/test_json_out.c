/* What is written must be read again by jansson as it was. */
#include "../cmocka_all.h"

#include "queue/json_out.h"

#include <jansson.h>
#include <string.h>

static void test_every_byte_can_be_read_again(void **state)
{
    struct buf out;

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[3] = {'x', (char)byte, 'y'};
        const char *want = byte == 0 || byte > 127 ? "x\xef\xbf\xbdy" : NULL;
        json_t *json;
        buf_init(&out, 4096);
        buf_add_char(&out, '{');
        json_out_text(&out, "a", slice_from(text, sizeof(text)));
        json_out_text_if(&out, "none", SLICE_NULL);
        json_out_number(&out, "n", UINT64_C(9007199254740993));
        json_out_signed(&out, "m", -9);
        json_out_signed(&out, "z", 0);
        json_out_true(&out, "t");
        buf_add_char(&out, '}');
        json = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_int_equal(json_object_size(json), 5);
        if (want)
            assert_string_equal(json_string_value(json_object_get(json, "a")), want);
        else
            assert_memory_equal(json_string_value(json_object_get(json, "a")), text, 3);
        assert_true(json_integer_value(json_object_get(json, "n")) == 9007199254740993);
        assert_int_equal(json_integer_value(json_object_get(json, "m")), -9);
        assert_int_equal(json_integer_value(json_object_get(json, "z")), 0);
        json_decref(json);
        buf_done(&out);
    }
}

static void test_utf8_stays_and_what_is_none_is_replaced(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"j\xc3\xb6rg", "{\"a\":\"j\xc3\xb6rg\"}"},
        {"\xf0\x9f\x93\xac", "{\"a\":\"\xf0\x9f\x93\xac\"}"},
        {"\xc3", "{\"a\":\"\xef\xbf\xbd\"}"},
        {"\xed\xa0\x80", "{\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {"a\"b\\c\r\n", "{\"a\":\"a\\\"b\\\\c\\u000d\\u000a\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 4096);
        buf_add_char(&out, '{');
        json_out_text(&out, "a", slice_from_cstr(cases[i].text));
        buf_add_cstr(&out, "}");
        buf_add_char(&out, '\0');
        assert_string_equal(out.ptr, cases[i].want);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_can_be_read_again),
        cmocka_unit_test(test_utf8_stays_and_what_is_none_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
