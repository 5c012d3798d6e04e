/* Conversations, with GNU SASL's client on the other side, and as tables of messages. */
#include "../cmocka_all.h"

#include "account/sasl.h"
#include "account/sasl_method.h"
#include "account/verifier.h"
#include "base/arena.h"

#include <gsasl.h>
#include <string.h>

#define PASSWORD "pencil"
#define BINDING  "0123456789abcdef0123456789abcdef"

static struct sasl_engine *engine;
static Gsasl *client_library;
static const unsigned char secret[STORE_SECRET_BYTES] = "a secret of the store";

/* What of a SCRAM verifier is made by the store, from the password. */
struct made_keys {
    struct sasl_keys keys;
    char *salt, *stored, *server;
};

static void make_keys(enum mechanism mechanism, struct made_keys *ret_made)
{
    bool sha_1 = mechanism == MECHANISM_SCRAM_SHA_1 || mechanism == MECHANISM_SCRAM_SHA_1_PLUS;
    Gsasl_hash hash = sha_1 ? GSASL_HASH_SHA1 : GSASL_HASH_SHA256;
    char salted[GSASL_HASH_MAX_SIZE], client[GSASL_HASH_MAX_SIZE], server[GSASL_HASH_MAX_SIZE],
        stored[GSASL_HASH_MAX_SIZE];
    struct made_keys *made = ret_made;

    assert_int_equal(gsasl_scram_secrets_from_password(hash, PASSWORD, 4096, "saltsaltsaltsalt", 16,
                                                       salted, client, server, stored),
                     GSASL_OK);
    gsasl_base64_to("saltsaltsaltsalt", 16, &made->salt, NULL);
    gsasl_base64_to(stored, gsasl_hash_length(hash), &made->stored, NULL);
    gsasl_base64_to(server, gsasl_hash_length(hash), &made->server, NULL);
    made->keys = (struct sasl_keys){.known = true,
                                    .iterations = 4096,
                                    .salt = slice_from_cstr(made->salt),
                                    .stored_key = slice_from_cstr(made->stored),
                                    .server_key = slice_from_cstr(made->server),
                                    .secret = SLICE(PASSWORD)};
}

static void free_keys(struct made_keys *made)
{
    gsasl_free(made->salt);
    gsasl_free(made->stored);
    gsasl_free(made->server);
}

struct talk {
    Gsasl_session *client;
    struct sasl *server;
    struct sasl_result last;
    unsigned challenges;
};

static void open_talk(struct talk *talk, enum mechanism mechanism, const char *password,
                      const char *client_binding, const struct sasl_facts *facts)
{
    char *base64 = NULL;

    *talk = (struct talk){.server = sasl_new(engine, mechanism, facts)};
    assert_non_null(talk->server);
    assert_int_equal(gsasl_client_start(client_library, mechanism_name(mechanism), &talk->client),
                     GSASL_OK);
    gsasl_property_set(talk->client, GSASL_AUTHID, "joe@a.example");
    gsasl_property_set(talk->client, GSASL_PASSWORD, password);
    /* With a binding, GNU SASL's client takes nothing less than -PLUS. */
    if (client_binding && (unsigned)mechanism & MECHANISM_PLUS) {
        gsasl_base64_to(client_binding, strlen(client_binding), &base64, NULL);
        gsasl_property_set(talk->client, GSASL_CB_TLS_EXPORTER, base64);
        gsasl_free(base64);
    }
}

static void close_talk(struct talk *talk)
{
    gsasl_finish(talk->client);
    sasl_free(talk->server);
}

