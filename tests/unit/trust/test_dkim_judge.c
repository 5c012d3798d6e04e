/*
 * What becomes of signatures: spellings, records, time. Every signature here is right as far as
 * mathematics goes; what is tried is what else it takes.
 */
#include "trust/dkim.h"

#include "dkim_fake.h"
#include "dkim_make.h"
#include "trust/dkim_key.h"

#include "../cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <string.h>

#define BELOW "From: a@example.org\r\nTo: b@example.org\r\n\r\nHello  World \r\n"
#define TAGS(more)                                                                                 \
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=sel;" more             \
    " h=from:to:from; bh=@BH@; b=@B@\r\n"

static EVP_PKEY *rsa, *ed25519, *short_rsa;
static struct buf rsa_record, ed25519_record, short_record;
static const int64_t now = 1700000000;

struct outcome {
    struct arena arena;
    struct dkim_verdict verdict;
};

static void judge(struct slice message, const struct fake_record *records, size_t n,
                  struct outcome *ret_outcome)
{
    struct fake_names fake = {.records = records, .n = n, .arena = &ret_outcome->arena};
    const struct trust_names names = {.ask = fake_ask, .arg = &fake};
    struct dkim_verifier *verifier = dkim_verifier_new();

    arena_init(&ret_outcome->arena);
    /* Verdicts may point into the message, which the verifier keeps. */
    dkim_verifier_feed(verifier, message);
    dkim_verifier_end(verifier);
    assert_int_equal(
        dkim_verifier_judge(verifier, &names, now, &ret_outcome->arena, &ret_outcome->verdict), 0);
    for (unsigned i = 0; i < ret_outcome->verdict.count; i++) {
        struct dkim_signature *signature = &ret_outcome->verdict.list[i];
        signature->problem = arena_dup(&ret_outcome->arena, signature->problem);
        signature->b_start = arena_dup(&ret_outcome->arena, signature->b_start);
    }
    dkim_verifier_free(verifier);
}

static void expect(const char *field, const char *below, struct slice record,
                   enum dkim_result expected, const char *problem)
{
    const struct fake_record records[] = {{"sel._domainkey.example.org", record}};
    struct outcome outcome;
    struct buf message;

    buf_init(&message, 1 << 20);
    dkim_make(&message, "", field, below, strstr(field, "ed25519") ? ed25519 : rsa);
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.count, 1);
    if (outcome.verdict.list[0].result != expected ||
        !slice_starts_with_nocase(outcome.verdict.list[0].problem, slice_from_cstr(problem)))
        fail_msg("%s: %s: %.*s", field, dkim_result_name(outcome.verdict.list[0].result),
                 SLICE_ARG(outcome.verdict.list[0].problem));
    arena_done(&outcome.arena);
    buf_done(&message);
}

