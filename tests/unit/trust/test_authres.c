#include "trust/authres.h"

#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"

/* ---- written -------------------------------------------------------------------------------- */

static char *write_field(const struct trust_verdicts *verdicts, struct slice remark)
{
    struct buf out;
    char *text;

    buf_init(&out, 100000);
    authres_write(&out, SLICE("mx.example.org"), verdicts, remark);
    text = xslicedup(buf_slice(&out));
    buf_done(&out);
    return text;
}

static void assert_field(const struct trust_verdicts *verdicts, const char *expected)
{
    char *text = write_field(verdicts, SLICE_NULL);

    assert_string_equal(text, expected);
    free(text);
}

static void test_nothing_checked(void **state)
{
    (void)state;
    assert_field(&(struct trust_verdicts){.client = SLICE("192.0.2.1")},
                 "Authentication-Results: mx.example.org; none\r\n");
}

static void test_all_methods(void **state)
{
    struct iprev_verdict iprev = {.result = IPREV_PASS, .name = SLICE("mail.example.com")};
    struct spf_verdict helo = {.result = SPF_NONE,
                               .identity = SPF_HELO,
                               .domain = SLICE("mail.example.com"),
                               .problem = SLICE("no record")};
    struct spf_verdict mailfrom = {.result = SPF_PASS, .domain = SLICE("example.com")};
    struct dkim_signature signatures[] = {
        {.result = DKIM_PASS,
         .domain = SLICE("example.com"),
         .selector = SLICE("s1"),
         .identity = SLICE("joe@mail.example.com"),
         .algorithm = SLICE("rsa-sha256"),
         .b_start = SLICE("abcdefgh")},
        {.result = DKIM_FAIL,
         .domain = SLICE("example.net"),
         .selector = SLICE("s2"),
         .identity = SLICE("@example.net"),
         .algorithm = SLICE("ed25519-sha256"),
         .b_start = SLICE("ab/d+fg="),
         .problem = SLICE("the body has been changed")},
    };
    struct dkim_verdict dkim = {.result = DKIM_PASS, .list = signatures, .count = 2, .ignored = 3};
    struct arc_verdict arc = {.result = ARC_PASS, .oldest_pass = 2};
    struct dmarc_verdict dmarc = {.result = DMARC_PASS,
                                  .author = SLICE("example.com"),
                                  .policy_domain = SLICE("example.com"),
                                  .asked = DMARC_POLICY_REJECT,
                                  .asked_by = "p"};
    struct trust_verdicts verdicts = {.client = SLICE("2001:db8::1"),
                                      .reverse_path = SLICE("joe@example.com"),
                                      .iprev = &iprev,
                                      .spf_helo = &helo,
                                      .spf_mailfrom = &mailfrom,
                                      .dkim = &dkim,
                                      .arc = &arc,
                                      .dmarc = &dmarc};

    (void)state;
    assert_field(&verdicts,
                 "Authentication-Results: mx.example.org;\r\n"
                 "  iprev=pass (mail.example.com) policy.iprev=\"2001:db8::1\";\r\n"
                 "  spf=none (no record) smtp.helo=mail.example.com;\r\n"
                 "  spf=pass smtp.mailfrom=joe@example.com;\r\n"
                 "  dkim=pass header.d=example.com header.i=joe@mail.example.com header.s=s1\r\n"
                 "  header.a=rsa-sha256 header.b=abcdefgh;\r\n"
                 "  dkim=fail (the body has been changed) header.d=example.net\r\n"
                 "  header.i=@example.net header.s=s2 header.a=ed25519-sha256\r\n"
                 "  header.b=\"ab/d+fg=\";\r\n"
                 "  dkim=policy (further signatures were not looked at);\r\n"
                 "  arc=pass header.oldest-pass=2 smtp.remote-ip=\"2001:db8::1\";\r\n"
                 "  dmarc=pass header.from=example.com policy.dmarc=reject\r\n");
}

