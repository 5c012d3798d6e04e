/* PLAIN and LOGIN: names, passwords, second factors, and directories that verify by themselves. */
#include "login_bench.h"

/* ---- passwords ------------------------------------------------------------------------------- */

static void test_right_passwords(void **state)
{
    static const char *const names[] = {"joe@a.example", "JOE@A.Example", "\"joe\"@a.example",
                                        "joe@c.example"};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        plain(bench, names[i], "secret");
        assert_in(bench, "joe@a.example", "password");
        assert_int_equal(bench->reply.message_size, 10 * 1024 * 1024);
    }
    start(bench, MECHANISM_LOGIN, NULL, 0);
    await(bench);
    assert_text(bench->reply.data, "Username:");
    respond(bench, SLICE("joe@a.example"));
    respond(bench, SLICE("secret"));
    assert_in(bench, "joe@a.example", "password");
}

/* The same reply, and not before its time; the log knows better. */
static void test_failures_look_alike(void **state)
{
    static const struct {
        const char *name, *password, *why;
    } cases[] = {
        {"joe@a.example", "wrong", "wrong password"},
        {"off@a.example", "secret", "the account is disabled"},
        {"off@a.example", "wrong", "wrong password"},
        {"none@a.example", "secret", "wrong password"},
        {"nobody@a.example", "secret", "no such account"},
        {"joe@elsewhere.example", "secret", "no such account"},
        {"joe", "secret", "no such account"}, /* two local domains */
        {"@", "secret", "no such account"},
        {"joe@a.example\xff", "secret", "no such account"},
        {"self@b.example", "wrong", "wrong password"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t before = clock_mono_ms();
        bench->client.address = arena_printf(&bench->arena, "192.0.2.%zu", i + 1);
        plain(bench, cases[i].name, cases[i].password);
        assert_out(bench, 535, cases[i].why);
        assert_text(bench->reply.status, "5.7.8");
        assert_text(bench->reply.text, "Wrong user name or password");
        assert_true(clock_mono_ms() - before >= DELAY_MS);
    }
}

static void test_who_may_act_as_whom(void **state)
{
    struct bench *bench = *state;
    static const char other[] = "jim@a.example\0joe@a.example\0secret";
    static const char same[] = "JOE@c.example\0joe@a.example\0secret";

    start(bench, MECHANISM_PLAIN, other, sizeof(other) - 1);
    await(bench);
    assert_out(bench, 535, "wants to act as another (authzid)");
    start(bench, MECHANISM_PLAIN, same, sizeof(same) - 1);
    await(bench);
    assert_in(bench, "joe@a.example", "password");
}

static void test_a_name_without_domain(void **state)
{
    struct config *one = parse("hostname a.example\ndomain a.example\ndomain r.example { "
                               "alias_of a.example }\n");
    struct bench *bench = *state;
    struct slice account;

    assert_true(login_name_canonical(one, SLICE("Joe"), &bench->arena, &account));
    assert_text(account, "joe@a.example");
    assert_true(login_name_canonical(one, SLICE("joe@R.example"), &bench->arena, &account));
    assert_text(account, "joe@a.example");
    assert_false(login_name_canonical(one, SLICE("joe@"), &bench->arena, &account));
    assert_false(login_name_canonical(one, SLICE("joe@[192.0.2.1]"), &bench->arena, &account));
    assert_false(login_name_canonical(one, SLICE("joe\1"), &bench->arena, &account));
    assert_false(login_name_canonical(bench->config, SLICE("joe"), &bench->arena, &account));
    config_unref(one);
}

static void test_a_password_after_saslprep(void **state)
{
    struct bench *bench = *state;

    /* Kept composed, typed decomposed; and one that was kept decomposed is right as it is. */
    set_password(bench, "joe@a.example", "p\xc3\xa4");
    plain(bench, "joe@a.example", "pa\xcc\x88");
    assert_in(bench, "joe@a.example", "password");
    set_password(bench, "joe@a.example", "pa\xcc\x88");
    plain(bench, "joe@a.example", "pa\xcc\x88");
    assert_in(bench, "joe@a.example", "password");
}

/* ---- second factors -------------------------------------------------------------------------- */

static void test_a_second_factor(void **state)
{
    struct bench *bench = *state;
    const char *code = code_of(bench, 0);

    plain(bench, "two@a.example", "secret");
    assert_out(bench, 534, "the password is right, the second factor is missing");
    assert_text(bench->reply.status, "5.7.9");
    plain(bench, "two@a.example", "wrong");
    assert_text(bench->reply.text, "Wrong user name or password");
    plain(bench, "two@a.example", code);
    assert_in(bench, "two@a.example", "password and code");
    assert_int_equal(bench->reply.message_size, 12345);
    plain(bench, "two@a.example", code);
    assert_out(bench, 535, "the code was used already");
    /* Also in another process. */
    login_free(bench->login);
    start_login(bench);
    plain(bench, "two@a.example", code);
    assert_out(bench, 535, "the code was used already");
    plain(bench, "two@a.example", code_of(bench, 1));
    assert_in(bench, "two@a.example", "password and code");
}

static void test_wrong_codes_are_guesses(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 3; i++) {
        plain(bench, "two@a.example", code_of(bench, 10 + i));
        assert_out(bench, 535, "the password is right, the code is wrong");
    }
    plain(bench, "two@a.example", code_of(bench, 0));
    assert_out(bench, 454, "blocked");
}

