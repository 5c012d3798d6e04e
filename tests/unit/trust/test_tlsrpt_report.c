#include "trust/tlsrpt_report.h"

#include "../cmocka_all.h"

#include <jansson.h>
#include <string.h>

/* RFC 8460 appendix B, but for its broken URI. */
static const char example[] =
    "{\"organization-name\": \"Company-X\","
    "\"date-range\": {\"start-datetime\": \"2016-04-01T00:00:00Z\","
    "                 \"end-datetime\": \"2016-04-01T23:59:59Z\"},"
    "\"contact-info\": \"sts-reporting@company-x.example\","
    "\"report-id\": \"5065427c-23d3-47ca-b6e0-946ea0e8c4be\","
    "\"policies\": [{"
    "  \"policy\": {\"policy-type\": \"sts\","
    "    \"policy-string\": [\"version: STSv1\",\"mode: testing\","
    "      \"mx: *.mail.company-y.example\",\"max_age: 86400\"],"
    "    \"policy-domain\": \"company-y.example\","
    "    \"mx-host\": [\"*.mail.company-y.example\"]},"
    "  \"summary\": {\"total-successful-session-count\": 5326,"
    "    \"total-failure-session-count\": 303},"
    "  \"failure-details\": [{\"result-type\": \"certificate-expired\","
    "    \"sending-mta-ip\": \"2001:db8:abcd:0012::1\","
    "    \"receiving-mx-hostname\": \"mx1.mail.company-y.example\","
    "    \"failed-session-count\": 100"
    "  }, {\"result-type\": \"starttls-not-supported\","
    "    \"sending-mta-ip\": \"2001:db8:abcd:0013::1\","
    "    \"receiving-mx-hostname\": \"mx2.mail.company-y.example\","
    "    \"receiving-ip\": \"203.0.113.56\","
    "    \"failed-session-count\": 200,"
    "    \"additional-information\": \"https://reports.company-x.example/report_info\""
    "  }, {\"result-type\": \"validation-failure\","
    "    \"sending-mta-ip\": \"198.51.100.62\","
    "    \"receiving-ip\": \"203.0.113.58\","
    "    \"receiving-mx-hostname\": \"mx-backup.mail.company-y.example\","
    "    \"failed-session-count\": 3,"
    "    \"failure-reason-code\": \"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}";

static void make_example(struct tlsrpt_report *report)
{
    static struct slice strings[] = {SLICE_INIT("version: STSv1"), SLICE_INIT("mode: testing"),
                                     SLICE_INIT("mx: *.mail.company-y.example"),
                                     SLICE_INIT("max_age: 86400")};
    static struct slice mx_hosts[] = {SLICE_INIT("*.mail.company-y.example")};
    static struct tlsrpt_failure failures[] = {
        {.result = SLICE_INIT("certificate-expired"),
         .sending_ip = SLICE_INIT("2001:db8:abcd:0012::1"),
         .mx = SLICE_INIT("mx1.mail.company-y.example"),
         .count = 100},
        {.result = SLICE_INIT("starttls-not-supported"),
         .sending_ip = SLICE_INIT("2001:db8:abcd:0013::1"),
         .mx = SLICE_INIT("mx2.mail.company-y.example"),
         .receiving_ip = SLICE_INIT("203.0.113.56"),
         .count = 200,
         .information = SLICE_INIT("https://reports.company-x.example/report_info")},
        {.result = SLICE_INIT("validation-failure"),
         .sending_ip = SLICE_INIT("198.51.100.62"),
         .mx = SLICE_INIT("mx-backup.mail.company-y.example"),
         .receiving_ip = SLICE_INIT("203.0.113.58"),
         .count = 3,
         .reason = SLICE_INIT("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED")}};
    static struct tlsrpt_policy policy = {.type = TLSRPT_STS,
                                          .domain = SLICE_INIT("company-y.example"),
                                          .strings = strings,
                                          .n_strings = 4,
                                          .mx_hosts = mx_hosts,
                                          .n_mx_hosts = 1,
                                          .successful = 5326,
                                          .failed = 303,
                                          .failures = failures,
                                          .n_failures = 3};

    *report = (struct tlsrpt_report){.organization = SLICE("Company-X"),
                                     .contact = SLICE("sts-reporting@company-x.example"),
                                     .id = SLICE("5065427c-23d3-47ca-b6e0-946ea0e8c4be"),
                                     .start = 1459468800,
                                     .end = 1459555199,
                                     .policies = &policy,
                                     .n_policies = 1};
}

