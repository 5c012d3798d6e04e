#include "history/dmarc_reports.h"

#include "../cmocka_all.h"
#include "base/buf.h"

#include <stdio.h>
#include <unistd.h>

enum { NOW_S = 1800000000, DAY_S = 86400 };

struct place {
    char folder[64], path[96];
    struct dmarc_reports *reports;
};

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));

    *state = place;
    snprintf(place->folder, sizeof(place->folder), "/tmp/nuncio-dmarc-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    snprintf(place->path, sizeof(place->path), "%s/dmarc_reports.db", place->folder);
    return dmarc_reports_open(place->path, &place->reports);
}

static int teardown(void **state)
{
    struct place *place = *state;

    dmarc_reports_close(place->reports);
    unlink(place->path);
    rmdir(place->folder);
    free(place);
    return 0;
}

/* One address that passes, one that does not. */
static int add(struct place *place, const char *organization, const char *id, int64_t end_s)
{
    struct dmarc_report_dkim dkim = {
        .domain = SLICE("example.org"), .selector = SLICE("s1"), .result = SLICE("Pass")};
    struct dmarc_report_reason reason = {.type = SLICE("local_policy"), .comment = SLICE("ok")};
    struct dmarc_report_row rows[] = {{.source_ip = SLICE("192.0.2.1"),
                                       .count = 10,
                                       .disposition = SLICE("none"),
                                       .dkim = SLICE("Pass"),
                                       .spf = SLICE("fail"),
                                       .header_from = SLICE("Example.org"),
                                       .signatures = &dkim,
                                       .n_signatures = 1},
                                      {.source_ip = SLICE("2001:DB8::1"),
                                       .count = 3,
                                       .disposition = SLICE("reject"),
                                       .dkim = SLICE("fail"),
                                       .spf = SLICE("fail"),
                                       .header_from = SLICE("example.org"),
                                       .reasons = &reason,
                                       .n_reasons = 1,
                                       .spf_domain = SLICE("forger.example"),
                                       .spf_result = SLICE("pass")}};
    const struct dmarc_report report = {
        .metadata = {.org_name = slice_from_cstr(organization),
                     .report_id = slice_from_cstr(id),
                     .begin = end_s - DAY_S + 1,
                     .end = end_s},
        .policy = {.domain = SLICE("example.org"), .p = SLICE("reject")},
        .rows = rows,
        .n_rows = 2};

    return dmarc_reports_add(place->reports, &report, end_s + 3600);
}

struct seen {
    char text[2000];
    size_t len;
};

static void put_domain(void *arg, const struct dmarc_reports_domain *domain)
{
    struct seen *seen = arg;

    seen->len += (size_t)snprintf(
        seen->text + seen->len, sizeof(seen->text) - seen->len, "%.*s %.*s %llu %llu %llu\n",
        SLICE_ARG(domain->domain), SLICE_ARG(domain->policy), (unsigned long long)domain->reports,
        (unsigned long long)domain->messages, (unsigned long long)domain->failed);
}

static void put_source(void *arg, const struct dmarc_reports_source *source)
{
    struct seen *seen = arg;

    seen->len += (size_t)snprintf(
        seen->text + seen->len, sizeof(seen->text) - seen->len,
        "%.*s %.*s %llu/%llu dkim %llu spf %llu rejected %llu unsigned %llu\n",
        SLICE_ARG(source->ip), SLICE_ARG(source->reporters), (unsigned long long)source->failed,
        (unsigned long long)source->messages, (unsigned long long)source->dkim_aligned,
        (unsigned long long)source->spf_aligned, (unsigned long long)source->rejected,
        (unsigned long long)source->unsigned_messages);
}

static void put_fact(void *arg, const struct dmarc_reports_fact *fact)
{
    struct seen *seen = arg;

    seen->len +=
        (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len,
                         "%d %.*s %.*s %.*s %llu %llu\n", (int)fact->kind, SLICE_ARG(fact->domain),
                         SLICE_ARG(fact->selector), SLICE_ARG(fact->result),
                         (unsigned long long)fact->messages, (unsigned long long)fact->aligned);
}

