#include "daemon/certificate_fact.h"

#include "../cmocka_all.h"

#include <string.h>

#define DAY UINT64_C(86400000)
#define NOW (20000 * DAY)

static struct slice hosts[] = {SLICE_INIT("example.org"), SLICE_INIT("*.example.org")};

static struct certificate_fact make_fact(uint64_t from, uint64_t until)
{
    return (struct certificate_fact){.kind = CERTIFICATE_CONFIGURED,
                                     .name = SLICE("mx1"),
                                     .source = {SLICE("a.conf"), 7},
                                     .in_force = true,
                                     .pair = {.kind = SLICE("RSA 2048"),
                                              .hosts = hosts,
                                              .n_hosts = 2,
                                              .not_before = from,
                                              .not_after = until}};
}

static void test_the_stored_form_holds_all(void **state)
{
    struct certificate_fact list[2] = {make_fact(1, 2), make_fact(3, 4)};
    const struct certificate_facts facts = {list, 2};
    struct certificate_facts got;
    struct arena arena;
    struct buf stored;

    (void)state;
    list[1].kind = CERTIFICATE_OURS;
    list[1].in_force = false;
    list[1].problem = SLICE("why");
    list[1].warning = SLICE("and yet");
    list[1].waits_until = NOW;
    arena_init(&arena);
    buf_init(&stored, 10000);
    certificate_facts_encode(&stored, &facts);
    assert_int_equal(certificate_facts_decode(buf_slice(&stored), &arena, &got), 0);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.list[1].kind, CERTIFICATE_OURS);
    assert_false(got.list[1].in_force);
    assert_true(slice_eq(got.list[1].problem, SLICE("why")));
    assert_true(slice_eq(got.list[1].warning, SLICE("and yet")));
    assert_int_equal(got.list[1].waits_until, NOW);
    assert_true(slice_eq(got.list[0].pair.hosts[1], SLICE("*.example.org")));
    assert_int_equal(got.list[0].pair.not_after, 2);
    assert_int_equal(got.list[0].source.line, 7);
    for (size_t n = 0; n < stored.len; n++)
        assert_true(certificate_facts_decode(slice_sub(buf_slice(&stored), 0, n), &arena, &got) <
                    0);
    buf_done(&stored);
    arena_done(&arena);
}

static void test_days_left(void **state)
{
    static const struct {
        uint64_t until;
        int64_t want;
    } cases[] = {{NOW + 3 * DAY, 3}, {NOW + DAY - 1, 0}, {NOW, 0},
                 {NOW - 1, -1},      {NOW - DAY, -1},    {NOW - DAY - 1, -2}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certificate_fact fact = make_fact(0, cases[i].until);
        assert_int_equal(certificate_fact_days_left(&fact, NOW), cases[i].want);
    }
}

static void test_warnings(void **state)
{
    static const struct {
        uint64_t from, until;
        const char *hostname, *problem, *want; /* "": none */
    } cases[] = {
        {0, NOW + 14 * DAY, "mx.example.org", "", ""},
        {0, NOW + 14 * DAY - 1, "mx.example.org", "", "its time is over in 13 days; renew it"},
        {0, NOW - 1, "mx.example.org", "", "its time is over: clients refuse it"},
        {NOW + 1, NOW + 100 * DAY, "mx.example.org", "", "its time has not come yet"},
        {0, NOW + 100 * DAY, "example.org", "", ""},
        {0, NOW + 100 * DAY, "a.b.example.org", "", "no certificate has the name a.b.example.org"},
        {0, NOW + 100 * DAY, "example.com", "", "no certificate has the name example.com"},
        {0, NOW + 100 * DAY, "MX.EXAMPLE.ORG", "broken",
         "a.conf:7: certificate mx1: the older one "
         "stays, because: broken"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certificate_fact fact = make_fact(cases[i].from, cases[i].until);
        const struct certificate_facts facts = {&fact, 1};
        struct problem_list warnings;
        fact.problem = slice_from_cstr(cases[i].problem);
        problem_list_init(&warnings);
        certificate_facts_tell_warnings(&facts, slice_from_cstr(cases[i].hostname), NOW, &warnings);
        assert_int_equal(warnings.count, *cases[i].want ? 1 : 0);
        if (*cases[i].want)
            assert_non_null(
                strstr(arena_cstr(&warnings.arena, problem_line(&warnings, warnings.first)),
                       cases[i].want));
        problem_list_done(&warnings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_stored_form_holds_all),
        cmocka_unit_test(test_days_left),
        cmocka_unit_test(test_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
