#include "trust/dkim.h"
#include "trust/zone.h"

#include <string.h>

#include "../cmocka_all.h"

/* Structure alone: the signatures are such that a chain which gets so far fails at the first. */
#define SEAL(i, cv) "ARC-Seal: i=" i "; a=rsa-sha256; cv=" cv "; d=example.org; s=s; b=AAAA\r\n"
#define SIGNATURE(i)                                                                               \
    "ARC-Message-Signature: i=" i "; a=rsa-sha256; d=example.org; s=s; h=from; bh=AAAA; "          \
    "b=AAAA\r\n"
#define RESULTS(i) "ARC-Authentication-Results: i=" i "; mx.example.org; none\r\n"
#define SET(i, cv) SEAL(i, cv) SIGNATURE(i) RESULTS(i)

struct judged {
    struct arena arena;
    struct arc_verdict verdict;
};

static void judge(struct judged *judged, const char *header)
{
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct problem_list problems;
    struct trust_names names;
    struct zone *zone;

    arena_init(&judged->arena);
    problem_list_init(&problems);
    zone = zone_read(SLICE("zone"), SLICE("x TXT x\n"), &problems);
    names = zone_names(zone);
    dkim_verifier_feed(verifier, slice_from_cstr(header));
    dkim_verifier_feed(verifier, SLICE("From: a@example.org\r\n\r\ntext\r\n"));
    dkim_verifier_end(verifier);
    assert_int_equal(dkim_verifier_judge_arc(verifier, &names, 0, &judged->arena, &judged->verdict),
                     0);
    judged->verdict.problem = arena_dup(&judged->arena, judged->verdict.problem);
    dkim_verifier_free(verifier);
    zone_free(zone);
    problem_list_done(&problems);
}

