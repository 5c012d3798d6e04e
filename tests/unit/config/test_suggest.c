#include "../cmocka_all.h"

#include "config/suggest.h"

static void test_distance_counts_edits(void **state)
{
    static const struct {
        struct slice a, b;
        size_t distance;
    } cases[] = {
        {SLICE_INIT(""), SLICE_INIT(""), 0},
        {SLICE_INIT("abc"), SLICE_INIT(""), 3},
        {SLICE_INIT("hostname"), SLICE_INIT("hostname"), 0},
        {SLICE_INIT("HostName"), SLICE_INIT("hostname"), 0},
        {SLICE_INIT("hostnmae"), SLICE_INIT("hostname"), 1},
        {SLICE_INIT("ohstname"), SLICE_INIT("hostname"), 1},
        {SLICE_INIT("hstname"), SLICE_INIT("hostname"), 1},
        {SLICE_INIT("hoostname"), SLICE_INIT("hostname"), 1},
        {SLICE_INIT("kitten"), SLICE_INIT("sitting"), 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(suggestion_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(suggestion_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static void test_only_what_is_near_is_suggested(void **state)
{
    static const char *const words[] = {"mx", "recipients", "received", "relay", "route"};
    static const struct {
        const char *wrong, *want;
    } cases[] = {
        {"recipient", ", did you mean 'recipients'?"},
        {"recieved", ", did you mean 'received'?"},
        {"rout", ", did you mean 'route'?"},
        {"relays", ", did you mean 'relay'?"},
        {"xyz", ""},
        {"frobnicate", ""},
        {"", ""},
        {"a word that is far longer than any setting could possibly be named", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct suggestion suggestion = suggestion_for(slice_from_cstr(cases[i].wrong));
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
            suggestion_offer(&suggestion, slice_from_cstr(words[k]));
        assert_string_equal(suggestion_text(&suggestion).text, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_counts_edits),
        cmocka_unit_test(test_only_what_is_near_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
