/* Logging in as receive sees it: messages in, replies out, with a true store, and a directory that
 * does as the test wants. Threads and times are real, but short. */
#include "../cmocka_all.h"
#include "scratch.h"

#include "account/directory_store.h"
#include "account/login.h"
#include "account/login_name.h"
#include "account/otp.h"
#include "account/password.h"
#include "account/throttle.h"
#include "base/clock.h"
#include "base/log.h"

#include "io/channel.h"

#include <gsasl.h>
#include <oath.h>
#include <string.h>

enum { DELAY_MS = 60, PATIENCE_MS = 20000 };
#define ADDRESS "192.0.2.7"
#define KEY     "12345678901234567890"

struct bench {
    struct scratch scratch;
    struct config *config;
    struct loop *loop;
    struct loop_timer *patience;
    struct store *store;
    bool no_store;
    struct directory *own, fake;
    struct files *files;
    struct login *login;
    uint64_t conversation;
    struct arena arena;
    struct buf message; /* what the reply points into */
    bool replied;
    struct msg_sasl_reply reply;
    unsigned mechanisms, fake_mechanisms;
    struct sasl_client client;
    /* What the fake directory's asker waits for. */
    void *asker;
};

/* ---- a directory that is away, or verifies itself ------------------------------------------- */

static void fake_login(struct directory *directory, struct slice account,
                       directory_on_login *answer, void *arg)
{
    struct bench *bench = (struct bench *)((char *)directory - offsetof(struct bench, fake));
    const struct directory_login login = {.enabled = true, .checks_itself = true};

    if (slice_eq(account, SLICE("silent@b.example")))
        bench->asker = arg;
    else
        answer(arg, slice_eq(account, SLICE("away@b.example")) ? DIRECTORY_LATER : DIRECTORY_FOUND,
               &login);
}

static void fake_find(struct directory *directory, struct slice account, directory_on_entry *answer,
                      void *arg)
{
    const struct directory_entry entry = {.is_account = true, .enabled = true};

    (void)directory;
    answer(arg, slice_eq(account, SLICE("away@b.example")) ? DIRECTORY_LATER : DIRECTORY_FOUND,
           &entry);
}

static void fake_check(struct directory *directory, struct slice account, struct slice password,
                       struct slice client_address, directory_on_check *answer, void *arg)
{
    (void)directory;
    (void)client_address;
    if (slice_eq(account, SLICE("broken@b.example")))
        answer(arg, DIRECTORY_LATER, SLICE("it does not answer"));
    else
        answer(arg, slice_eq(password, SLICE("elsewhere")) ? DIRECTORY_FOUND : DIRECTORY_NONE,
               SLICE("so it said"));
}

static void fake_cancel(struct directory *directory, void *arg)
{
    struct bench *bench = (struct bench *)((char *)directory - offsetof(struct bench, fake));

    assert_ptr_equal(bench->asker, arg);
    bench->asker = NULL;
}

static unsigned fake_mechanisms(struct directory *directory)
{
    return ((struct bench *)((char *)directory - offsetof(struct bench, fake)))->fake_mechanisms;
}

static const struct directory_methods fake_methods = {
    .name = "fake",
    .find = fake_find,
    .login = fake_login,
    .check = fake_check,
    .cancel = fake_cancel,
    .mechanisms = fake_mechanisms,
};

/* ---- the host -------------------------------------------------------------------------------- */

static void on_send(void *arg, enum role to, uint16_t type, struct slice payload)
{
    struct bench *bench = arg;

    assert_int_equal(to, ROLE_RECEIVE);
    if (type == MSG_MECHANISMS) {
        struct msg_mechanisms mechanisms;
        assert_int_equal(msg_mechanisms_decode(payload, NULL, &mechanisms), 0);
        bench->mechanisms = mechanisms.set;
        return;
    }
    assert_int_equal(type, MSG_SASL_REPLY);
    assert_false(bench->replied);
    buf_reset(&bench->message);
    buf_add_slice(&bench->message, payload);
    assert_int_equal(
        msg_sasl_reply_decode(buf_slice(&bench->message), &bench->arena, &bench->reply), 0);
    assert_int_equal(bench->reply.conversation, bench->conversation);
    bench->replied = true;
    loop_stop(bench->loop);
}