static void test_app_passwords(void **state)
{
    struct bench *bench = *state;
    struct store_app_password *list;
    size_t count;

    plain(bench, "two@a.example", "app-secret");
    assert_in(bench, "two@a.example", "app password phone");
    assert_int_equal(store_app_passwords_find(bench->store, &bench->arena, SLICE("two@a.example"),
                                              &list, &count),
                     0);
    assert_int_equal(count, 2);
    assert_true(list[1].used_ms > 0);
    assert_text(list[1].used_from, ADDRESS);
    plain(bench, "two@a.example", "office-secret");
    assert_out(bench, 535, "app password office is not for this network");
    assert_text(bench->reply.text, "Wrong user name or password");
    bench->client.address = SLICE("2001:db8::7");
    plain(bench, "two@a.example", "office-secret");
    assert_in(bench, "two@a.example", "app password office");
    bench->client.address = SLICE("::ffff:10.1.2.3");
    plain(bench, "two@a.example", "office-secret");
    assert_in(bench, "two@a.example", "app password office");
    bench->client.address = SLICE_NULL; /* a unix socket */
    plain(bench, "two@a.example", "office-secret");
    assert_out(bench, 535, "app password office is not for this network");
}

/* How long a wrong password takes, the shortest of three: what is verified besides adds to it. */
static double wrong_password_takes(struct bench *bench, const char *name, const char *password)
{
    double least = 1e9;

    for (int i = 0; i < 3; i++) {
        struct timespec before, after;
        double took;
        /* Only blocked after three. */
        bench->client.address =
            arena_printf(&bench->arena, "198.51.100.%u", (unsigned)bench->conversation % 250 + 1);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        plain(bench, name, password);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        assert_int_equal(bench->reply.code, 535);
        took =
            (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
        least = took < least ? took : least;
    }
    return least;
}

static void add_generated(struct bench *bench, const char *account, unsigned count)
{
    struct store_app_password app = {.account = slice_from_cstr(account)};

    for (unsigned i = 0; i < count; i++) {
        app.name = arena_printf(&bench->arena, "app%u", i);
        assert_int_equal(
            password_hash_generated(SLICE("aaaa-bbbb-cccc-dddd"), &bench->arena, &app.password), 0);
        assert_int_equal(store_app_password_add(bench->store, &app), 0);
    }
}

/* Nobody learns from it what there is besides a password, and nobody pays for it. */
static void test_wrong_passwords_cost_the_same(void **state)
{
    static const char *const names[] = {"joe@a.example", "many@a.example", "apps@a.example",
                                        "none@a.example", "totp@a.example"};
    static const char *const passwords[] = {"wrong", "wrong123456", "wr\303\266ng"};
    const struct store_factor factor = {.required = true, .totp_key = SLICE(KEY)};
    struct store_passwords hashed = {0};
    struct bench *bench = *state;

    assert_int_equal(password_hash(SLICE("secret"), &bench->arena, &hashed.password), 0);
    add_account(bench->store, "many@a.example");
    add_account(bench->store, "apps@a.example");
    add_account(bench->store, "totp@a.example");
    store_passwords_set(bench->store, SLICE("joe@a.example"), &hashed);
    store_passwords_set(bench->store, SLICE("many@a.example"), &hashed);
    store_passwords_set(bench->store, SLICE("totp@a.example"), &hashed);
    store_factor_set(bench->store, SLICE("totp@a.example"), &factor);
    add_generated(bench, "many@a.example", STORE_APP_PASSWORDS_MAX);
    add_generated(bench, "apps@a.example", 1);
    for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        double nobody = wrong_password_takes(bench, "nobody@a.example", passwords[i]);
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            double took = wrong_password_takes(bench, names[j], passwords[i]);
            if (took > 1.75 * nobody || took < nobody / 1.75)
                fail_msg("%s '%s': %f s, nobody: %f s", names[j], passwords[i], took, nobody);
        }
    }
    plain(bench, "many@a.example", "aaaa-bbbb-cccc-dddd");
    assert_in(bench, "many@a.example", "app password app0");
}