static void test_null_path_and_remark(void **state)
{
    struct spf_verdict mailfrom = {.result = SPF_SOFTFAIL, .domain = SLICE("mail.example.com")};
    struct dkim_verdict dkim = {.result = DKIM_NONE};
    struct trust_verdicts verdicts = {.spf_mailfrom = &mailfrom, .dkim = &dkim};
    char *text = write_field(&verdicts, SLICE("accepted, by the configuration"));

    (void)state;
    assert_string_equal(text, "Authentication-Results: mx.example.org;\r\n"
                              "  spf=softfail smtp.mailfrom=postmaster@mail.example.com;\r\n"
                              "  dkim=none (accepted, by the configuration)\r\n");
    free(text);
}

/* What a stranger chose may be left out, never be read as something else. */
static void test_hostile_strings(void **state)
{
    static const char *const strings[] = {
        "a; dkim=pass header.d=bank.example",
        "a\r\nX-Spam: no",
        "\"; dmarc=pass header.from=bank.example; x=\"",
        "a) ; dkim=pass (",
        "a\\",
        "a(b",
        "a\"b@c",
        "\"a b\"@example.com",
        "a=b",
        "\xc3\xbc@\xc3\xbc.example",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct slice s = slice_from_cstr(strings[i]);
        struct spf_verdict spf = {.result = SPF_FAIL, .domain = s, .problem = s};
        struct dkim_signature signature = {.result = DKIM_FAIL,
                                           .domain = s,
                                           .selector = s,
                                           .identity = s,
                                           .algorithm = s,
                                           .b_start = s,
                                           .problem = s};
        struct dkim_verdict dkim = {.result = DKIM_FAIL, .list = &signature, .count = 1};
        struct dmarc_verdict dmarc = {.result = DMARC_PERMERROR, .author = s, .problem = s};
        struct trust_verdicts verdicts = {
            .client = s, .reverse_path = s, .spf_mailfrom = &spf, .dkim = &dkim, .dmarc = &dmarc};
        char *text = write_field(&verdicts, s);

        assert_null(strstr(text, "=pass"));
        assert_null(strstr(text, "\r\nX"));
        assert_null(strstr(text, "bank.example;"));
        for (const char *c = strchr(text, ';'); c; c = strchr(c + 1, ';'))
            assert_memory_equal(c, ";\r\n  ", 5);
        for (const char *c = text; *c; c++)
            assert_true((*c >= ' ' && *c <= '~') || *c == '\r' || *c == '\n');
        free(text);
    }
}

/* ---- recognised ----------------------------------------------------------------------------- */