static struct directory *on_directory_of(void *arg, struct slice account)
{
    struct bench *bench = arg;

    if (slice_ends_with_nocase(account, SLICE("@a.example")))
        return bench->own;
    return slice_ends_with_nocase(account, SLICE("@b.example")) ? &bench->fake : NULL;
}

static struct store *on_store(void *arg)
{
    const struct bench *bench = arg;

    return bench->no_store ? NULL : bench->store;
}

static void on_store_note(void *arg, int result)
{
    (void)arg;
    assert_true(result >= 0);
}

static void out_of_patience(void *arg)
{
    (void)arg;
    fail_msg("no reply");
}

static struct config *parse(const char *text)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;

    problem_list_init(&problems);
    config_bundle_from_text(SLICE("test.conf"), slice_from_cstr(text), &bundle);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return config;
}

static const char settings[] =
    "hostname a.example\nstate /tmp\ndomain a.example\ndomain b.example\n"
    "domain c.example { alias_of a.example }\n"
    "listen submission { service submission; address 127.0.0.1:1587 }\n"
    "auth { delay 60ms; failures 3; block_first 1h\n"
    "  mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256 EXTERNAL PLAIN LOGIN CRAM-MD5 }\n"
    "account_limits { message_size 10M }\n";

/* ---- what the store holds -------------------------------------------------------------------- */

static void set_password(struct bench *bench, const char *account, const char *password)
{
    struct store_passwords passwords = {.cram_secret = slice_from_cstr(password)};

    passwords.password = arena_printf(&bench->arena, "{PLAIN}%s", password);
    assert_int_equal(password_scram(PASSWORD_SHA_256, slice_from_cstr(password), &bench->arena,
                                    &passwords.scram_sha_256),
                     0);
    assert_int_equal(store_passwords_set(bench->store, slice_from_cstr(account), &passwords), 0);
}

static void fill(struct bench *bench)
{
    const struct store_account off = {.address = SLICE("off@a.example"), .enabled = false};
    const struct store_factor factor = {.required = true, .totp_key = SLICE(KEY)};
    const struct store_factor other = {.required = true};
    const struct store_limits limits = {.message_size = 12345,
                                        .messages_per_minute = STORE_LIMIT_DEFAULT,
                                        .messages_per_hour = STORE_LIMIT_DEFAULT,
                                        .recipients_per_hour = STORE_LIMIT_DEFAULT,
                                        .bounces_per_hour = STORE_LIMIT_DEFAULT};
    struct store_app_password app = {.account = SLICE("two@a.example"),
                                     .name = SLICE("phone"),
                                     .password = SLICE("{PLAIN}app-secret")};

    add_account(bench->store, "joe@a.example");
    add_account(bench->store, "two@a.example");
    add_account(bench->store, "cert@a.example");
    add_account(bench->store, "none@a.example");
    assert_int_equal(store_account_add(bench->store, &off), 0);
    set_password(bench, "joe@a.example", "secret");
    set_password(bench, "off@a.example", "secret");
    set_password(bench, "two@a.example", "secret");
    set_password(bench, "cert@a.example", "secret");
    assert_int_equal(store_factor_set(bench->store, SLICE("two@a.example"), &factor), 0);
    assert_int_equal(store_factor_set(bench->store, SLICE("cert@a.example"), &other), 0);
    assert_int_equal(store_factor_set(bench->store, SLICE("self@b.example"), &factor), 0);
    assert_int_equal(store_app_password_add(bench->store, &app), 0);
    app.name = SLICE("office");
    app.password = SLICE("{PLAIN}office-secret");
    app.networks = SLICE("10.0.0.0/8 2001:db8::/32");
    assert_int_equal(store_app_password_add(bench->store, &app), 0);
    assert_int_equal(store_certificate_add(bench->store, SLICE("cert@a.example"), SLICE("abcd"), 1),
                     0);
    assert_int_equal(store_limits_set(bench->store, SLICE("two@a.example"), &limits), 0);
}