static void test_password_and_certificate(void **state)
{
    struct slice emails[] = {SLICE("cert@far.example"), SLICE("Two@c.example")};
    struct bench *bench = *state;

    plain(bench, "cert@a.example", "secret");
    assert_int_equal(bench->reply.code, 534);
    bench->client.fingerprint = SLICE("abcd");
    plain(bench, "cert@a.example", "secret");
    assert_in(bench, "cert@a.example", "password and certificate");
    plain(bench, "cert@a.example", "wrong");
    assert_out(bench, 535, "wrong password");
    /* Somebody else's. */
    plain(bench, "two@a.example", "secret");
    assert_int_equal(bench->reply.code, 534);
    /* Not registered, but with his address in it. */
    bench->client.fingerprint = SLICE("ef01");
    bench->client.cert_emails = emails;
    bench->client.n_cert_emails = 2;
    plain(bench, "two@a.example", "secret");
    assert_in(bench, "two@a.example", "password and certificate");
    plain(bench, "cert@a.example", "secret");
    assert_int_equal(bench->reply.code, 534);
}

/* ---- directories that verify by themselves, or cannot tell ----------------------------------- */

static void test_a_directory_that_verifies(void **state)
{
    struct bench *bench = *state;

    plain(bench, "any@b.example", "elsewhere");
    assert_in(bench, "any@b.example", "password");
    plain(bench, "self@b.example", "elsewhere");
    assert_out(bench, 534, "the password is right, the second factor is missing");
    plain(bench, "self@b.example",
          arena_cstr(&bench->arena,
                     arena_printf(&bench->arena, "elsewhere%s", code_of(bench, 0) + 6)));
    assert_in(bench, "self@b.example", "password and code");
}

static void test_later(void **state)
{
    struct bench *bench = *state;

    plain(bench, "away@b.example", "elsewhere");
    assert_out(bench, 454, "the accounts cannot be asked now");
    plain(bench, "broken@b.example", "elsewhere");
    assert_out(bench, 454, "it does not answer");
    bench->no_store = true;
    plain(bench, "any@b.example", "elsewhere");
    assert_out(bench, 454, "the account store cannot be read now");
    prove(bench, MECHANISM_CRAM_MD5, "nobody@a.example", "secret");
    assert_int_equal(bench->reply.code, 454);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_right_passwords),
        TEST(test_failures_look_alike),
        TEST(test_who_may_act_as_whom),
        TEST(test_a_name_without_domain),
        TEST(test_a_password_after_saslprep),
        TEST(test_a_second_factor),
        TEST(test_wrong_codes_are_guesses),
        TEST(test_app_passwords),
        TEST(test_wrong_passwords_cost_the_same),
        TEST(test_password_and_certificate),
        TEST(test_a_directory_that_verifies),
        TEST(test_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