/* Until the server wants something of its owner, or has ended. */
static void run(struct talk *talk, const struct sasl_keys *keys)
{
    talk->last = sasl_step(talk->server, false, SLICE_NULL);
    for (;;) {
        char *output = NULL;
        size_t len = 0;
        int code;
        if (talk->last.event == SASL_EVENT_LOOKUP) {
            assert_true(slice_eq(sasl_claim(talk->server)->name, SLICE("joe@a.example")));
            talk->last = sasl_provide(talk->server, keys);
            continue;
        }
        if (talk->last.event != SASL_EVENT_CHALLENGE)
            return;
        talk->challenges++;
        code = gsasl_step(talk->client, talk->last.data.ptr, talk->last.data.len, &output, &len);
        if (code != GSASL_OK && code != GSASL_NEEDS_MORE)
            fail_msg("%s: client: %s", gsasl_mechanism_name(talk->client), gsasl_strerror(code));
        talk->last = sasl_step(talk->server, true, slice_from(output, len));
        gsasl_free(output);
    }
}

static const enum mechanism proofs[] = {
    MECHANISM_SCRAM_SHA_256,    MECHANISM_SCRAM_SHA_256_PLUS, MECHANISM_SCRAM_SHA_1,
    MECHANISM_SCRAM_SHA_1_PLUS, MECHANISM_CRAM_MD5,
};
enum { PROOFS = sizeof(proofs) / sizeof(proofs[0]) };

static void test_proofs(void **state)
{
    const struct sasl_facts facts = {.binding = SLICE(BINDING), .plus_offered = true};

    (void)state;
    for (size_t i = 0; i < PROOFS; i++) {
        struct made_keys made;
        struct talk talk;
        make_keys(proofs[i], &made);
        open_talk(&talk, proofs[i], PASSWORD, BINDING, &facts);
        run(&talk, &made.keys);
        assert_int_equal(talk.last.event, SASL_EVENT_PROVED);
        talk.last = sasl_accept(talk.server);
        if (proofs[i] != MECHANISM_CRAM_MD5) {
            char *output;
            size_t len;
            /* The client believes us only by our signature. */
            assert_int_equal(talk.last.event, SASL_EVENT_CHALLENGE);
            assert_int_equal(
                gsasl_step(talk.client, talk.last.data.ptr, talk.last.data.len, &output, &len),
                GSASL_OK);
            talk.last = sasl_step(talk.server, true, slice_from(output, len));
            gsasl_free(output);
        }
        assert_int_equal(talk.last.event, SASL_EVENT_DONE);
        assert_int_equal(sasl_step(talk.server, true, SLICE_NULL).event, SASL_EVENT_MALFORMED);
        close_talk(&talk);
        free_keys(&made);
    }
}

static void test_wrong_passwords(void **state)
{
    const struct sasl_facts facts = {.binding = SLICE(BINDING), .plus_offered = true};

    (void)state;
    for (size_t i = 0; i < PROOFS; i++) {
        struct made_keys made;
        struct talk talk;
        make_keys(proofs[i], &made);
        open_talk(&talk, proofs[i], "pen", BINDING, &facts);
        run(&talk, &made.keys);
        assert_int_equal(talk.last.event, SASL_EVENT_FAILED);
        assert_int_equal(sasl_accept(talk.server).event, SASL_EVENT_MALFORMED);
        close_talk(&talk);
        /* Keys that somebody provides for nobody never prove anything, right as they may be. */
        made.keys.known = false;
        open_talk(&talk, proofs[i], PASSWORD, BINDING, &facts);
        run(&talk, &made.keys);
        assert_int_equal(talk.last.event, SASL_EVENT_FAILED);
        close_talk(&talk);
        free_keys(&made);
    }
}

/* One between us and the client holds two TLS connections. */
static void test_another_binding(void **state)
{
    const struct sasl_facts facts = {.binding = SLICE(BINDING), .plus_offered = true};
    struct made_keys made;
    struct talk talk;

    (void)state;
    make_keys(MECHANISM_SCRAM_SHA_256_PLUS, &made);
    open_talk(&talk, MECHANISM_SCRAM_SHA_256_PLUS, PASSWORD, "another connection's", &facts);
    run(&talk, &made.keys);
    assert_int_equal(talk.last.event, SASL_EVENT_FAILED);
    close_talk(&talk);
    free_keys(&made);
}