static void start_login(struct bench *bench)
{
    const struct login_host host = {.send = on_send,
                                    .directory_of = on_directory_of,
                                    .store = on_store,
                                    .store_note = on_store_note,
                                    .arg = bench};

    bench->login = login_new(&host, bench->loop, bench->config, bench->files);
    assert_non_null(bench->login);
    login_store_opened(bench->login);
    assert_int_equal(login_start(bench->login), 0);
    login_peer_up(bench->login, ROLE_RECEIVE);
}

static int set_up(void **state)
{
    struct bench *bench = xcalloc(1, sizeof(*bench));

    log_setup("auth", LOG_ERROR, LOG_LOGFMT, 2);
    scratch_init(&bench->scratch);
    arena_init(&bench->arena);
    buf_init(&bench->message, CHANNEL_PAYLOAD_MAX);
    bench->store = scratch_open(&bench->scratch);
    bench->config = parse(settings);
    bench->loop = loop_new();
    bench->patience = loop_timer(bench->loop, out_of_patience, bench);
    bench->files = files_new();
    bench->own = directory_store_new();
    directory_store_set(bench->own, bench->store);
    bench->fake.methods = &fake_methods;
    bench->fake_mechanisms = MECHANISM_ALL;
    bench->client = (struct sasl_client){
        .address = SLICE(ADDRESS), .listener = SLICE("submission"), .tls = true};
    fill(bench);
    start_login(bench);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    login_free(bench->login);
    bench->own->methods->free(bench->own);
    files_free(bench->files);
    loop_timer_free(bench->patience);
    loop_free(bench->loop);
    config_unref(bench->config);
    store_close(bench->store);
    buf_done(&bench->message);
    arena_done(&bench->arena);
    scratch_done(&bench->scratch);
    free(bench);
    return 0;
}

/* ---- talking --------------------------------------------------------------------------------- */

static void post(struct bench *bench, const struct msg_sasl *message)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_sasl_encode(&out, message);
    bench->replied = false;
    login_sasl(bench->login, ROLE_RECEIVE, buf_slice(&out));
    buf_done(&out);
}

static void await(struct bench *bench)
{
    loop_timer_arm(bench->patience, clock_mono_ms() + PATIENCE_MS);
    if (!bench->replied)
        assert_int_equal(loop_run(bench->loop), 0);
    else
        loop_stop(bench->loop), loop_run(bench->loop);
    loop_timer_disarm(bench->patience);
    assert_true(bench->replied);
}

static void start(struct bench *bench, unsigned mechanism, const char *response, size_t len)
{
    struct msg_sasl message = {.conversation = ++bench->conversation,
                               .step = SASL_START,
                               .mechanism = mechanism,
                               .has_response = response != NULL,
                               .response = slice_from(response, len),
                               .client = bench->client};

    post(bench, &message);
}

static void respond(struct bench *bench, struct slice response)
{
    struct msg_sasl message = {.conversation = bench->conversation,
                               .step = SASL_RESPONSE,
                               .has_response = true,
                               .response = response};

    post(bench, &message);
    await(bench);
}

static void abandon(struct bench *bench)
{
    struct msg_sasl message = {.conversation = bench->conversation, .step = SASL_ABORT};

    post(bench, &message);
}

/* A PLAIN login in one step; */
static void plain(struct bench *bench, const char *name, const char *password)
{
    struct slice response = arena_printf(&bench->arena, "%c%s%c%s", 0, name, 0, password);

    start(bench, MECHANISM_PLAIN, response.ptr, response.len);
    await(bench);
}

static void assert_text(struct slice have, const char *want)
{
    if (!slice_eq(have, slice_from_cstr(want)))
        fail_msg("'%.*s' is not '%s'", SLICE_ARG(have), want);
}

static void assert_in(struct bench *bench, const char *account, const char *why)
{
    if (bench->reply.outcome != SASL_DONE)
        fail_msg("%u %.*s (%.*s)", bench->reply.code, SLICE_ARG(bench->reply.text),
                 SLICE_ARG(bench->reply.why));
    assert_text(bench->reply.account, account);
    assert_text(bench->reply.why, why);
}

static void assert_out(struct bench *bench, unsigned code, const char *why)
{
    assert_int_equal(bench->reply.outcome, SASL_FAILED);
    assert_int_equal(bench->reply.code, code);
    assert_text(bench->reply.why, why);
}

