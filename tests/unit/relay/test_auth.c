/* Logging in at other servers: each mechanism against GNU SASL's server or a script. */
#include "../cmocka_all.h"
#include "fake_server.h"

#include "base/clock.h"
#include "relay/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <gsasl.h>
#include <string.h>

static const struct auth_secrets ann = {.user = SLICE_INIT("ann"),
                                        .password = SLICE_INIT("secret"),
                                        .token = SLICE_INIT("tok"),
                                        .host = SLICE_INIT("mx.example.net"),
                                        .port = 587};

/* ---- sessions ------------------------------------------------------------------------------- */

/* GNU SASL's server: what it says to a message of the client's. */
struct server {
    Gsasl *gsasl;
    Gsasl_session *session;
    char *said;
    size_t len;
};

static const char binding_text[] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
static const struct slice binding = SLICE_INIT("01234567890123456789012345678901");

static void server_start(struct server *server, enum mechanism mechanism, const char *password,
                         const char *rounds)
{
    *server = (struct server){.said = NULL};
    assert_int_equal(gsasl_init(&server->gsasl), GSASL_OK);
    assert_int_equal(gsasl_server_start(server->gsasl, mechanism_name(mechanism), &server->session),
                     GSASL_OK);
    gsasl_property_set(server->session, GSASL_PASSWORD, password);
    gsasl_property_set(server->session, GSASL_SCRAM_ITER, rounds);
    gsasl_property_set(server->session, GSASL_SCRAM_SALT, "c2FsdHNhbHQ=");
    if ((unsigned)mechanism & MECHANISM_PLUS)
        gsasl_property_set(server->session, GSASL_CB_TLS_EXPORTER, binding_text);
}

static int server_hear(struct server *server, struct slice message)
{
    gsasl_free(server->said);
    server->said = NULL;
    server->len = 0;
    return gsasl_step(server->session, message.ptr, message.len, &server->said, &server->len);
}

static void server_end(struct server *server)
{
    gsasl_free(server->said);
    gsasl_finish(server->session);
    gsasl_done(server->gsasl);
}

static struct slice server_said(const struct server *server)
{
    return slice_from(server->said, server->len);
}

static void test_scram_proves_both_sides(void **state)
{
    static const enum mechanism all[] = {MECHANISM_SCRAM_SHA_256, MECHANISM_SCRAM_SHA_1,
                                         MECHANISM_SCRAM_SHA_256_PLUS, MECHANISM_SCRAM_SHA_1_PLUS};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct auth_secrets secrets = ann;
        struct auth_session *session;
        struct server server;
        struct slice response;
        secrets.binding = binding;
        session = auth_session_new(all[i], &secrets);
        server_start(&server, all[i], "secret", "4096");
        assert_true(session->method->speaks_first);
        assert_true(auth_session_step(session, false, SLICE_NULL, &response));
        assert_int_equal(server_hear(&server, response), GSASL_NEEDS_MORE);
        assert_true(auth_session_step(session, true, server_said(&server), &response));
        assert_false(session->proved);
        assert_int_equal(server_hear(&server, response), GSASL_OK);
        assert_true(auth_session_step(session, true, server_said(&server), &response));
        assert_int_equal(response.len, 0);
        assert_true(session->proved);
        assert_false(auth_session_step(session, true, SLICE("more"), &response));
        auth_session_free(session);
        server_end(&server);
    }
}

static void test_scram_with_another_password_or_binding_is_refused(void **state)
{
    static const struct {
        enum mechanism mechanism;
        const char *password;
        struct slice binding;
    } cases[] = {
        {MECHANISM_SCRAM_SHA_256, "other", SLICE_INIT("")},
        {MECHANISM_SCRAM_SHA_256_PLUS, "secret", SLICE_INIT("another connection, in the middle")}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_secrets secrets = ann;
        struct auth_session *session;
        struct server server;
        struct slice response;
        secrets.binding = cases[i].binding;
        session = auth_session_new(cases[i].mechanism, &secrets);
        server_start(&server, cases[i].mechanism, cases[i].password, "4096");
        assert_true(auth_session_step(session, false, SLICE_NULL, &response));
        assert_int_equal(server_hear(&server, response), GSASL_NEEDS_MORE);
        assert_true(auth_session_step(session, true, server_said(&server), &response));
        assert_int_equal(server_hear(&server, response), GSASL_AUTHENTICATION_ERROR);
        assert_false(session->proved);
        auth_session_free(session);
        server_end(&server);
    }
}

