#include "../cmocka_all.h"

#include "account/otp.h"

#define KEY SLICE("12345678901234567890")

/* RFC 6238 appendix B, SHA-1; its codes have eight digits, the last six are ours. */
static void test_codes_are_those_of_the_rfc(void **state)
{
    static const struct {
        uint64_t now;
        const char *code;
        uint64_t step;
    } cases[] = {
        {59, "287082", 1},
        {1111111109, "081804", 0x23523EC},
        {1111111111, "050471", 0x23523ED},
        {1234567890, "005924", 0x273EF07},
        {2000000000, "279037", 0x3F940AA},
        {20000000000, "353130", 0x27BC86AA},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice code = slice_from_cstr(cases[i].code);
        uint64_t step = 0;
        assert_true(otp_verify(KEY, code, cases[i].now, &step));
        assert_true(step == cases[i].step);
        assert_true(otp_verify(KEY, code, cases[i].now + 30, &step) && step == cases[i].step);
        assert_true(otp_verify(KEY, code, cases[i].now - 30, &step) && step == cases[i].step);
        assert_false(otp_verify(KEY, code, cases[i].now + 60, &step));
    }
}

static void test_what_is_no_code_is_wrong(void **state)
{
    static const char *const cases[] = {"",       "28708",   "2870822", "94287082",
                                        "287083", " 287082", "28708x",  "000000"};
    uint64_t step;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_false(otp_verify(KEY, slice_from_cstr(cases[i]), 59, &step));
    assert_false(otp_verify(SLICE_NULL, SLICE("287082"), 59, &step));
}

static void test_a_uri_escapes_what_would_change_its_meaning(void **state)
{
    struct arena arena;
    struct slice uri;

    (void)state;
    arena_init(&arena);
    uri = otp_uri(&arena, KEY, SLICE("mx.example.org"), SLICE("j?e&x=:%/ \xc3\xbc@example.org"));
    assert_string_equal(arena_cstr(&arena, uri),
                        "otpauth://totp/mx.example.org:j%3Fe%26x%3D%3A%25%2F%20%C3%BC%40example.org"
                        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mx.example.org"
                        "&algorithm=SHA1&digits=6&period=30");
    arena_done(&arena);
}

static void test_keys_differ(void **state)
{
    unsigned char first[OTP_KEY_BYTES], second[OTP_KEY_BYTES];

    (void)state;
    assert_int_equal(otp_make_key(first), 0);
    assert_int_equal(otp_make_key(second), 0);
    assert_memory_not_equal(first, second, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_are_those_of_the_rfc),
        cmocka_unit_test(test_what_is_no_code_is_wrong),
        cmocka_unit_test(test_a_uri_escapes_what_would_change_its_meaning),
        cmocka_unit_test(test_keys_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