static const char *code_of(struct bench *bench, int steps_from_now)
{
    char code[OTP_DIGITS + 1];
    time_t at = (time_t)(clock_wall_ms() / 1000) + steps_from_now * OTP_STEP_SECONDS;

    oath_totp_generate(KEY, strlen(KEY), at, OTP_STEP_SECONDS, 0, OTP_DIGITS, code);
    return arena_cstr(&bench->arena, arena_printf(&bench->arena, "secret%s", code));
}

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

static void test_password_and_certificate(void **state)
{
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
}

/* ---- proofs ---------------------------------------------------------------------------------- */

/* What GNU SASL's client makes of it, until the server has decided. */
static void prove(struct bench *bench, unsigned mechanism, const char *name, const char *password)
{
    Gsasl_session *client;
    Gsasl *library;

    assert_int_equal(gsasl_init(&library), GSASL_OK);
    assert_int_equal(
        gsasl_client_start(library, mechanism_name((enum mechanism)mechanism), &client), GSASL_OK);
    gsasl_property_set(client, GSASL_AUTHID, name);
    gsasl_property_set(client, GSASL_PASSWORD, password);
    start(bench, mechanism, NULL, 0);
    await(bench);
    while (bench->reply.outcome == SASL_CHALLENGE) {
        char *output = NULL;
        size_t len = 0;
        int code = gsasl_step(client, bench->reply.data.ptr, bench->reply.data.len, &output, &len);
        assert_true(code == GSASL_OK || code == GSASL_NEEDS_MORE);
        respond(bench, slice_from(output, len));
        gsasl_free(output);
    }
    gsasl_finish(client);
    gsasl_done(library);
}

static void test_proofs(void **state)
{
    static const unsigned mechanisms[] = {MECHANISM_SCRAM_SHA_256, MECHANISM_CRAM_MD5};
    struct bench *bench = *state;

    for (size_t i = 0; i < 2; i++) {
        const char *name = mechanism_name((enum mechanism)mechanisms[i]);
        bench->client.address = arena_printf(&bench->arena, "192.0.2.%zu", i + 1);
        prove(bench, mechanisms[i], "joe@a.example", "secret");
        assert_in(bench, "joe@a.example", name);
        prove(bench, mechanisms[i], "joe@a.example", "wrong");
        assert_out(bench, 535, "wrong password");
        assert_text(bench->reply.text, "Wrong user name or password");
        prove(bench, mechanisms[i], "off@a.example", "secret");
        assert_int_equal(bench->reply.code, 535);
        assert_text(bench->reply.text, "Wrong user name or password");
        /* Only who knows the password learns of the second factor. */
        bench->client.address = arena_printf(&bench->arena, "192.0.2.1%zu", i + 1);
        prove(bench, mechanisms[i], "two@a.example", "secret");
        assert_out(bench, 534, "the password is right, and a second factor is demanded");
        prove(bench, mechanisms[i], "two@a.example", "wrong");
        assert_int_equal(bench->reply.code, 535);
    }
}

/* The first message of SCRAM's server, for a name. */
static struct slice first_message(struct bench *bench, const char *name)
{
    struct slice first = arena_printf(&bench->arena, "n,,n=%s,r=abcdef", name);

    start(bench, MECHANISM_SCRAM_SHA_256, first.ptr, first.len);
    await(bench);
    assert_int_equal(bench->reply.outcome, SASL_CHALLENGE);
    first = arena_dup(&bench->arena, bench->reply.data);
    abandon(bench);
    /* Without the nonce. */
    slice_cut(&first, ',');
    return first;
}

static void test_salts_tell_nothing(void **state)
{
    struct bench *bench = *state;
    struct slice real = first_message(bench, "joe@a.example");
    struct slice nobody = first_message(bench, "nobody@a.example");

    assert_true(slice_eq(real, first_message(bench, "joe@a.example")));
    assert_true(slice_eq(nobody, first_message(bench, "nobody@a.example")));
    assert_true(slice_eq(nobody, first_message(bench, "Nobody@a.example")));
    assert_false(slice_eq(nobody, first_message(bench, "nobody2@a.example")));
    assert_int_equal(real.len, nobody.len);
    assert_int_equal(first_message(bench, "off@a.example").len, real.len);
    assert_int_equal(first_message(bench, "away").len, real.len);
}

