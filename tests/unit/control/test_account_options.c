#include "../cmocka_all.h"

#include "control/account_options.h"

#include <getopt.h>

static bool read_options(struct account_options *options, char **argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    optind = 0;
    opterr = 0;
    return account_options_read(argc, argv, options);
}

#define ARGS(...) ((char *[]){"account", __VA_ARGS__, NULL})

static void test_options_stand_anywhere(void **state)
{
    struct account_options options;

    (void)state;
    assert_true(read_options(
        &options, ARGS("add", "--json", "joe@x", "--quota", "2G", "-c", "f", "--password-stdin")));
    assert_int_equal(options.n_arguments, 2);
    assert_string_equal(options.arguments[0], "add");
    assert_string_equal(options.arguments[1], "joe@x");
    assert_string_equal(options.given[OPTION_QUOTA], "2G");
    assert_string_equal(options.given[OPTION_STDIN], "");
    assert_string_equal(options.config, "f");
    assert_true(options.json && !options.help && !options.given[OPTION_GENERATE]);
}

static void test_an_action_takes_its_own_options_alone(void **state)
{
    struct account_options options;

    (void)state;
    assert_true(read_options(&options, ARGS("add", "--quota", "2G", "--force")));
    assert_true(account_options_fit(&options, TAKES(OPTION_QUOTA) | TAKES(OPTION_FORCE)));
    assert_false(account_options_fit(&options, TAKES(OPTION_QUOTA)));
    assert_false(account_options_fit(&options, 0));
    assert_true(read_options(&options, ARGS("add", "--json")));
    assert_true(account_options_fit(&options, 0));
}

static void test_networks_are_gathered_up_to_a_bound(void **state)
{
    char *argv[2 * ACCOUNT_NETWORKS_MAX + 4] = {"account"};
    struct account_options options;

    (void)state;
    for (size_t i = 1; i <= 2 * ACCOUNT_NETWORKS_MAX; i += 2) {
        argv[i] = "--network";
        argv[i + 1] = "::/0";
    }
    assert_true(read_options(&options, argv));
    assert_int_equal(options.n_networks, ACCOUNT_NETWORKS_MAX);
    argv[2 * ACCOUNT_NETWORKS_MAX + 1] = "--network";
    argv[2 * ACCOUNT_NETWORKS_MAX + 2] = "::/0";
    assert_false(read_options(&options, argv));
}

static void test_no_option_takes_a_password(void **state)
{
    struct account_options options;

    (void)state;
    assert_false(read_options(&options, ARGS("passwd", "--password=secret")));
    assert_false(read_options(&options, ARGS("passwd", "--stdin=secret")));
    assert_false(read_options(&options, ARGS("passwd", "-p", "secret")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_stand_anywhere),
        cmocka_unit_test(test_an_action_takes_its_own_options_alone),
        cmocka_unit_test(test_networks_are_gathered_up_to_a_bound),
        cmocka_unit_test(test_no_option_takes_a_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
