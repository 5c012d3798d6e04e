/* SCRAM, CRAM-MD5 and EXTERNAL. */
#include "login_bench.h"

/* ---- proofs ---------------------------------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_proofs),
        TEST(test_salts_tell_nothing),
        TEST(test_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