/* The client could bind, and was told that we cannot. */
static void test_downgrade(void **state)
{
    struct sasl_facts facts = {.binding = SLICE(BINDING), .plus_offered = true};
    struct made_keys made;
    struct talk talk;

    (void)state;
    make_keys(MECHANISM_SCRAM_SHA_256, &made);
    for (int offered = 1; offered >= 0; offered--) {
        static const struct slice first = SLICE_INIT("y,,n=joe@a.example,r=abcdef");
        facts.plus_offered = offered;
        open_talk(&talk, MECHANISM_SCRAM_SHA_256, PASSWORD, NULL, &facts);
        talk.last = sasl_step(talk.server, true, first);
        assert_int_equal(talk.last.event, offered ? SASL_EVENT_FAILED : SASL_EVENT_LOOKUP);
        close_talk(&talk);
    }
    free_keys(&made);
}

/* A script: responses and what comes of them; NULL ends it. A first response of "-" is none. */
struct step {
    const char *response;
    size_t len; /* 0: strlen */
    enum sasl_event event;
    const char *data; /* of a challenge; NULL: any */
};
struct script {
    const char *title;
    enum mechanism mechanism;
    struct step steps[5];
    const char *name, *authzid, *password; /* of the claim at the end */
};

#define BYTES(s) (s), sizeof(s) - 1
#define SCRAM    MECHANISM_SCRAM_SHA_256
#define PLUS     MECHANISM_SCRAM_SHA_256_PLUS
#define FIRST    "n,,n=joe@a.example,r=abcdef"