static void test_structure(void **state)
{
    static const struct {
        const char *header, *problem;
    } cases[] = {
        {SET("1", "none"), "the message does not fit the signature of set 1: "},
        {SET("1", "None"), "the message does not fit the signature of set 1: "},
        {SET("01", "none"), "the message does not fit the signature of set 1: "},
        {SET("(c) 1 (d)", "none"), "the message does not fit the signature of set 1: "},
        {SET("2", "pass") SET("1", "none"), "the message does not fit the signature of set 2: "},
        {SET("1", "none") SET("2", "pass"), "the message does not fit the signature of set 2: "},
        /* Step 3.A. */
        {SEAL("1", "none") SIGNATURE("1"), "set 1 of 1 has no ARC-Authentication-Results"},
        {SEAL("1", "none") RESULTS("1"), "set 1 of 1 has no ARC-Message-Signature"},
        {SIGNATURE("1") RESULTS("1"), "set 1 of 1 has no ARC-Seal"},
        {RESULTS("1"), "set 1 of 1 has no ARC-Seal"},
        {SET("1", "none") SEAL("1", "none"), "set 1 has more than one ARC-Seal"},
        {SET("1", "none") SIGNATURE("1"), "set 1 has more than one ARC-Message-Signature"},
        {SET("1", "none") RESULTS("1"), "set 1 has more than one ARC-Authentication-Results"},
        /* 3.B. */
        {SET("2", "pass"), "set 1 of 2 has no ARC-Seal"},
        {SET("1", "none") SET("3", "pass"), "set 2 of 3 has no ARC-Seal"},
        {SET("0", "none"), "an ARC-Seal field has no instance from 1 to 50"},
        {SET("51", "pass"), "an ARC-Seal field has no instance from 1 to 50"},
        {SET("001", "pass"), "an ARC-Seal field has no instance from 1 to 50"},
        {SET("-1", "pass"), "an ARC-Seal field has no instance from 1 to 50"},
        {SET("", "none"), "an ARC-Seal field has no instance from 1 to 50"},
        {SET("1 1", "none"), "an ARC-Seal field has no instance from 1 to 50"},
        {SEAL("1", "none") SIGNATURE("1") RESULTS("I"),
         "an ARC-Authentication-Results field has no instance from 1 to 50"},
        {SET("1", "none") "ARC-Authentication-Results: mx.example.org; none\r\n",
         "an ARC-Authentication-Results field has no instance from 1 to 50"},
        {SET("1", "none") "arc-SEAL : nonsense\r\n",
         "an ARC-Seal field has no instance from 1 to 50"},
        /* 3.C, and 2. */
        {SET("1", "pass"), "the seal of set 1 does not say cv=none"},
        {SET("1", ""), "the seal of set 1 does not say cv=none"},
        {SET("1", "none") SET("2", "none"), "the seal of set 2 does not say cv=pass"},
        {SET("1", "fail"), "the seal of set 1 says that the chain was broken before"},
        {SET("1", "fail") SET("2", "pass"),
         "the seal of set 1 says that the chain was broken before"},
        {SEAL("7", "fail"), "the seal of set 7 says that the chain was broken before"},
        /* Section 4.1.3. */
        {SEAL("1", "none; h=from") SIGNATURE("1") RESULTS("1"), "the seal of set 1 has h="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct judged judged;
        judge(&judged, cases[i].header);
        if (judged.verdict.result != ARC_FAIL ||
            !slice_starts_with_nocase(judged.verdict.problem, slice_from_cstr(cases[i].problem)))
            fail_msg("%s: %s %.*s", cases[i].header, arc_result_name(judged.verdict.result),
                     SLICE_ARG(judged.verdict.problem));
        arena_done(&judged.arena);
    }
}

static void test_none(void **state)
{
    struct judged judged;

    (void)state;
    judge(&judged, "X-ARC-Seal: i=1\r\nSubject: ARC-Seal: i=1\r\n");
    assert_int_equal(judged.verdict.result, ARC_NONE);
    assert_int_equal(judged.verdict.count, 0);
    arena_done(&judged.arena);
}

static void test_fifty_sets_and_more(void **state)
{
    struct judged judged;
    char header[60 * 400] = "";

    (void)state;
    for (unsigned i = 1; i <= 51; i++) {
        char set[400];
        snprintf(set, sizeof(set), SET("%u", "%s"), i, i == 1 ? "none" : "pass", i, i);
        strncat(header, set, sizeof(header) - strlen(header) - 1);
        if (i < 50)
            continue;
        judge(&judged, header);
        assert_int_equal(judged.verdict.result, ARC_FAIL);
        assert_true(slice_starts_with_nocase(
            judged.verdict.problem, i == 50
                                        ? SLICE("the message does not fit the signature of set 50")
                                        : SLICE("there are more than 50 ARC-Seal fields")));
        assert_int_equal(judged.verdict.count, i == 50 ? 50 : 0);
        arena_done(&judged.arena);
    }
}

static void test_what_a_broken_chain_says(void **state)
{
    struct judged judged;

    (void)state;
    judge(&judged, SET("1", "none") "ARC-Authentication-Results: i=2;\r\n \"mx.example.net\" 1;\r\n"
                                    "  dmarc=pass header.from=a.example\r\n");
    assert_int_equal(judged.verdict.count, 2);
    assert_int_equal(judged.verdict.list[0].instance, 1);
    assert_true(slice_eq(judged.verdict.list[0].sealer, SLICE("example.org")));
    assert_true(slice_eq(judged.verdict.list[0].signer, SLICE("example.org")));
    assert_true(slice_eq(judged.verdict.list[0].authserv_id, SLICE("mx.example.org")));
    assert_true(slice_eq(judged.verdict.list[1].authserv_id, SLICE("mx.example.net")));
    assert_true(slice_eq(judged.verdict.list[1].results,
                         SLICE("\"mx.example.net\" 1;  dmarc=pass header.from=a.example")));
    assert_int_equal(judged.verdict.list[1].sealer.len, 0);
    arena_done(&judged.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_fifty_sets_and_more),
        cmocka_unit_test(test_what_a_broken_chain_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