/* ---- certificates ---------------------------------------------------------------------------- */

static void external(struct bench *bench, const char *authzid)
{
    start(bench, MECHANISM_EXTERNAL, authzid, strlen(authzid));
    await(bench);
}

static void test_certificates(void **state)
{
    struct bench *bench = *state;
    struct slice emails[] = {SLICE("else@where.example"), SLICE("Off@a.example"),
                             SLICE("Joe@a.example"), SLICE("joe")};

    external(bench, "");
    assert_int_equal(bench->reply.code, 504);
    bench->client.fingerprint = SLICE("abcd");
    external(bench, "");
    assert_in(bench, "cert@a.example", "certificate");
    external(bench, "joe@a.example");
    assert_out(bench, 535, "the certificate names no account of ours");
    bench->client.cert_emails = emails;
    bench->client.n_cert_emails = 4;
    external(bench, "joe@c.example");
    assert_in(bench, "joe@a.example", "certificate");
    external(bench, "off@a.example");
    assert_int_equal(bench->reply.code, 535);
    bench->client.fingerprint = SLICE("unknown");
    external(bench, "");
    assert_in(bench, "joe@a.example", "certificate");
    external(bench, "two@a.example");
    assert_int_equal(bench->reply.code, 535);
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

/* ---- who guesses ----------------------------------------------------------------------------- */

static void test_blocks(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 3; i++)
        plain(bench, "nobody@a.example", "secret");
    assert_int_equal(bench->reply.code, 535);
    plain(bench, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    assert_text(bench->reply.status, "4.7.0");
    prove(bench, MECHANISM_SCRAM_SHA_256, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    /* Still after a restart. */
    login_free(bench->login);
    start_login(bench);
    plain(bench, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    bench->client.address = SLICE("192.0.2.200");
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
}

/* What began before the block ends behind it, right or wrong. */
static void test_guesses_at_once(void **state)
{
    struct bench *bench = *state;
    struct msg_sasl message = {.step = SASL_RESPONSE, .has_response = true};

    start(bench, MECHANISM_LOGIN, "joe@a.example", 13);
    await(bench);
    message.conversation = bench->conversation;
    for (int i = 0; i < 3; i++)
        plain(bench, "nobody@a.example", "guess");
    bench->conversation = message.conversation;
    message.response = SLICE("secret");
    post(bench, &message);
    await(bench);
    assert_out(bench, 454, "blocked");
}

static void test_proofs_at_once(void **state)
{
    static const struct slice first = SLICE_INIT("n,,n=joe@a.example,r=abcdef");
    struct bench *bench = *state;
    struct msg_sasl message = {.step = SASL_RESPONSE, .has_response = true};
    struct slice nonce;

    start(bench, MECHANISM_SCRAM_SHA_256, first.ptr, first.len);
    await(bench);
    message.conversation = bench->conversation;
    nonce = arena_dup(&bench->arena, bench->reply.data);
    nonce = slice_cut(&nonce, ',');
    for (int i = 0; i < 3; i++)
        plain(bench, "nobody@a.example", "guess");
    bench->conversation = message.conversation;
    message.response = arena_printf(
        &bench->arena,
        "c=biws,%.*s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SLICE_ARG(nonce));
    post(bench, &message);
    await(bench);
    assert_out(bench, 454, "blocked");
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

static void test_a_block_is_lifted(void **state)
{
    struct bench *bench = *state;
    struct loop_timer *timer = loop_timer(bench->loop, stop_loop, bench->loop);
    struct store *other;

    for (int i = 0; i < 3; i++)
        plain(bench, "joe@a.example", "wrong");
    plain(bench, "joe@a.example", "secret");
    assert_out(bench, 454, "blocked");
    /* As `nuncio account blocked` does it, in another process. */
    other = scratch_open(&bench->scratch);
    assert_int_equal(store_block_remove(other, SLICE("address"), SLICE(ADDRESS)), 0);
    store_close(other);
    loop_timer_arm(timer, clock_mono_ms() + 2500);
    loop_run(bench->loop);
    loop_timer_free(timer);
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
}

/* ---- order and bounds ------------------------------------------------------------------------ */

static void test_out_of_order(void **state)
{
    struct bench *bench = *state;

    start(bench, MECHANISM_PLAIN, "", 0);
    await(bench);
    assert_out(bench, 501, "no NUL in the PLAIN response");
    respond(bench, SLICE("x"));
    assert_out(bench, 454, "the conversation is gone");
    start(bench, MECHANISM_SCRAM_SHA_256_PLUS, NULL, 0);
    await(bench);
    assert_int_equal(bench->reply.code, 504);
    start(bench, MECHANISM_XOAUTH2, NULL, 0);
    await(bench);
    assert_int_equal(bench->reply.code, 504);
    start(bench, MECHANISM_CRAM_MD5, "x", 1);
    await(bench);
    assert_out(bench, 501, "CRAM-MD5 has no initial response");
    /* A response while the verdict waits for its time. */
    start(bench, MECHANISM_PLAIN, "\0joe\0wrong", 10);
    respond(bench, SLICE("x"));
    assert_out(bench, 454, "a response to nothing");
}

static void test_aborted(void **state)
{
    struct bench *bench = *state;

    start(bench, MECHANISM_PLAIN, "\0silent@b.example\0x", 19);
    assert_non_null(bench->asker);
    abandon(bench);
    assert_null(bench->asker);
    start(bench, MECHANISM_PLAIN, "\0joe@a.example\0wrong", 20);
    abandon(bench);
    abandon(bench);
    start(bench, MECHANISM_LOGIN, NULL, 0);
    await(bench);
    login_peer_down(bench->login, ROLE_RECEIVE);
    respond(bench, SLICE("joe@a.example"));
    assert_out(bench, 454, "the conversation is gone");
    plain(bench, "joe@a.example", "secret");
    assert_in(bench, "joe@a.example", "password");
}

static void test_what_is_offered(void **state)
{
    struct bench *bench = *state;
    const unsigned simple = MECHANISM_PLAIN | MECHANISM_LOGIN | MECHANISM_EXTERNAL;
    const unsigned scram = MECHANISM_SCRAM_SHA_256 | MECHANISM_SCRAM_SHA_256_PLUS;
    struct config *config = parse("hostname a.example\ndomain a.example\n"
                                  "auth { mechanisms SCRAM-SHA-256 PLAIN CRAM-MD5 OAUTHBEARER\n"
                                  "  oauth { introspection http://127.0.0.1:1/i } }\n");

    assert_int_equal(bench->mechanisms, simple | scram | MECHANISM_CRAM_MD5);
    /* The other directory has no SCRAM any more. */
    bench->fake_mechanisms = MECHANISM_PLAIN | MECHANISM_LOGIN;
    login_peer_up(bench->login, ROLE_RECEIVE);
    assert_int_equal(bench->mechanisms, simple | MECHANISM_CRAM_MD5);
    login_set_config(bench->login, config);
    assert_int_equal(bench->mechanisms, MECHANISM_SCRAM_SHA_256 | MECHANISM_PLAIN |
                                            MECHANISM_CRAM_MD5 | MECHANISM_OAUTHBEARER);
    config_unref(config);
}

static void test_status(void **state)
{
    struct bench *bench = *state;
    struct buf json;

    plain(bench, "joe@a.example", "secret");
    plain(bench, "joe@a.example", "wrong");
    buf_init(&json, 4096);
    login_status(bench->login, &json);
    assert_text(buf_slice(&json), "\"logins\":1,\"login_failures\":1,\"logins_blocked\":0,"
                                  "\"logins_put_off\":0,\"conversations\":0,\"blocks\":0,");
    buf_done(&json);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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
        TEST(test_password_and_certificate),
        TEST(test_proofs),
        TEST(test_salts_tell_nothing),
        TEST(test_certificates),
        TEST(test_a_directory_that_verifies),
        TEST(test_later),
        TEST(test_blocks),
        TEST(test_guesses_at_once),
        TEST(test_proofs_at_once),
        TEST(test_a_block_is_lifted),
        TEST(test_out_of_order),
        TEST(test_aborted),
        TEST(test_what_is_offered),
        TEST(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