static void test_spellings(void **state)
{
    static const struct {
        const char *field;
        enum dkim_result result;
        const char *problem;
    } cases[] = {
        {TAGS(""), DKIM_PASS, ""},
        {TAGS(" c1=relaxed; zz=unknown; z=From:x|To:y;"), DKIM_PASS, ""},
        {TAGS(" q=dns/txt;"), DKIM_PASS, ""},
        {TAGS(" q=http/x : dns/txt;"), DKIM_PASS, ""},
        {TAGS(" i=@sub.EXAMPLE.org;"), DKIM_PASS, ""},
        {TAGS(" i=a=20b@example.org;"), DKIM_PASS, ""},
        {TAGS(" t=1; x=2000000000;"), DKIM_PASS, ""},
        {TAGS(" t=99999999999999; x=999999999999999;"), DKIM_NEUTRAL, "it expires"},
        {TAGS(" l=12;"), DKIM_PASS, ""},
        {TAGS(" l=0;"), DKIM_PASS, ""},
        {TAGS(" l=5;"), DKIM_PASS, ""},
        {"dkim-signature : b=@B@ ;\r\n\tbh = @BH@ ; h = From\r\n :\r\n TO ; s=sel;d=EXAMPLE.org;"
         "a=rsa-sha256;\r\n v=1\r\n",
         DKIM_PASS, ""},
        {"DKIM-Signature: v=1; a=rsa-sha256; c=simple; d=example.org; s=sel; h=from; bh=@BH@; "
         "b= \r\n\t@B@ \r\n",
         DKIM_PASS, ""},
        {"DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=example.org; s=sel; h=from; "
         "b=@B@; bh=@BH@;\r\n",
         DKIM_PASS, ""},
        {"DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=sel; h=from:nothing:nothing; "
         "bh=@BH@; b=@B@;\r\n",
         DKIM_PASS, ""},
        {TAGS(" l=99;"), DKIM_PERMERROR, "the body is shorter"},
        {TAGS(" l=-1;"), DKIM_NEUTRAL, "its body length"},
        {TAGS(" l=;"), DKIM_NEUTRAL, "its body length"},
        {TAGS(" v=1;"), DKIM_NEUTRAL, "a tag is there twice"},
        {TAGS(" ;"), DKIM_NEUTRAL, "a tag has no"},
        {TAGS(" q=dns;"), DKIM_NEUTRAL, "its key is not in the DNS"},
        {TAGS(" i=a@example.com;"), DKIM_NEUTRAL, "its identity (i=) is not in"},
        {TAGS(" i=a@badexample.org;"), DKIM_NEUTRAL, "its identity (i=) is not in"},
        {TAGS(" i=example.org;"), DKIM_NEUTRAL, "its identity (i=) has no"},
        {TAGS(" i==XX@example.org;"), DKIM_NEUTRAL, "its identity (i=) is not quoted"},
        {TAGS(" t=x;"), DKIM_NEUTRAL, "its time"},
        {TAGS(" t=1; x=1;"), DKIM_NEUTRAL, "it expires"},
        {TAGS(" x=0;"), DKIM_POLICY, "it has expired"},
        {TAGS(" x=1699999999;"), DKIM_POLICY, "it has expired"},
        {TAGS(" t=1700003000;"), DKIM_PASS, ""},
        {TAGS(" t=1700009000;"), DKIM_POLICY, "it was made in the future"},
        {"DKIM-Signature: v=2; a=rsa-sha256; d=example.org; s=sel; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "its version"},
        {"DKIM-Signature: a=rsa-sha256; d=example.org; s=sel; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_PERMERROR, "it has no version"},
        {"DKIM-Signature: v=1; d=example.org; s=sel; h=from; bh=@BH@; b=@B@\r\n", DKIM_PERMERROR,
         "it has no algorithm"},
        {"DKIM-Signature: v=1; a=rsa-sha512; d=example.org; s=sel; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "its algorithm"},
        {"DKIM-Signature: v=1; a=rsa-sha1; d=example.org; s=sel; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_POLICY, "its algorithm is rsa-sha1"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=org; s=sel; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "its domain"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=[192.0.2.1]; s=sel; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "its domain"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=a..b; h=from; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "its selector"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=to; bh=@BH@; b=@B@\r\n",
         DKIM_POLICY, "it does not sign the field From"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from:; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "a name in its list"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=fr om; bh=@BH@; b=@B@\r\n",
         DKIM_NEUTRAL, "a name in its list"},
        {"DKIM-Signature: v=1; a=rsa-sha256; c=nowsp; d=example.org; s=sel; h=from; bh=@BH@; "
         "b=@B@\r\n",
         DKIM_NEUTRAL, "its canonicalization"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=????; b=@B@\r\n",
         DKIM_NEUTRAL, "its body hash"},
        {"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=AAAA; b=@B@\r\n",
         DKIM_FAIL, "the body was changed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(cases[i].field, BELOW,
               strstr(cases[i].field, "ed25519") ? buf_slice(&ed25519_record)
                                                 : buf_slice(&rsa_record),
               cases[i].result, cases[i].problem);
}

/* The part of our own record that is the key. */
static const char *key_data(const struct buf *record)
{
    static char data[2048];

    snprintf(data, sizeof(data), "%.*s", (int)record->len, record->ptr);
    return strstr(data, "p=") + 2;
}

static void test_records(void **state)
{
    /* %s is the RSA key. */
    static const struct {
        const char *record;
        enum dkim_result result;
        const char *problem;
    } cases[] = {
        {"p=%s", DKIM_PASS, ""},
        {"v=DKIM1;p=%s;", DKIM_PASS, ""},
        {"v = DKIM1 ; h=sha1 : sha256; k=rsa; n=a note=3B; s=other:email; t=y:zz; g=; p=%s ",
         DKIM_PASS, ""},
        {"s=*;p=%s", DKIM_PASS, ""},
        {"p=%s; v=DKIM1", DKIM_PERMERROR, "the key record is malformed: its version"},
        {"v=DKIM2; p=%s", DKIM_PERMERROR, "the key record is malformed: its version"},
        {"v=dkim1; p=%s", DKIM_PERMERROR, "the key record is malformed: its version"},
        {"k=rsa; k=rsa; p=%s", DKIM_PERMERROR, "the key record is malformed: a tag is"},
        {"h=sha1; p=%s", DKIM_PERMERROR, "the key is not for this hash"},
        {"s=tlsrpt; p=%s", DKIM_PERMERROR, "the key is not for mail"},
        {"k=ed25519; p=%s", DKIM_PERMERROR, "the key is of another kind"},
        {"k=rsa-x; p=%s", DKIM_PERMERROR, "the key record is malformed: the key is of an"},
        {"v=DKIM1; p=", DKIM_PERMERROR, "the key was revoked"},
        {"v=DKIM1; k=rsa", DKIM_PERMERROR, "the key record is malformed: it has no key"},
        {"v=spf1 -all", DKIM_PERMERROR, "the key record is malformed"},
        {"p=????%s", DKIM_PERMERROR, "the key record is malformed: its key"},
        {"p=AAAA%s", DKIM_PERMERROR, "the key (p= in the key record) is damaged"},
        {"p=MIGf", DKIM_PERMERROR, "the key (p= in the key record) is damaged"},
        {"TEMPERROR", DKIM_TEMPERROR, "the key cannot be looked up now"},
        {"", DKIM_PERMERROR, "the key record is malformed: there are no tags"},
    };
    char record[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf text;
        const char *at = strstr(cases[i].record, "%s");
        buf_init(&text, sizeof(record));
        buf_add(&text, cases[i].record,
                at ? (size_t)(at - cases[i].record) : strlen(cases[i].record));
        if (at) {
            buf_add_cstr(&text, key_data(&rsa_record));
            buf_add_cstr(&text, at + 2);
        }
        expect(TAGS(""), BELOW, buf_slice(&text), cases[i].result, cases[i].problem);
        buf_done(&text);
    }
}

static void test_strict_and_testing(void **state)
{
    struct fake_record records[] = {{"sel._domainkey.example.org", SLICE_NULL}};
    struct buf record, message;
    struct outcome outcome;

    (void)state;
    buf_init(&record, 4096);
    buf_init(&message, 1 << 16);
    buf_printf(&record, "t=s:y; p=%s", key_data(&rsa_record));
    records[0].text = buf_slice(&record);
    dkim_make(&message, "", TAGS(" i=a@sub.example.org;"), BELOW, rsa);
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.list[0].result, DKIM_PERMERROR);
    assert_int_equal(outcome.verdict.result, DKIM_NONE);
    assert_true(outcome.verdict.list[0].testing && outcome.verdict.list[0].strict);
    arena_done(&outcome.arena);
    dkim_make(&message, "", TAGS(" i=a@Example.org;"), BELOW, rsa);
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.list[0].result, DKIM_PASS);
    assert_true(outcome.verdict.list[0].testing);
    assert_int_equal(outcome.verdict.result, DKIM_PASS);
    arena_done(&outcome.arena);
    buf_done(&record);
    buf_done(&message);
}

/* Section 6.1.2 step 4: records are tried in turn, however many are no keys at all. */
static void test_several_records(void **state)
{
    const struct fake_record records[] = {
        {"sel._domainkey.example.org", SLICE("v=spf1 -all")},
        {"sel._domainkey.example.org", buf_slice(&ed25519_record)},
        {"sel._domainkey.example.org", buf_slice(&short_record)},
        {"sel._domainkey.example.org", buf_slice(&rsa_record)},
    };
    struct outcome outcome;
    struct buf message;

    (void)state;
    buf_init(&message, 1 << 16);
    dkim_make(&message, "", TAGS(""), BELOW, rsa);
    judge(buf_slice(&message), records, 4, &outcome);
    assert_int_equal(outcome.verdict.result, DKIM_PASS);
    assert_true(slice_eq(outcome.verdict.list[0].key_record, buf_slice(&rsa_record)));
    arena_done(&outcome.arena);
    judge(buf_slice(&message), records, 2, &outcome);
    assert_int_equal(outcome.verdict.result, DKIM_PERMERROR);
    assert_true(slice_starts_with_nocase(outcome.verdict.list[0].problem,
                                         SLICE("the key is of another kind")));
    arena_done(&outcome.arena);
    buf_done(&message);
}

static void test_weak_key(void **state)
{
    const struct fake_record records[] = {{"sel._domainkey.example.org", buf_slice(&short_record)}};
    struct outcome outcome;
    struct buf message;

    (void)state;
    buf_init(&message, 1 << 16);
    dkim_make(&message, "", TAGS(""), BELOW, short_rsa);
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.result, DKIM_POLICY);
    assert_int_equal(outcome.verdict.list[0].key_bits, 768);
    arena_done(&outcome.arena);
    buf_done(&message);
}

/* What is changed after signing, and what may be. */
static void test_changes(void **state)
{
    static const struct {
        const char *above, *below;
        enum dkim_result result;
        const char *problem;
    } cases[] = {
        {"", BELOW, DKIM_PASS, ""},
        {"X-New: y\r\n", BELOW, DKIM_PASS, ""},
        {"", "From:  a@example.org\r\nTO : b@example.org\r\n\r\nHello World\r\n\r\n\r\n", DKIM_PASS,
         ""},
        {"", "From: a@example.org\nTo: b@example.org\n\nHello World\n", DKIM_PASS, ""},
        {"From: c@example.org\r\n", BELOW, DKIM_FAIL, "the signature does not fit"},
        {"To: c@example.org\r\n", BELOW, DKIM_PASS, ""},
        {"", "From: a@example.org\r\nTo: b@example.org\r\n\r\nHelloWorld\r\n", DKIM_FAIL,
         "the body was changed"},
        {"", "From: x@example.org\r\nTo: b@example.org\r\n\r\nHello World\r\n", DKIM_FAIL,
         "the signature does not fit"},
        {"", "From: a@example.org\r\n\r\nHello World\r\n", DKIM_FAIL, "the signature does not"},
    };
    const struct fake_record records[] = {{"sel._domainkey.example.org", buf_slice(&rsa_record)}};
    struct buf message, changed;

    (void)state;
    buf_init(&message, 1 << 16);
    buf_init(&changed, 1 << 16);
    dkim_make(&message, "", TAGS(""), BELOW, rsa);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome outcome;
        buf_reset(&changed);
        buf_add_cstr(&changed, cases[i].above);
        buf_add(&changed, message.ptr, message.len - strlen(BELOW));
        buf_add_cstr(&changed, cases[i].below);
        judge(buf_slice(&changed), records, 1, &outcome);
        if (outcome.verdict.list[0].result != cases[i].result ||
            !slice_starts_with_nocase(outcome.verdict.list[0].problem,
                                      slice_from_cstr(cases[i].problem)))
            fail_msg("%zu: %s: %.*s", i, dkim_result_name(outcome.verdict.list[0].result),
                     SLICE_ARG(outcome.verdict.list[0].problem));
        arena_done(&outcome.arena);
    }
    buf_done(&message);
    buf_done(&changed);
}