static void test_the_rfcs_example_is_written(void **state)
{
    struct tlsrpt_report report;
    json_t *theirs, *ours;
    struct buf out;

    (void)state;
    make_example(&report);
    buf_init(&out, 1 << 20);
    tlsrpt_report_write(&out, &report);
    ours = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
    theirs = json_loads(example, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(ours);
    assert_non_null(theirs);
    if (!json_equal(ours, theirs))
        fail_msg("%.*s", (int)out.len, out.ptr);
    json_decref(ours);
    json_decref(theirs);
    buf_done(&out);
}

static void test_the_rfcs_example_is_read(void **state)
{
    struct tlsrpt_report read, wanted;
    struct arena arena;
    struct buf one, two;

    (void)state;
    arena_init(&arena);
    assert_null(tlsrpt_report_read(slice_from_cstr(example), &arena, &read));
    make_example(&wanted);
    buf_init(&one, 1 << 20);
    buf_init(&two, 1 << 20);
    tlsrpt_report_write(&one, &read);
    tlsrpt_report_write(&two, &wanted);
    assert_true(slice_eq(buf_slice(&one), buf_slice(&two)));
    buf_done(&one);
    buf_done(&two);
    arena_done(&arena);
}

#define RANGE                                                                                      \
    "\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\","                                 \
    "\"end-datetime\":\"2016-04-01T23:59:59Z\"}"

static void test_what_is_no_report(void **state)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"", "it is not JSON"},
        {"[]", "it has no organization-name"},
        {"{\"a\":1,\"a\":2}", "it is not JSON"},
        {"{\"organization-name\":7," RANGE ",\"policies\":[]}", "it has no organization-name"},
        {"{\"organization-name\":\"x\"}", "its date-range is missing or no time"},
        {"{\"organization-name\":\"x\",\"date-range\":{\"start-datetime\":\"yesterday\"}}",
         "its date-range is missing or no time"},
        {"{\"organization-name\":\"x\"," RANGE "}", "it has no policies"},
        {"{\"organization-name\":\"x\"," RANGE ",\"policies\":[]}", "it has no policies"},
        {"{\"organization-name\":\"x\"," RANGE ",\"policies\":[{\"policy\":{}}]}",
         "a policy in it has no policy-domain"},
        {"{\"organization-name\":\"x\"," RANGE
         ",\"policies\":[{\"policy\":{\"policy-domain\":\"a.example\"}}]}",
         NULL},
        {"{\"organization-name\":\"x\"," RANGE
         ",\"policies\":[{\"policy\":{\"policy-domain\":\"a.example\","
         "\"mx-host\":\"mx.a.example\"},\"failure-details\":[7,{}]}]}",
         NULL},
    };
    struct tlsrpt_report report;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wrong = tlsrpt_report_read(slice_from_cstr(cases[i].text), &arena, &report);
        if (!wrong != !cases[i].wrong || (wrong && strcmp(wrong, cases[i].wrong) != 0))
            fail_msg("%s: %s", cases[i].text, wrong ? wrong : "fine");
    }
    assert_int_equal(report.policies[0].n_mx_hosts, 1);
    assert_int_equal(report.policies[0].n_failures, 2);
    arena_done(&arena);
}

static void test_counts_are_clipped(void **state)
{
    struct tlsrpt_policy policy;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_true(tlsrpt_policy_read(
        SLICE("{\"policy\":{\"policy-domain\":\"a\",\"policy-type\":\"tlsa\"},\"summary\":{"
              "\"total-successful-session-count\":9223372036854775807,"
              "\"total-failure-session-count\":-5}}"),
        &arena, &policy));
    assert_int_equal(policy.type, TLSRPT_TLSA);
    assert_true(policy.successful == 1000000000000);
    assert_int_equal(policy.failed, 0);
    arena_done(&arena);
}

static void test_times(void **state)
{
    static const struct {
        struct slice text;
        int64_t seconds; /* -1: none */
    } cases[] = {
        {SLICE_INIT("1970-01-01T00:00:00Z"), 0},
        {SLICE_INIT("2016-04-01T00:00:00Z"), 1459468800},
        {SLICE_INIT("2016-04-01t02:00:00.123+02:00"), 1459468800},
        {SLICE_INIT("2016-03-31 22:30:00-01:30"), 1459468800},
        {SLICE_INIT("2016-04-01T00:00:00"), 1459468800},
        {SLICE_INIT("2016-04-01"), -1},
        {SLICE_INIT("0114-04-01T00:00:00Z"), -1},
        {SLICE_INIT("9999-12-31T23:59:59-01:00"), -1},
        {SLICE_INIT("2016-13-01T00:00:00Z"), -1},
        {SLICE_INIT("2016-04-00T00:00:00Z"), -1},
        {SLICE_INIT("2016-04-01T24:00:00Z"), -1},
        {SLICE_INIT("2016-04-01T00:00:00X"), -1},
        {SLICE_INIT("2016-04-01T00:00:00+1:00"), -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t seconds = -1;
        tlsrpt_time_parse(cases[i].text, &seconds);
        if (seconds != cases[i].seconds)
            fail_msg("%.*s: %lld", SLICE_ARG(cases[i].text), (long long)seconds);
    }
    assert_string_equal(tlsrpt_time_format(1459555199).text, "2016-04-01T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rfcs_example_is_written),
        cmocka_unit_test(test_the_rfcs_example_is_read),
        cmocka_unit_test(test_what_is_no_report),
        cmocka_unit_test(test_counts_are_clipped),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
