#include "trust/dmarc.h"
#include "trust/zone.h"

#include <string.h>

#include "../cmocka_all.h"

static const char zone_text[] =
    "_dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:a@example.com\n"
    "_dmarc.bank.example TXT v=DMARC1; psd=y\n"
    "example.com._report._dmarc.thirdparty.example.net TXT v=DMARC1;\n"
    "example.com._report._dmarc.other.example.net TXT v=spf1 -all\n"
    "example.com._report._dmarc.broken.example.net TXT !servfail\n"
    "*._report._dmarc.all.example.net TXT v=DMARC1\n"
    "*._report._dmarc.moved.example.net TXT v=DMARC1; rua=mailto:x@moved.example.net\n"
    "*._report._dmarc.moved.example.net TXT v=DMARC1; rua=mailto:y@moved.example.net\n"
    "*._report._dmarc.away.example.net TXT v=DMARC1; rua=mailto:x@example.org\n"
    "_dmarc.lost.example TXT !timeout\n";

struct row {
    const char *domain, *host;
    bool may, later;
    unsigned n_rua;
};

static void test_destinations(void **state)
{
    static const struct row rows[] = {
        {"example.com", "example.com", true, false, 0},
        {"example.com", "EXAMPLE.com.", true, false, 0},
        {"example.com", "reports.example.com", true, false, 0},
        {"dept.example.com", "example.com", true, false, 0},
        {"a.bank.example", "b.bank.example", false, false, 0},
        {"a.bank.example", "x.a.bank.example", true, false, 0},
        {"example.com", "thirdparty.example.net", true, false, 0},
        {"example.org", "thirdparty.example.net", false, false, 0},
        {"example.com", "other.example.net", false, false, 0},
        {"example.com", "example.org", false, false, 0},
        {"example.com", "broken.example.net", false, true, 0},
        {"example.com", "lost.example", false, true, 0},
        {"lost.example", "lost.example", true, false, 0},
        {"example.org", "all.example.net", true, false, 0},
        {"example.org", "moved.example.net", true, false, 1},
        {"example.org", "away.example.net", false, false, 0},
        {"example.org", "[192.0.2.1]", false, false, 0},
        {"example.org", "", false, false, 0},
    };
    struct problem_list problems;
    struct trust_names names;
    struct zone *zone;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    problem_list_init(&problems);
    zone = zone_read(SLICE("zone"), slice_from_cstr(zone_text), &problems);
    assert_non_null(zone);
    names = zone_names(zone);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dmarc_destination found;
        assert_int_equal(dmarc_destination_check(slice_from_cstr(rows[i].domain),
                                                 slice_from_cstr(rows[i].host), &names, &arena,
                                                 &found),
                         0);
        if (found.may != rows[i].may || found.later != rows[i].later ||
            found.n_rua != rows[i].n_rua || found.may != (found.problem.len == 0))
            fail_msg("%s to %s: %d %d %u %.*s", rows[i].domain, rows[i].host, found.may,
                     found.later, found.n_rua, SLICE_ARG(found.problem));
    }
    zone_free(zone);
    problem_list_done(&problems);
    arena_done(&arena);
}

static void test_name_too_long(void **state)
{
    struct dmarc_destination found;
    struct problem_list problems;
    struct trust_names names;
    struct zone *zone;
    struct arena arena;
    char domain[200];

    (void)state;
    for (size_t i = 0; i < sizeof(domain); i++)
        domain[i] = i % 10 == 9 ? '.' : 'a';
    arena_init(&arena);
    problem_list_init(&problems);
    zone = zone_read(SLICE("zone"), SLICE("x TXT x\n"), &problems);
    names = zone_names(zone);
    assert_int_equal(dmarc_destination_check(slice_from(domain, sizeof(domain) - 1),
                                             SLICE("reports.thirdparty.example.net.example.com"),
                                             &names, &arena, &found),
                     0);
    assert_false(found.may);
    assert_false(found.later);
    assert_true(slice_ends_with_nocase(found.problem, SLICE("too long")));
    zone_free(zone);
    problem_list_done(&problems);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_destinations),
        cmocka_unit_test(test_name_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