static void test_whose_it_is(void **state)
{
    static const struct {
        struct slice value;
        bool ours;
    } cases[] = {
        {SLICE_INIT(" mx.example.org; none"), true},
        {SLICE_INIT(" MX.Example.ORG; dkim=pass"), true},
        {SLICE_INIT(" mx.example.org"), true},
        {SLICE_INIT(" mx.example.org.; none"), true},
        {SLICE_INIT("mx.example.org;none"), true},
        {SLICE_INIT("\r\n\tmx.example.org\r\n ;\r\n none"), true},
        {SLICE_INIT(" mx.example.org 1; none"), true},
        {SLICE_INIT(" mx.example.org (a) 1 (b); none"), true},
        {SLICE_INIT(" mx.example.org 2; none"), true},
        {SLICE_INIT(" (a(b)\\)c) mx.example.org(d);"), true},
        {SLICE_INIT(" \"mx.example.org\"; none"), true},
        {SLICE_INIT(" \"mx.exam\\ple.org\" 1; none"), true},
        {SLICE_INIT(" \xef\xbc\xad\xef\xbc\xb8.example.org; none"), true}, /* wide letters */
        /* Readable, and somebody else's. */
        {SLICE_INIT(" mx.example.net; none"), false},
        {SLICE_INIT(" example.org; none"), false},
        {SLICE_INIT(" a.mx.example.org; none"), false},
        {SLICE_INIT(" mx.example.org.example.net; none"), false},
        {SLICE_INIT(" (mx.example.org) mx.example.net; dkim=pass (mx.example.org; x)"), false},
        {SLICE_INIT(" \"mx.example.net; mx.example.org\" 1; none"), false},
        /* Garbage. */
        {SLICE_INIT(""), true},
        {SLICE_INIT("  "), true},
        {SLICE_INIT(";dkim=pass"), true},
        {SLICE_INIT("dkim=pass header.d=example.com"), true},
        {SLICE_INIT(" (mx.example.net; none"), true},
        {SLICE_INIT(" \"mx.example.net; none"), true},
        {SLICE_INIT(" mx.example.net mx.example.org; none"), true},
        {SLICE_INIT(" mx.example.net/1; none"), true},
        {SLICE_INIT(" =?utf-8?q?mx=2Eexample.org?=; none"), true},
        {SLICE_INIT(" mx.example.net\0; none"), true},
        {SLICE_INIT(" mx.exa(b)mple.org; none"), true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (authres_is_of(cases[i].value, SLICE("mx.example.org")) != cases[i].ours)
            fail_msg("\"%.*s\"", SLICE_ARG(cases[i].value));
    }
    assert_true(authres_is_of(SLICE(" xn--mx-eka.example; none"), SLICE("m\xc3\xbcx.example")) ==
                authres_is_of(SLICE(" m\xc3\xbcx.example; none"), SLICE("xn--mx-eka.example")));
    assert_true(authres_is_of(SLICE(" b\xc3\xbc"
                                    "cher.example; none"),
                              SLICE("xn--bcher-kva.example")));
    assert_true(authres_is_of(SLICE(" xn--bcher-kva.example; none"), SLICE("b\xc3\xbc"
                                                                           "cher.example")));
}

/* ---- vouching ------------------------------------------------------------------------------- */

static void test_who_vouches(void **state)
{
    static const struct {
        const char *results;
        bool vouches;
    } cases[] = {
        {"list.example; dmarc=pass header.from=example.com", true},
        {"list.example; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=EXAMPLE.com", true},
        {"list.example 1; spf=fail; dmarc = pass header . from = \"example.com\" ;", true},
        {"list.example; dmarc/1=pass reason=\"a; b\" header.from=example.com; dkim=fail", true},
        {"list.example; dmarc=fail header.from=example.com; dkim=pass header.d=example.com", false},
        {"list.example; dmarc=pass header.from=example.net", false},
        {"list.example; dmarc=pass", false},
        {"list.example; dmarc/2=pass header.from=example.com", false},
        {"list.example; dmarc=pass header.from=example.com; dmarc=fail header.from=example.com",
         false},
        {"list.example; dmarc=fail header.from=example.com; dmarc=pass header.from=example.com",
         false},
        {"list.example; dkim=fail header.d=a.example; dkim=pass header.d=example.com", true},
        {"list.example; spf=pass smtp.mailfrom=\"a b\"@example.com", true},
        {"list.example; spf=pass smtp.mailfrom=a=b/c@example.com; dkim=none", true},
        {"list.example; spf=pass smtp.mailfrom=example.net", false},
        {"list.example; dkim=pass header.d=sub.example.com", false},
        {"list.example; spf=softfail smtp.mailfrom=example.com", false},
        {"list.example; none", false},
        {"list.example", false},
        {"", false},
        {"list.example; x=\"; dmarc=pass header.from=example.com", false},
        {"list.example; spf=fail (; dmarc=pass header.from=example.com", false},
        {"list.example; spf=fail (; dmarc=pass header.from=example.com;)", false},
        {"list.example; spf=fail reason=\"; dmarc=pass header.from=example.com;\"", false},
        {"list.example; dmarc=pass header.from=example.com; junk junk", false},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (authres_vouches(slice_from_cstr(cases[i].results), SLICE("example.com"), &arena) !=
            cases[i].vouches)
            fail_msg("%s", cases[i].results);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_checked),      cmocka_unit_test(test_all_methods),
        cmocka_unit_test(test_null_path_and_remark), cmocka_unit_test(test_hostile_strings),
        cmocka_unit_test(test_whose_it_is),          cmocka_unit_test(test_who_vouches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