/* Other signatures may be signed; the one itself is never among the fields, wherever it stands. */
static void test_signed_signatures(void **state)
{
    const struct fake_record records[] = {{"sel._domainkey.example.org", buf_slice(&rsa_record)}};
    static const char field[] = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel;"
                                " h=dkim-signature:dkim-signature:from; bh=@BH@; b=@B@\r\n";
    struct outcome outcome;
    struct buf message;

    (void)state;
    buf_init(&message, 1 << 16);
    dkim_make(&message, "", field, "DKIM-Signature: another\r\n" BELOW, rsa);
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.list[0].result, DKIM_PASS);
    assert_int_equal(outcome.verdict.list[1].result, DKIM_NEUTRAL);
    arena_done(&outcome.arena);
    dkim_make(&message, "DKIM-Signature: another\r\n", field, BELOW, rsa);
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.list[1].result, DKIM_PASS);
    arena_done(&outcome.arena);
    buf_done(&message);
}

static void test_bound_on_signatures(void **state)
{
    const struct fake_record records[] = {{"sel._domainkey.example.org", buf_slice(&rsa_record)}};
    struct outcome outcome;
    struct buf message, all;

    (void)state;
    buf_init(&message, 1 << 16);
    buf_init(&all, 1 << 20);
    dkim_make(&message, "", TAGS(""), BELOW, rsa);
    for (unsigned i = 0; i <= DKIM_SIGNATURES_MAX; i++)
        buf_add(&all, message.ptr, message.len - strlen(BELOW));
    buf_add_cstr(&all, BELOW);
    judge(buf_slice(&all), records, 1, &outcome);
    assert_int_equal(outcome.verdict.count, DKIM_SIGNATURES_MAX);
    assert_int_equal(outcome.verdict.ignored, 1);
    assert_int_equal(outcome.verdict.result, DKIM_PASS);
    /* They are alike from beginning to end. */
    assert_int_equal(outcome.verdict.list[0].b_start.len, 8);
    arena_done(&outcome.arena);
    judge(SLICE(BELOW), NULL, 0, &outcome);
    assert_int_equal(outcome.verdict.result, DKIM_NONE);
    assert_int_equal(outcome.verdict.count, 0);
    arena_done(&outcome.arena);
    buf_done(&message);
    buf_done(&all);
}