static const struct script scripts[] = {
    {"plain at once",
     MECHANISM_PLAIN,
     {{BYTES("\0joe\0x"), SASL_EVENT_CLAIM, NULL}},
     "joe",
     "",
     "x"},
    {"plain asked for",
     MECHANISM_PLAIN,
     {{"-", 0, SASL_EVENT_CHALLENGE, ""}, {BYTES("jim\0joe\0x y"), SASL_EVENT_CLAIM, NULL}},
     "joe",
     "jim",
     "x y"},
    {"plain empty", MECHANISM_PLAIN, {{"", 0, SASL_EVENT_MALFORMED, NULL}}, NULL, NULL, NULL},
    {"plain one NUL",
     MECHANISM_PLAIN,
     {{BYTES("joe\0x"), SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"plain three NUL",
     MECHANISM_PLAIN,
     {{BYTES("\0joe\0x\0"), SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"plain no password",
     MECHANISM_PLAIN,
     {{BYTES("\0joe\0"), SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"plain no name",
     MECHANISM_PLAIN,
     {{BYTES("\0\0x"), SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"login",
     MECHANISM_LOGIN,
     {{"-", 0, SASL_EVENT_CHALLENGE, "Username:"},
      {"joe", 0, SASL_EVENT_CHALLENGE, "Password:"},
      {"x", 0, SASL_EVENT_CLAIM, NULL}},
     "joe",
     "",
     "x"},
    {"login with a name",
     MECHANISM_LOGIN,
     {{"joe", 0, SASL_EVENT_CHALLENGE, "Password:"}, {"x", 0, SASL_EVENT_CLAIM, NULL}},
     "joe",
     "",
     "x"},
    {"login no name",
     MECHANISM_LOGIN,
     {{"-", 0, SASL_EVENT_CHALLENGE, NULL}, {"", 0, SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"login NUL",
     MECHANISM_LOGIN,
     {{BYTES("joe\0"), SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"external", MECHANISM_EXTERNAL, {{"", 0, SASL_EVENT_CLAIM, NULL}}, "", "", ""},
    {"external as",
     MECHANISM_EXTERNAL,
     {{"-", 0, SASL_EVENT_CHALLENGE, ""}, {"joe@a.example", 0, SASL_EVENT_CLAIM, NULL}},
     "",
     "joe@a.example",
     ""},
    {"external NUL",
     MECHANISM_EXTERNAL,
     {{BYTES("joe\0"), SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"cram initial response",
     MECHANISM_CRAM_MD5,
     {{"joe", 0, SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"cram short",
     MECHANISM_CRAM_MD5,
     {{"-", 0, SASL_EVENT_CHALLENGE, NULL},
      {" 0123456789abcdef0123456789abcdef", 0, SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"cram no blank",
     MECHANISM_CRAM_MD5,
     {{"-", 0, SASL_EVENT_CHALLENGE, NULL},
      {"joe-0123456789abcdef0123456789abcdef", 0, SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"scram asked for",
     SCRAM,
     {{"-", 0, SASL_EVENT_CHALLENGE, ""}, {FIRST, 0, SASL_EVENT_LOOKUP, NULL}},
     "joe@a.example",
     "",
     ""},
    {"scram as",
     SCRAM,
     {{"n,a=jim@a.example,n=joe=2Cjr@a.example,r=abcdef", 0, SASL_EVENT_LOOKUP, NULL}},
     "joe,jr@a.example",
     "jim@a.example",
     ""},
    {"scram empty", SCRAM, {{"", 0, SASL_EVENT_MALFORMED, NULL}}, NULL, NULL, NULL},
    {"scram nonsense", SCRAM, {{"hello", 0, SASL_EVENT_MALFORMED, NULL}}, NULL, NULL, NULL},
    {"scram NUL", SCRAM, {{BYTES(FIRST "\0"), SASL_EVENT_MALFORMED, NULL}}, NULL, NULL, NULL},
    {"scram binding without plus",
     SCRAM,
     {{"p=tls-exporter,,n=joe,r=abcdef", 0, SASL_EVENT_MALFORMED, NULL}},
     NULL,
     NULL,
     NULL},
    {"plus without binding", PLUS, {{FIRST, 0, SASL_EVENT_FAILED, NULL}}, NULL, NULL, NULL},
    {"plus, another kind",
     PLUS,
     {{"p=tls-unique,,n=joe,r=abcdef", 0, SASL_EVENT_FAILED, NULL}},
     NULL,
     NULL,
     NULL},
};

static void run_script(const struct script *script)
{
    const struct sasl_facts facts = {.binding = SLICE(BINDING), .plus_offered = true};
    struct sasl *sasl = sasl_new(engine, script->mechanism, &facts);
    const struct step *step;

    for (step = script->steps; step->response; step++) {
        bool none = strcmp(step->response, "-") == 0;
        size_t len = none ? 0 : step->len ? step->len : strlen(step->response);
        /* Exactly its bytes, so that a byte too far is seen. */
        char *copy = malloc(len + 1);
        struct sasl_result result;
        memcpy(copy, step->response, len);
        copy = realloc(copy, len ? len : 1);
        result = sasl_step(sasl, !none, slice_from(copy, len));
        free(copy);
        if (result.event != step->event)
            fail_msg("%s: event %d", script->title, (int)result.event);
        if (step->data)
            assert_true(slice_eq(result.data, slice_from_cstr(step->data)));
    }
    if (script->name) {
        assert_true(slice_eq(sasl_claim(sasl)->name, slice_from_cstr(script->name)));
        assert_true(slice_eq(sasl_claim(sasl)->authzid, slice_from_cstr(script->authzid)));
        assert_true(slice_eq(sasl_claim(sasl)->secret, slice_from_cstr(script->password)));
    } else {
        /* What has ended does not begin again. */
        assert_int_equal(sasl_step(sasl, true, SLICE("x")).event, SASL_EVENT_MALFORMED);
    }
    sasl_free(sasl);
}

static void test_scripts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        run_script(&scripts[i]);
}

static void test_too_long(void **state)
{
    const struct sasl_facts facts = {.binding = SLICE(BINDING)};
    static char large[12 * 1024];

    (void)state;
    memset(large, 'a', sizeof(large));
    for (unsigned bit = 1; bit <= MECHANISM_CRAM_MD5; bit <<= 1) {
        struct sasl *sasl = sasl_new(engine, (enum mechanism)bit, &facts);
        struct sasl_result result;
        if (bit == MECHANISM_CRAM_MD5)
            sasl_step(sasl, false, SLICE_NULL);
        result = sasl_step(sasl, true, slice_from(large, sizeof(large)));
        assert_true(result.event == SASL_EVENT_MALFORMED || result.event == SASL_EVENT_FAILED);
        sasl_free(sasl);
    }
    /* The bound itself, in the middle of a well-formed response. */
    for (size_t len = SASL_PASSWORD_MAX; len <= SASL_PASSWORD_MAX + 1; len++) {
        struct sasl *sasl = sasl_new(engine, MECHANISM_PLAIN, &facts);
        memcpy(large, "\0j\0", 3);
        assert_int_equal(sasl_step(sasl, true, slice_from(large, 3 + len)).event,
                         len == SASL_PASSWORD_MAX ? SASL_EVENT_CLAIM : SASL_EVENT_MALFORMED);
        sasl_free(sasl);
    }
}

static void test_plus_needs_a_binding(void **state)
{
    const struct sasl_facts facts = {.plus_offered = false};

    (void)state;
    assert_null(sasl_new(engine, MECHANISM_SCRAM_SHA_256_PLUS, &facts));
    assert_null(sasl_new(engine, (enum mechanism)0, &facts));
    assert_null(sasl_new(engine, (enum mechanism)3, &facts));
}

struct oauth_case {
    const char *response;
    bool google;
    const char *authzid, *token; /* NULL: malformed */
};

static const struct oauth_case oauth_cases[] = {
    {"n,a=joe@a.example,\1host=h\1port=587\1auth=Bearer abc.d-e_f~+/==\1\1", false, "joe@a.example",
     "abc.d-e_f~+/=="},
    {"n,,\1auth=Bearer abc\1\1", false, "", "abc"},
    {"y,,\1auth=bearer  abc\1\1", false, "", "abc"},
    {"n,a=j=2Cx=3Dy,\1auth=Bearer abc\1\1", false, "j,x=y", "abc"},
    {"n,a=j=2X,\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,a=j=2,\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,a=,\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"p=tls-exporter,,\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,b=x,\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,,x\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,,\1auth=Bearer abc\1", false, NULL, NULL},
    {"n,,\1auth=Bearer abc", false, NULL, NULL},
    {"n,,\1auth=Bearer abc\1\1x", false, NULL, NULL},
    {"n,,\1auth=Bearer abc\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,,\1auth=Bearer \1\1", false, NULL, NULL},
    {"n,,\1auth=Basic abc\1\1", false, NULL, NULL},
    {"n,,\1auth=Bearer a b\1\1", false, NULL, NULL},
    {"n,,\1=x\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,,\1host\1auth=Bearer abc\1\1", false, NULL, NULL},
    {"n,,\1\1", false, NULL, NULL},
    {"n,,\1", false, NULL, NULL},
    {"n,,", false, NULL, NULL},
    {"", false, NULL, NULL},
    {"user=joe@a.example\1auth=Bearer abc\1\1", true, "joe@a.example", "abc"},
    {"user=\1auth=Bearer abc\1\1", true, NULL, NULL},
    {"auth=Bearer abc\1\1", true, NULL, NULL},
    {"user=a\1user=b\1auth=Bearer abc\1\1", true, NULL, NULL},
    {"user=a\1auth=Bearer abc\1", true, NULL, NULL},
    {"n,a=joe@a.example,\1auth=Bearer abc\1\1", true, NULL, NULL},
    {"", true, NULL, NULL},
};

static void test_oauth_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(oauth_cases) / sizeof(oauth_cases[0]); i++) {
        const struct oauth_case *c = &oauth_cases[i];
        struct sasl_claim claim;
        struct buf name;
        buf_init(&name, 1024);
        if (sasl_oauth_parse(slice_from_cstr(c->response), c->google, &name, &claim) !=
            (c->token != NULL))
            fail_msg("case %zu", i);
        if (c->token) {
            assert_true(slice_eq(claim.authzid, slice_from_cstr(c->authzid)));
            assert_true(slice_eq(claim.secret, slice_from_cstr(c->token)));
        }
        buf_done(&name);
    }
}

/* RFC 7628 section 3.2.2: a challenge that says why, a response that says nothing, and the end. */
static void test_a_refused_token(void **state)
{
    static const struct {
        enum mechanism mechanism;
        const char *response, *why, *dummy;
    } cases[] = {
        {MECHANISM_OAUTHBEARER, "n,,\1auth=Bearer abc\1\1", "{\"status\":\"invalid_token\"}", "\1"},
        {MECHANISM_XOAUTH2, "user=a\1auth=Bearer abc\1\1",
         "{\"status\":\"401\",\"schemes\":\"bearer\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct sasl_facts facts = {.plus_offered = false};
        struct sasl *sasl = sasl_new(engine, cases[i].mechanism, &facts);
        struct sasl_result result;
        assert_int_equal(sasl_step(sasl, true, slice_from_cstr(cases[i].response)).event,
                         SASL_EVENT_CLAIM);
        result = sasl_refuse(sasl);
        assert_int_equal(result.event, SASL_EVENT_CHALLENGE);
        assert_true(slice_eq(result.data, slice_from_cstr(cases[i].why)));
        result = sasl_step(sasl, true, slice_from_cstr(cases[i].dummy));
        assert_int_equal(result.event, SASL_EVENT_FAILED);
        /* Too late. */
        assert_int_equal(sasl_accept(sasl).event, SASL_EVENT_MALFORMED);
        sasl_free(sasl);
    }
}

static void test_verifiers(void **state)
{
    static const char *const damaged[] = {
        "",
        "10000",
        "10000,c2FsdA==,AAAA,AAAA",
        "0,c2FsdA==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "1,,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "1,c2FsdA==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,",
        "1,c2Fsd*==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    struct sasl_keys keys;

    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
        assert_false(verifier_parse(slice_from_cstr(damaged[i]), PASSWORD_SHA_1, &keys));
    assert_true(verifier_parse(
        SLICE("1,c2FsdA==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAB="),
        PASSWORD_SHA_1, &keys));
    assert_int_equal(keys.iterations, 1);
    assert_true(keys.known);
    assert_false(verifier_parse(
        SLICE("1,c2FsdA==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAB="),
        PASSWORD_SHA_256, &keys));
}

static void test_false_verifiers(void **state)
{
    struct sasl_keys one, again, other, sha_1;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    verifier_make_false(secret, PASSWORD_SHA_256, SLICE("joe@a.example"), &arena, &one);
    verifier_make_false(secret, PASSWORD_SHA_256, SLICE("joe@a.example"), &arena, &again);
    verifier_make_false(secret, PASSWORD_SHA_256, SLICE("jim@a.example"), &arena, &other);
    verifier_make_false(secret, PASSWORD_SHA_1, SLICE("joe@a.example"), &arena, &sha_1);
    assert_false(one.known);
    assert_int_equal(one.iterations, PASSWORD_SCRAM_ITERATIONS);
    assert_true(slice_eq(one.salt, again.salt));
    assert_false(slice_eq(one.salt, other.salt));
    assert_false(slice_eq(one.salt, sha_1.salt));
    assert_false(slice_eq(one.stored_key, one.server_key));
    assert_int_equal(one.stored_key.len, 44);
    assert_int_equal(sha_1.stored_key.len, 28);
    arena_done(&arena);
}

static int set_up(void **state)
{
    (void)state;
    engine = sasl_engine_new();
    return engine && gsasl_init(&client_library) == GSASL_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gsasl_done(client_library);
    sasl_engine_free(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_wrong_passwords),
        cmocka_unit_test(test_another_binding),
        cmocka_unit_test(test_downgrade),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_plus_needs_a_binding),
        cmocka_unit_test(test_oauth_responses),
        cmocka_unit_test(test_a_refused_token),
        cmocka_unit_test(test_verifiers),
        cmocka_unit_test(test_false_verifiers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
