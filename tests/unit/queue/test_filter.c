#include "../cmocka_all.h"

#include "queue/filter.h"

#include <string.h>

static void test_a_sender_is_the_reverse_path_or_the_account(void **state)
{
    static const struct {
        const char *sender, *reverse_path, *login;
        bool takes;
    } cases[] = {
        {"joe@x", "joe@x", "", true},
        {"joe@x", "JOE@X", "", true},
        {"joe@x", "other@x", "Joe@x", true},
        {"joe@x", "", "joe@x", true},
        {"joe@x", "other@x", "ann@x", false},
        {"joe@x", "other@x", "", false},
        {"<>", "", "joe@x", true},
        {"<>", "ann@x", "", false}, /* no account is not the null sender */
        {"", "ann@x", "", false},
        {"", "", "", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct envelope envelope = {.reverse_path = slice_from_cstr(cases[i].reverse_path),
                                          .login = slice_from_cstr(cases[i].login)};
        json_t *request = json_pack("{s:s}", "sender", cases[i].sender);
        struct filter filter;
        assert_null(filter_read(request, &filter));
        if (filter_takes_message(&filter, &envelope) != cases[i].takes)
            fail_msg("case %zu: %s", i, cases[i].sender);
        json_decref(request);
    }
}

static void test_without_a_sender_anybody_fits(void **state)
{
    const struct envelope envelope = {.reverse_path = SLICE("ann@x"), .login = SLICE("joe@x")};
    json_t *request = json_pack("{s:b}", "all", 1);
    struct filter filter;

    (void)state;
    assert_null(filter_read(request, &filter));
    assert_true(filter_is_given(&filter));
    assert_false(filter_needs_envelope(&filter));
    assert_true(filter_takes_message(&filter, &envelope));
    json_decref(request);
}

static void test_what_is_no_filter_is_told(void **state)
{
    json_t *number = json_pack("{s:i}", "sender", 5), *id = json_pack("{s:s}", "id", "123");
    struct filter filter;

    (void)state;
    assert_non_null(strstr(filter_read(number, &filter), "must be strings"));
    assert_non_null(strstr(filter_read(id, &filter), "no message id"));
    json_decref(number);
    json_decref(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sender_is_the_reverse_path_or_the_account),
        cmocka_unit_test(test_without_a_sender_anybody_fits),
        cmocka_unit_test(test_what_is_no_filter_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
