#include "history/tls_reports.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW_S = 1800000000, DAY_S = 86400 };

struct place {
    char folder[64], path[96];
    struct tls_reports *reports;
};

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));

    *state = place;
    snprintf(place->folder, sizeof(place->folder), "/tmp/nuncio-reports-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    snprintf(place->path, sizeof(place->path), "%s/tls_reports.db", place->folder);
    return tls_reports_open(place->path, &place->reports);
}

static int teardown(void **state)
{
    struct place *place = *state;
    char path[128];

    tls_reports_close(place->reports);
    unlink(place->path);
    snprintf(path, sizeof(path), "%s.damaged", place->path);
    unlink(path);
    rmdir(place->folder);
    free(place);
    return 0;
}

/* A report of one day about one domain, with `failed` sessions of one kind. */
static int add(struct place *place, const char *organization, const char *id, const char *domain,
               int64_t end_s, uint64_t failed)
{
    struct tlsrpt_failure failure = {.result = SLICE("certificate-expired"),
                                     .mx = SLICE("mx.example.org"),
                                     .sending_ip = SLICE("192.0.2.1"),
                                     .count = failed};
    struct tlsrpt_policy policy = {.type = TLSRPT_STS,
                                   .domain = slice_from_cstr(domain),
                                   .successful = 10,
                                   .failed = failed,
                                   .failures = &failure,
                                   .n_failures = failed ? 1 : 0};
    const struct tlsrpt_report report = {.organization = slice_from_cstr(organization),
                                         .id = slice_from_cstr(id),
                                         .start = end_s - DAY_S + 1,
                                         .end = end_s,
                                         .policies = &policy,
                                         .n_policies = 1};

    return tls_reports_add(place->reports, &report, end_s + 3600);
}

static void print_total(void *arg, const struct tls_reports_total *total)
{
    buf_printf(arg, "%.*s %.*s %u %llu %llu;", SLICE_ARG(total->domain),
               SLICE_ARG(total->organization), (unsigned)total->reports,
               (unsigned long long)total->successful, (unsigned long long)total->failed);
}

static void print_failure(void *arg, const struct tls_reports_failure *failure)
{
    buf_printf(arg, "%llu %.*s %.*s %.*s %.*s;", (unsigned long long)failure->count,
               SLICE_ARG(failure->result), SLICE_ARG(failure->mx), SLICE_ARG(failure->sending_ip),
               SLICE_ARG(failure->organization));
}

static void expect_totals(struct place *place, const char *domain, int64_t since_s,
                          const char *wanted)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    assert_int_equal(
        tls_reports_each_total(place->reports, slice_from_cstr(domain), since_s, print_total, &out),
        0);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, wanted);
    buf_done(&out);
}

static void test_reports_are_summed_up(void **state)
{
    struct place *place = *state;
    struct buf out;

    assert_int_equal(add(place, "Big", "1", "example.org", NOW_S, 0), 0);
    assert_int_equal(add(place, "Big", "2", "Example.ORG", NOW_S + DAY_S, 3), 0);
    assert_int_equal(add(place, "Other", "1", "example.org", NOW_S, 2), 0);
    assert_int_equal(add(place, "Other", "2", "example.net", NOW_S, 0), 0);
    expect_totals(place, "", 0,
                  "example.net Other 1 10 0;example.org Big 2 20 3;example.org Other 1 10 2;");
    expect_totals(place, "EXAMPLE.net", 0, "example.net Other 1 10 0;");
    expect_totals(place, "", NOW_S + 1, "example.org Big 1 10 3;");
    buf_init(&out, 1 << 16);
    assert_int_equal(
        tls_reports_each_failure(place->reports, SLICE("example.org"), 0, print_failure, &out), 0);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, "3 certificate-expired mx.example.org 192.0.2.1 Big;"
                                 "2 certificate-expired mx.example.org 192.0.2.1 Other;");
    buf_done(&out);
}

static void test_a_report_counts_once(void **state)
{
    struct place *place = *state;

    assert_int_equal(add(place, "Big", "1", "example.org", NOW_S, 1), 0);
    assert_int_equal(add(place, "Big", "1", "example.org", NOW_S, 1), 1);
    assert_int_equal(add(place, "Other", "1", "example.org", NOW_S, 0), 0);
    expect_totals(place, "", 0, "example.org Big 1 10 1;example.org Other 1 10 0;");
}

static void test_old_ones_go_with_all_that_is_theirs(void **state)
{
    struct place *place = *state;
    struct buf out;

    assert_int_equal(add(place, "Big", "1", "example.org", NOW_S, 1), 0);
    assert_int_equal(add(place, "Big", "2", "example.org",
                         NOW_S + (int64_t)(TLS_REPORTS_KEEP_DAYS + 1) * DAY_S, 0),
                     0);
    expect_totals(place, "", 0, "example.org Big 1 10 0;");
    buf_init(&out, 1 << 16);
    assert_int_equal(
        tls_reports_each_failure(place->reports, SLICE("example.org"), 0, print_failure, &out), 0);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void test_a_damaged_file_is_set_aside(void **state)
{
    struct place *place = *state;
    char aside[128];
    int fd;

    assert_int_equal(add(place, "Big", "1", "example.org", NOW_S, 1), 0);
    tls_reports_close(place->reports);
    place->reports = NULL;
    fd = open(place->path, O_WRONLY);
    assert_int_equal(write(fd, "this is no database at all", 26), 26);
    close(fd);
    assert_int_equal(tls_reports_open(place->path, &place->reports), 0);
    snprintf(aside, sizeof(aside), "%s.damaged", place->path);
    assert_int_equal(access(aside, F_OK), 0);
    expect_totals(place, "", 0, "");
    assert_int_equal(add(place, "Big", "1", "example.org", NOW_S, 1), 0);
}

static void test_reading_makes_no_file(void **state)
{
    struct place *place = *state;
    struct tls_reports *reports;
    char path[128];

    snprintf(path, sizeof(path), "%s/none.db", place->folder);
    assert_int_equal(tls_reports_open_read(path, &reports), -ENOENT);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reports_are_summed_up),
        TEST(test_a_report_counts_once),
        TEST(test_old_ones_go_with_all_that_is_theirs),
        TEST(test_a_damaged_file_is_set_aside),
        TEST(test_reading_makes_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