static void test_length(void **state)
{
    const struct fake_record records[] = {{"sel._domainkey.example.org", buf_slice(&rsa_record)}};
    struct outcome outcome;
    struct buf message;

    (void)state;
    buf_init(&message, 1 << 16);
    dkim_make(&message, "", TAGS(" l=5;"), BELOW, rsa);
    buf_add_cstr(&message, "And a footer\r\n");
    judge(buf_slice(&message), records, 1, &outcome);
    assert_int_equal(outcome.verdict.list[0].result, DKIM_PASS);
    assert_true(outcome.verdict.list[0].has_length);
    assert_int_equal(outcome.verdict.list[0].length, 5);
    assert_int_equal(outcome.verdict.list[0].body_size, 13 + 14);
    assert_true(slice_eq(outcome.verdict.list[0].problem,
                         SLICE("the last 22 octets of the body are not signed (l=)")));
    arena_done(&outcome.arena);
    buf_done(&message);
}

/* The keys of all signatures are asked for before the first one is waited for. */
static void test_questions_under_way(void **state)
{
    static const struct fake_record records[] = {
        {"brisbane._domainkey.football.example.com", SLICE_INIT("LATER")},
        {"test._domainkey.football.example.com", SLICE_INIT("LATER")},
    };
    struct arena arena;
    struct fake_names fake = {records, 2, &arena, 0};
    const struct trust_names names = {.ask = fake_ask, .arg = &fake};
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct dkim_verdict verdict;

    (void)state;
    arena_init(&arena);
    dkim_verifier_feed(verifier, SLICE(RFC8463_HEAD_ED25519 RFC8463_HEAD_RSA RFC8463_REST));
    assert_false(dkim_verifier_has_header(verifier));
    dkim_verifier_feed(verifier, SLICE(RFC8463_BODY));
    assert_true(dkim_verifier_has_header(verifier));
    assert_int_equal(dkim_verifier_header(verifier).len,
                     strlen(RFC8463_HEAD_ED25519 RFC8463_HEAD_RSA RFC8463_REST) + 2);
    dkim_verifier_prefetch(verifier, &names);
    assert_int_equal(fake.asked, 2);
    dkim_verifier_end(verifier);
    assert_int_equal(dkim_verifier_judge(verifier, &names, now, &arena, &verdict), -EAGAIN);
    assert_int_equal(fake.asked, 4);
    fake.records = rfc8463_records;
    assert_int_equal(dkim_verifier_judge(verifier, &names, now, &arena, &verdict), 0);
    assert_int_equal(verdict.result, DKIM_PASS);
    dkim_verifier_free(verifier);
    arena_done(&arena);
}

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(1024);
    short_rsa = EVP_RSA_gen(768);
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    buf_init(&rsa_record, 4096);
    buf_init(&short_record, 4096);
    buf_init(&ed25519_record, 4096);
    return dkim_key_write(&rsa_record, rsa) && dkim_key_write(&short_record, short_rsa) &&
                   dkim_key_write(&ed25519_record, ed25519)
               ? 0
               : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(short_rsa);
    EVP_PKEY_free(ed25519);
    buf_done(&rsa_record);
    buf_done(&short_record);
    buf_done(&ed25519_record);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_strict_and_testing),
        cmocka_unit_test(test_several_records),
        cmocka_unit_test(test_weak_key),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_signed_signatures),
        cmocka_unit_test(test_bound_on_signatures),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_questions_under_way),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
