#include "../cmocka_all.h"

#include "account/password.h"
#include "control/account_secret.h"

#include <sysexits.h>

struct world {
    struct account_options options;
    struct config config;
    struct account_session session;
};

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));

    arena_init(&world->session.arena);
    world->session.options = &world->options;
    world->session.config = &world->config;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    arena_done(&world->session.arena);
    free(world);
    return 0;
}

static void test_what_would_be_guessed_is_refused_unless_forced(void **state)
{
    static const struct {
        const char *password;
        int code, forced;
    } cases[] = {
        {"correct horse", EX_OK, EX_OK},
        {"12345679", EX_OK, EX_OK},
        {"1234567", EX_DATAERR, EX_OK},
        {"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", EX_DATAERR, EX_OK}, /* four letters in eight bytes */
        {"\xc3\xbc\xc3\xb6\xc3\xa4\xc3\x9f\xc3\xbc\xc3\xb6\xc3\xa4x", EX_OK, EX_OK},
        {"josephine", EX_DATAERR, EX_OK},
        {"Josephine", EX_DATAERR, EX_OK},
        {"JOSEPHINE@example.org", EX_DATAERR, EX_OK},
        {"josephine2", EX_OK, EX_OK},
        {"passW0rd", EX_DATAERR, EX_OK},
        {"aaaaaaaaaaaa", EX_DATAERR, EX_OK},
        {"", EX_DATAERR, EX_DATAERR},
    };
    struct world *world = *state;
    struct slice address = SLICE("josephine@example.org");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice password = slice_from_cstr(cases[i].password);
        world->options.given[OPTION_FORCE] = NULL;
        assert_int_equal(account_secret_check(&world->session, address, password), cases[i].code);
        world->options.given[OPTION_FORCE] = "";
        assert_int_equal(account_secret_check(&world->session, address, password), cases[i].forced);
    }
}

static void test_verifiers_are_made_as_far_as_they_are_wanted(void **state)
{
    struct world *world = *state;
    struct store_passwords made;
    struct slice password = SLICE("correct horse");

    world->config.auth.mechanisms = MECHANISM_DEFAULT;
    assert_int_equal(account_secret_hash(&world->session, password, false, &made), EX_OK);
    assert_int_equal(password_verify(made.password, password), PASSWORD_RIGHT);
    assert_true(made.scram_sha_256.len && !made.scram_sha_1.len && !made.cram_secret.len);
    world->config.auth.mechanisms = MECHANISM_SCRAM_SHA_1_PLUS;
    assert_int_equal(account_secret_hash(&world->session, password, true, &made), EX_OK);
    assert_true(made.scram_sha_1.len && slice_eq(made.cram_secret, password));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_would_be_guessed_is_refused_unless_forced, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_verifiers_are_made_as_far_as_they_are_wanted, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
