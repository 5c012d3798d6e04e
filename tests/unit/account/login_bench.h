/*
 * Logging in as receive sees it: messages in, replies out, with a true store, and a directory that
 * does as the test wants. Threads and times are real, but short.
 */
#ifndef NUNCIO_TESTS_ACCOUNT_LOGIN_BENCH_H
#define NUNCIO_TESTS_ACCOUNT_LOGIN_BENCH_H

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

static inline void fake_login(struct directory *directory, struct slice account,
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

static inline void fake_find(struct directory *directory, struct slice account,
                             directory_on_entry *answer, void *arg)
{
    const struct directory_entry entry = {.is_account = true, .enabled = true};

    (void)directory;
    answer(arg, slice_eq(account, SLICE("away@b.example")) ? DIRECTORY_LATER : DIRECTORY_FOUND,
           &entry);
}

static inline void fake_check(struct directory *directory, struct slice account,
                              struct slice password, struct slice client_address,
                              directory_on_check *answer, void *arg)
{
    (void)directory;
    (void)client_address;
    if (slice_eq(account, SLICE("broken@b.example")))
        answer(arg, DIRECTORY_LATER, SLICE("it does not answer"));
    else
        answer(arg, slice_eq(password, SLICE("elsewhere")) ? DIRECTORY_FOUND : DIRECTORY_NONE,
               SLICE("so it said"));
}

static inline void fake_cancel(struct directory *directory, void *arg)
{
    struct bench *bench = (struct bench *)((char *)directory - offsetof(struct bench, fake));

    assert_ptr_equal(bench->asker, arg);
    bench->asker = NULL;
}

static inline unsigned fake_mechanisms(struct directory *directory)
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

static inline void on_send(void *arg, enum role to, uint16_t type, struct slice payload)
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

static inline struct directory *on_directory_of(void *arg, struct slice account)
{
    struct bench *bench = arg;

    if (slice_ends_with_nocase(account, SLICE("@a.example")))
        return bench->own;
    return slice_ends_with_nocase(account, SLICE("@b.example")) ? &bench->fake : NULL;
}

static inline struct store *on_store(void *arg)
{
    const struct bench *bench = arg;

    return bench->no_store ? NULL : bench->store;
}

static inline void on_store_note(void *arg, int result)
{
    (void)arg;
    assert_true(result >= 0);
}

static inline void out_of_patience(void *arg)
{
    (void)arg;
    fail_msg("no reply");
}

static inline struct config *parse(const char *text)
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

static inline void set_password(struct bench *bench, const char *account, const char *password)
{
    struct store_passwords passwords = {.cram_secret = slice_from_cstr(password)};

    passwords.password = arena_printf(&bench->arena, "{PLAIN}%s", password);
    assert_int_equal(password_scram(PASSWORD_SHA_256, slice_from_cstr(password), &bench->arena,
                                    &passwords.scram_sha_256),
                     0);
    assert_int_equal(store_passwords_set(bench->store, slice_from_cstr(account), &passwords), 0);
}

static inline void fill(struct bench *bench)
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

static inline void start_login(struct bench *bench)
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void post(struct bench *bench, const struct msg_sasl *message)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_sasl_encode(&out, message);
    bench->replied = false;
    login_sasl(bench->login, ROLE_RECEIVE, buf_slice(&out));
    buf_done(&out);
}

static inline void await(struct bench *bench)
{
    loop_timer_arm(bench->patience, clock_mono_ms() + PATIENCE_MS);
    if (!bench->replied)
        assert_int_equal(loop_run(bench->loop), 0);
    else
        loop_stop(bench->loop), loop_run(bench->loop);
    loop_timer_disarm(bench->patience);
    assert_true(bench->replied);
}

static inline void start(struct bench *bench, unsigned mechanism, const char *response, size_t len)
{
    struct msg_sasl message = {.conversation = ++bench->conversation,
                               .step = SASL_START,
                               .mechanism = mechanism,
                               .has_response = response != NULL,
                               .response = slice_from(response, len),
                               .client = bench->client};

    post(bench, &message);
}

static inline void respond(struct bench *bench, struct slice response)
{
    struct msg_sasl message = {.conversation = bench->conversation,
                               .step = SASL_RESPONSE,
                               .has_response = true,
                               .response = response};

    post(bench, &message);
    await(bench);
}

static inline void abandon(struct bench *bench)
{
    struct msg_sasl message = {.conversation = bench->conversation, .step = SASL_ABORT};

    post(bench, &message);
}

/* A PLAIN login in one step; */
static inline void plain(struct bench *bench, const char *name, const char *password)
{
    struct slice response = arena_printf(&bench->arena, "%c%s%c%s", 0, name, 0, password);

    start(bench, MECHANISM_PLAIN, response.ptr, response.len);
    await(bench);
}

static inline void assert_text(struct slice have, const char *want)
{
    if (!slice_eq(have, slice_from_cstr(want)))
        fail_msg("'%.*s' is not '%s'", SLICE_ARG(have), want);
}

static inline void assert_in(struct bench *bench, const char *account, const char *why)
{
    if (bench->reply.outcome != SASL_DONE)
        fail_msg("%u %.*s (%.*s)", bench->reply.code, SLICE_ARG(bench->reply.text),
                 SLICE_ARG(bench->reply.why));
    assert_text(bench->reply.account, account);
    assert_text(bench->reply.why, why);
}

static inline void assert_out(struct bench *bench, unsigned code, const char *why)
{
    assert_int_equal(bench->reply.outcome, SASL_FAILED);
    assert_int_equal(bench->reply.code, code);
    assert_text(bench->reply.why, why);
}

static inline const char *code_of(struct bench *bench, int steps_from_now)
{
    char code[OTP_DIGITS + 1];
    time_t at = (time_t)(clock_wall_ms() / 1000) + steps_from_now * OTP_STEP_SECONDS;

    oath_totp_generate(KEY, strlen(KEY), at, OTP_STEP_SECONDS, 0, OTP_DIGITS, code);
    return arena_cstr(&bench->arena, arena_printf(&bench->arena, "secret%s", code));
}

/* What GNU SASL's client makes of it, until the server has decided. */
static inline void prove(struct bench *bench, unsigned mechanism, const char *name,
                         const char *password)
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