static void test_sums(void **state)
{
    struct place *place = *state;
    struct dmarc_reports_question question = {.domain = SLICE_NULL};
    struct seen seen = {0};

    assert_int_equal(add(place, "Big", "1", NOW_S), 0);
    assert_int_equal(add(place, "Big", "2", NOW_S + DAY_S), 0);
    assert_int_equal(add(place, "Small", "1", NOW_S), 0);
    assert_int_equal(dmarc_reports_each_domain(place->reports, &question, put_domain, &seen), 0);
    assert_string_equal(seen.text, "example.org reject 3 39 9\n");
    question =
        (struct dmarc_reports_question){.domain = SLICE("EXAMPLE.org"), .since_s = NOW_S + 1};
    seen = (struct seen){0};
    assert_int_equal(dmarc_reports_each_source(place->reports, &question, put_source, &seen), 0);
    assert_string_equal(seen.text, "2001:db8::1 Big 3/3 dkim 0 spf 0 rejected 3 unsigned 3\n"
                                   "192.0.2.1 Big 0/10 dkim 10 spf 0 rejected 0 unsigned 0\n");
    seen = (struct seen){0};
    question.since_s = 0;
    assert_int_equal(
        dmarc_reports_each_fact(place->reports, &question, SLICE("2001:db8::1"), put_fact, &seen),
        0);
    assert_string_equal(seen.text, "1 forger.example  pass 9 0\n2 local_policy ok  9 0\n");
}

/* Two that came in either order: the later day's policy. */
static void test_the_newest_policy_is_shown(void **state)
{
    struct place *place = *state;
    struct seen seen = {0};

    for (unsigned i = 0; i < 4; i++) {
        const bool newer = i == 0 || i == 3;
        struct dmarc_report_row row = {.source_ip = SLICE("192.0.2.1"),
                                       .count = 1,
                                       .dkim = SLICE("pass"),
                                       .header_from =
                                           i < 2 ? SLICE("a.example") : SLICE("b.example")};
        struct dmarc_report report = {
            .metadata = {.org_name = SLICE("Big"),
                         .report_id = slice_from(&"0123"[i], 1),
                         .begin = newer ? NOW_S : NOW_S - DAY_S,
                         .end = newer ? NOW_S + DAY_S : NOW_S},
            .policy = {.domain = SLICE("example"), .p = newer ? SLICE("reject") : SLICE("none")},
            .rows = &row,
            .n_rows = 1};
        assert_int_equal(dmarc_reports_add(place->reports, &report, NOW_S + 2 * DAY_S), 0);
    }
    assert_int_equal(dmarc_reports_each_domain(place->reports,
                                               &(struct dmarc_reports_question){.since_s = 0},
                                               put_domain, &seen),
                     0);
    assert_string_equal(seen.text, "a.example reject 2 2 0\nb.example reject 2 2 0\n");
}

static void test_the_same_report_counts_once(void **state)
{
    struct place *place = *state;

    assert_int_equal(add(place, "Big", "1", NOW_S), 0);
    assert_int_equal(add(place, "Big", "1", NOW_S), 1);
    assert_int_equal(add(place, "Big", "1", NOW_S + DAY_S), 1);
}

static void test_old_ones_go(void **state)
{
    struct place *place = *state;
    struct dmarc_reports_question question = {.domain = SLICE_NULL};
    struct seen seen = {0};

    assert_int_equal(add(place, "Big", "1", NOW_S), 0);
    assert_int_equal(add(place, "Big", "2", NOW_S + (DMARC_REPORTS_KEEP_DAYS + 1) * (int64_t)DAY_S),
                     0);
    assert_int_equal(dmarc_reports_each_domain(place->reports, &question, put_domain, &seen), 0);
    assert_string_equal(seen.text, "example.org reject 1 13 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_newest_policy_is_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_same_report_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_ones_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