/* A server that does not know the password, but says that all is well. */
static void test_a_forged_signature_is_seen(void **state)
{
    struct auth_session *session = auth_session_new(MECHANISM_SCRAM_SHA_256, &ann);
    struct server server;
    struct slice response;

    (void)state;
    server_start(&server, MECHANISM_SCRAM_SHA_256, "secret", "4096");
    assert_true(auth_session_step(session, false, SLICE_NULL, &response));
    server_hear(&server, response);
    assert_true(auth_session_step(session, true, server_said(&server), &response));
    assert_false(auth_session_step(
        session, true, SLICE("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &response));
    assert_non_null(strstr(session->why, "somebody else"));
    assert_false(session->proved);
    auth_session_free(session);
    server_end(&server);
}

static void test_rounds_have_bounds(void **state)
{
    static const char *const rounds[] = {"1", "4095", "2000000000"};

    (void)state;
    for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
        struct auth_session *session = auth_session_new(MECHANISM_SCRAM_SHA_256, &ann);
        struct slice response;
        char first[256];
        assert_true(auth_session_step(session, false, SLICE_NULL, &response));
        snprintf(first, sizeof(first), "r=%.*sabc,s=c2FsdHNhbHQ=,i=%s",
                 SLICE_ARG(slice_skip(response, strlen("n,,n=ann,r="))), rounds[i]);
        assert_false(auth_session_step(session, true, slice_from_cstr(first), &response));
        assert_non_null(strstr(session->why, "rounds"));
        auth_session_free(session);
    }
}

static void test_nonsense_ends_a_session(void **state)
{
    static const enum mechanism all[] = {MECHANISM_SCRAM_SHA_256, MECHANISM_PLAIN};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct auth_session *session = auth_session_new(all[i], &ann);
        struct slice response;
        assert_true(auth_session_step(session, false, SLICE_NULL, &response));
        assert_false(auth_session_step(session, true, SLICE("a\0b"), &response));
        assert_non_null(session->why);
        auth_session_free(session);
    }
}

static void test_what_is_too_long_is_told(void **state)
{
    static char long_token[AUTH_BYTES_MAX];
    struct auth_secrets secrets = ann;
    struct auth_session *session;
    struct slice response;

    (void)state;
    memset(long_token, 'x', sizeof(long_token));
    secrets.token = slice_from(long_token, sizeof(long_token));
    session = auth_session_new(MECHANISM_XOAUTH2, &secrets);
    assert_false(auth_session_step(session, false, SLICE_NULL, &response));
    assert_non_null(strstr(session->why, "too long"));
    auth_session_free(session);
}

/* ---- over the wire -------------------------------------------------------------------------- */

struct dialogue {
    const char *script;
    enum mechanism mechanism;
    int result;
    const char *why;
};

static void connect_to(struct fake_server *server, struct client *client)
{
    struct socket_address to;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(socket_address_parse(SLICE("127.0.0.1"), server->port, &to));
    assert_int_equal(connect(fd, &to.socket.any, to.len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    client_adopt(client, fd, -1, &to, SLICE("test"));
}

static void hear(void *arg, bool sent, struct slice text)
{
    if (sent)
        buf_add_slice(arg, text);
}

static void run_dialogue(const struct dialogue *dialogue, const struct auth_secrets *secrets,
                         struct buf *heard)
{
    struct auth_failure failure = {.why = NULL};
    struct fake_server server = {.cancel_fd = -1};
    struct client client;
    int r;

    fake_server_start(&server, dialogue->script);
    connect_to(&server, &client);
    client.trace = hear;
    client.trace_arg = heard;
    r = auth_run(&client, dialogue->mechanism, secrets, &failure);
    if (r != dialogue->result)
        fail_msg("%s: result %d (%s)", dialogue->script, r, failure.why ? failure.why : "");
    if (dialogue->why && !strstr(*failure.said ? failure.said : failure.why, dialogue->why))
        fail_msg("%s: why: %s %s", dialogue->script, failure.why ? failure.why : "", failure.said);
    client_done(&client);
    fake_server_join(&server);
    assert_string_equal(server.mismatch, "");
    fake_server_done(&server);
}

static void test_dialogues(void **state)
{
    static const struct dialogue all[] = {
        {"connect\n< AUTH PLAIN AGFubgBzZWNyZXQ=\n> 235 2.7.0 in\n", MECHANISM_PLAIN, AUTH_DONE,
         NULL},
        {"connect\n< AUTH PLAIN AGFubgBzZWNyZXQ=\n> 535 5.7.8 no\n", MECHANISM_PLAIN, AUTH_REFUSED,
         NULL},
        {"connect\n< AUTH PLAIN AGFubgBzZWNyZXQ=\n> 454 4.7.0 later\n", MECHANISM_PLAIN,
         AUTH_REFUSED, NULL},
        {"connect\n< AUTH PLAIN \n> 334 Zm9v\n< *\n> 501 cancelled\n", MECHANISM_PLAIN, AUTH_BROKEN,
         "a challenge where PLAIN has none"},
        {"connect\n< AUTH LOGIN\n> 334 VXNlcm5hbWU6\n< YW5u\n> 334 UGFzc3dvcmQ6\n< c2VjcmV0\n"
         "> 235 in\n",
         MECHANISM_LOGIN, AUTH_DONE, NULL},
        {"connect\n< AUTH LOGIN\n> 334 VXNlcm5hbWU6\n< YW5u\n> 334 UGFzc3dvcmQ6\n< c2VjcmV0\n"
         "> 334 bW9yZQ==\n< *\n> 501 cancelled\n",
         MECHANISM_LOGIN, AUTH_BROKEN, "more than a user and a password"},
        {"connect\n< AUTH LOGIN\n> 334 !!\n< *\n> 501 cancelled\n", MECHANISM_LOGIN, AUTH_BROKEN,
         "not base64"},
        /* The challenge of RFC 2195. */
        {"connect\n< AUTH CRAM-MD5\n"
         "> 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\n"
         "< YW5uIDczM2JhODdlNjRlZDdlNDQxZjA2MmM0YWM2ZGIwMTAz\n> 235 in\n",
         MECHANISM_CRAM_MD5, AUTH_DONE, NULL},
        {"connect\n< AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgdG9rAQE=\n> 235 in\n",
         MECHANISM_XOAUTH2, AUTH_DONE, NULL},
        {"connect\n< AUTH XOAUTH2 \n> 334 eyJzdGF0dXMiOiI0MDEifQ==\n< \n> 535 5.7.8 no\n",
         MECHANISM_XOAUTH2, AUTH_REFUSED, "{\"status\":\"401\"}"},
        {"connect\n< AUTH OAUTHBEARER "
         "bixhPWFubiwBaG9zdD1teC5leGFtcGxlLm5ldAFwb3J0PTU4NwFhdXRoPUJlYXJlciB0b2sBAQ==\n"
         "> 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\n< AQ==\n> 535 5.7.8 no\n",
         MECHANISM_OAUTHBEARER, AUTH_REFUSED, "invalid_token"},
        /* Who says 235 before it has proved anything is not believed. */
        {"connect\n< AUTH SCRAM-SHA-256 \n> 235 welcome\n", MECHANISM_SCRAM_SHA_256, AUTH_BROKEN,
         "did not prove"},
        {"connect\n< AUTH SCRAM-SHA-256 \n> 334 Zm9v\n< *\n> 501 cancelled\n",
         MECHANISM_SCRAM_SHA_256, AUTH_BROKEN, "makes no sense"},
        {"connect\n< AUTH PLAIN \nclose\n", MECHANISM_PLAIN, -EPIPE, NULL},
        {"connect\n< AUTH PLAIN \n> nonsense\n", MECHANISM_PLAIN, -EBADMSG, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct buf heard;
        buf_init(&heard, 65536);
        run_dialogue(&all[i], &ann, &heard);
        buf_done(&heard);
    }
}

static void test_a_long_token_waits_for_its_challenge(void **state)
{
    static char long_token[600];
    struct auth_secrets secrets = ann;
    struct dialogue dialogue = {"connect\n< AUTH XOAUTH2\n> 334 \n< dXNlcj1hbm4BYXV0aD1CZWFyZXIg"
                                "eHh4\n> 235 in\n",
                                MECHANISM_XOAUTH2, AUTH_DONE, NULL};
    struct buf heard;

    (void)state;
    memset(long_token, 'x', sizeof(long_token));
    secrets.token = slice_from(long_token, sizeof(long_token));
    buf_init(&heard, 65536);
    run_dialogue(&dialogue, &secrets, &heard);
    buf_done(&heard);
}

static void test_a_trace_has_no_secret(void **state)
{
    static const struct dialogue dialogue = {
        "connect\n< AUTH LOGIN\n> 334 VXNlcm5hbWU6\n< YW5u\n> 334 UGFzc3dvcmQ6\n< c2VjcmV0\n"
        "> 235 in\n",
        MECHANISM_LOGIN, AUTH_DONE, NULL};
    struct buf heard;

    (void)state;
    buf_init(&heard, 65536);
    run_dialogue(&dialogue, &ann, &heard);
    assert_null(memmem(heard.ptr, heard.len, "c2VjcmV0", 8));
    assert_non_null(memmem(heard.ptr, heard.len, "AUTH LOGIN", 10));
    buf_done(&heard);
}

static void test_what_is_offered(void **state)
{
    struct ehlo_offer offer =
        ehlo_parse(SLICE("x\nAUTH plain LOGIN SCRAM-SHA-256 GSSAPI EXTERNAL"));

    (void)state;
    assert_int_equal(auth_offered(&offer, AUTH_MECHANISMS),
                     MECHANISM_PLAIN | MECHANISM_LOGIN | MECHANISM_SCRAM_SHA_256);
    assert_int_equal(auth_offered(&offer, MECHANISM_CRAM_MD5 | MECHANISM_LOGIN), MECHANISM_LOGIN);
    assert_int_equal(auth_offered(&(struct ehlo_offer){0}, AUTH_MECHANISMS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scram_proves_both_sides),
        cmocka_unit_test(test_scram_with_another_password_or_binding_is_refused),
        cmocka_unit_test(test_a_forged_signature_is_seen),
        cmocka_unit_test(test_rounds_have_bounds),
        cmocka_unit_test(test_nonsense_ends_a_session),
        cmocka_unit_test(test_what_is_too_long_is_told),
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_a_long_token_waits_for_its_challenge),
        cmocka_unit_test(test_a_trace_has_no_secret),
        cmocka_unit_test(test_what_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
