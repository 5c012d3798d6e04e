#include "../cmocka_all.h"

#include "queue/pattern.h"

#include <string.h>

static void test_stars_stand_for_anything(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a", true},
        {"joe@x.test", "JOE@X.test", true},
        {"joe@x.test", "joe@x.tes", false},
        {"joe@x.test", "joe@x.testt", false},
        {"*@x.test", "joe@x.test", true},
        {"*@x.test", "@x.test", true},
        {"*@x.test", "joe@y.test", false},
        {"*.x.test", "x.test", false},
        {"joe@*", "joe@", true},
        {"*a*b*c", "xxaybzc", true},
        {"*a*b*c", "xxaybz", false},
        {"*ab", "aab", true}, /* the star gives back what it took too much */
        {"a*b*b", "ab", false},
        {"**", "x", true},
        {"?", "x", false}, /* nothing else is special */
        {"[a]", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (pattern_fits(slice_from_cstr(cases[i].pattern), slice_from_cstr(cases[i].text)) !=
            cases[i].fits)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
    }
}

/* A pattern of stars against a long text that does not fit ends all the same. */
static void test_many_stars_cost_little(void **state)
{
    char pattern[401], text[4001];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(pattern); i++)
        pattern[i] = i % 2 ? 'a' : '*';
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = 'b';
    assert_false(pattern_fits(slice_from(pattern, 400), slice_from(text, sizeof(text))));
}

static void test_a_part_is_found_in_any_case(void **state)
{
    (void)state;
    assert_true(pattern_is_in(SLICE("Greylist"), SLICE("451 4.7.1 greylisted")));
    assert_true(pattern_is_in(SLICE(""), SLICE("")));
    assert_true(pattern_is_in(SLICE("ed"), SLICE("greylisted")));
    assert_false(pattern_is_in(SLICE("eds"), SLICE("greylisted")));
    assert_false(pattern_is_in(SLICE("x"), SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stars_stand_for_anything),
        cmocka_unit_test(test_many_stars_cost_little),
        cmocka_unit_test(test_a_part_is_found_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
