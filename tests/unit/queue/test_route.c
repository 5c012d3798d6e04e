/* Which way a recipient goes, and that none leaves its class. */
#include "queue/route.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static struct config *parse(const char *text)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;

    problem_list_init(&problems);
    config_bundle_from_text(SLICE("test.conf"), slice_from_cstr(text), &bundle);
    assert_int_equal(config_parse(&bundle, &config, &problems), 0);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return config;
}

static const char full[] = "hostname mx.example.org\nstate /nonexistent\n"
                           "domain ours.test { deliver maildir }\n"
                           "domain strict.test { deliver maildir; when_full reject }\n"
                           "domain inner.test { deliver route inner }\n"
                           "domain relayed.test { route inner }\n"
                           "route inner { host 192.0.2.1:25; recipients 7 }\n"
                           "relay 192.0.2.2:25\n";
/* The same after a reload that has taken the domains and the routes out. */
static const char bare[] = "hostname mx.example.org\nstate /nonexistent\ndefault_route none\n"
                           "domain other.test { deliver maildir }\n";

/* Foreign mail goes by DNS, and so does what we keep for others whose servers are down. */
static const char world[] = "hostname mx.example.org\nstate /nonexistent\n"
                            "domain ours.test { deliver maildir }\n"
                            "route inner { host 192.0.2.1:25 }\n"
                            "route world { host 192.0.2.9:25 }\ndefault_route world\n";

struct row {
    const char *config, *address, *via;
    enum recipient_class class;
    int answer; /* enum resolve_status, 0: not asked */
    bool null_sender;
    enum route_verdict verdict;
    enum unit_way way;
    const char *name, *domain;
};

static const struct row rows[] = {
    {full, "a@ours.test", "", CLASS_LOCAL, 0, false, ROUTE_ASK},
    {full, "a@ours.test", "", CLASS_LOCAL, RESOLVE_LOCAL, false, ROUTE_LANE, WAY_MAILDIR, "",
     "ours.test"},
    {full, "a@OURS.test", "", CLASS_LOCAL, RESOLVE_UNKNOWN, false, ROUTE_FAIL},
    {full, "a@ours.test", "", CLASS_LOCAL, RESOLVE_LATER, false, ROUTE_AGAIN},
    {full, "a@ours.test", "", CLASS_LOCAL, RESOLVE_FULL, false, ROUTE_LATER},
    {full, "a@strict.test", "", CLASS_LOCAL, RESOLVE_FULL, false, ROUTE_FAIL},
    {full, "a@ours.test", "", CLASS_LOCAL, RESOLVE_EXPAND, false, ROUTE_EXPAND},
    {full, "a@inner.test", "", CLASS_LOCAL, RESOLVE_ROUTE, false, ROUTE_LANE, WAY_ROUTE, "inner",
     ""},
    {full, "a@relayed.test", "", CLASS_RELAY, 0, false, ROUTE_LANE, WAY_ROUTE, "inner", ""},
    {full, "a@far.test", "", CLASS_AUTHORISED, 0, false, ROUTE_LANE, WAY_ROUTE, "relay", ""},
    {full, "a@[192.0.2.9]", "", CLASS_AUTHORISED, 0, false, ROUTE_LANE, WAY_ROUTE, "relay", ""},
    {full, "a@relayed.test", "", CLASS_AUTHORISED, 0, false, ROUTE_LANE, WAY_ROUTE, "inner", ""},
    {full, "a@ours.test", "", CLASS_AUTHORISED, 0, false, ROUTE_ASK},
    {full, "postmaster", "", CLASS_LOCAL, 0, false, ROUTE_LANE, WAY_MAILDIR, "", ""},
    /* Out of its class it never goes, although there is a way. */
    {full, "a@far.test", "", CLASS_LOCAL, 0, false, ROUTE_PARK},
    {full, "a@far.test", "", CLASS_RELAY, 0, false, ROUTE_PARK},
    {full, "a@ours.test", "", CLASS_RELAY, 0, false, ROUTE_PARK},
    {full, "a@relayed.test", "", CLASS_LOCAL, 0, false, ROUTE_PARK},
    /* After the reload it waits; what nobody would ever hear of fails. */
    {bare, "a@ours.test", "", CLASS_LOCAL, RESOLVE_UNKNOWN, false, ROUTE_PARK},
    {bare, "a@relayed.test", "", CLASS_RELAY, 0, false, ROUTE_PARK},
    {bare, "a@far.test", "", CLASS_AUTHORISED, 0, false, ROUTE_PARK},
    {bare, "a@far.test", "", CLASS_AUTHORISED, 0, true, ROUTE_FAIL},
    /* Programs are for aliases alone. */
    {full, "program:filter", "a@ours.test", CLASS_LOCAL, 0, false, ROUTE_PARK},
    {full, "program:filter", "", CLASS_LOCAL, 0, false, ROUTE_PARK},
};

static void check_row(const struct row *row)
{
    struct config *config = parse(row->config);
    struct slice target = SLICE("b@ours.test");
    struct recipient recipient = {.address = slice_from_cstr(row->address),
                                  .via = slice_from_cstr(row->via),
                                  .class = row->class};
    struct msg_resolved answer = {.status = (enum resolve_status)row->answer,
                                  .account = recipient.address,
                                  .targets = &target,
                                  .n_targets = 1};
    struct route_decision decision;

    route_decide(config, &recipient, row->answer ? &answer : NULL, row->null_sender, &decision);
    if (decision.verdict != row->verdict)
        fail_msg("%s class %d: verdict %d, not %d", row->address, (int)row->class,
                 (int)decision.verdict, (int)row->verdict);
    if (row->verdict == ROUTE_LANE) {
        assert_int_equal(decision.lane.way, row->way);
        assert_true(slice_eq(decision.lane.name, slice_from_cstr(row->name)));
        assert_true(slice_eq(decision.lane.domain, slice_from_cstr(row->domain)));
    }
    config_unref(config);
}

static void test_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
}

/* The administrator's route is taken instead of another, and of nothing else. */
static void test_rerouted_mail_stays_in_its_class(void **state)
{
    static const struct {
        const char *config, *address;
        enum recipient_class class;
        int answer;
        const char *route;
        bool may;
        enum route_verdict verdict;
        const char *name;
    } cases[] = {
        {full, "a@far.test", CLASS_AUTHORISED, 0, "inner", true, ROUTE_LANE, "inner"},
        {full, "a@relayed.test", CLASS_RELAY, 0, "relay", true, ROUTE_LANE, "relay"},
        {full, "a@relayed.test", CLASS_AUTHORISED, 0, "relay", true, ROUTE_LANE, "relay"},
        {full, "a@inner.test", CLASS_LOCAL, RESOLVE_ROUTE, "relay", true, ROUTE_LANE, "relay"},
        {full, "a@far.test", CLASS_AUTHORISED, 0, "gone", true, ROUTE_PARK, ""},
        {bare, "a@far.test", CLASS_AUTHORISED, 0, "gone", true, ROUTE_PARK, ""},
        {full, "a@ours.test", CLASS_LOCAL, RESOLVE_LOCAL, "relay", false, ROUTE_LANE, ""},
        {full, "a@ours.test", CLASS_LOCAL, RESOLVE_UNKNOWN, "relay", false, ROUTE_FAIL, ""},
        {full, "a@far.test", CLASS_LOCAL, 0, "relay", false, ROUTE_PARK, ""},
        {full, "a@far.test", CLASS_RELAY, 0, "relay", false, ROUTE_PARK, ""},
        {full, "a@ours.test", CLASS_RELAY, 0, "relay", false, ROUTE_PARK, ""},
        {full, "postmaster", CLASS_LOCAL, 0, "relay", false, ROUTE_LANE, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *config = parse(cases[i].config);
        struct recipient recipient = {.address = slice_from_cstr(cases[i].address),
                                      .route = slice_from_cstr(cases[i].route),
                                      .class = cases[i].class};
        struct msg_resolved answer = {.status = (enum resolve_status)cases[i].answer,
                                      .account = recipient.address};
        struct route_decision decision;
        route_decide(config, &recipient, cases[i].answer ? &answer : NULL, false, &decision);
        if (decision.verdict != cases[i].verdict ||
            route_may_change(config, &recipient) != cases[i].may)
            fail_msg("case %zu: %s", i, cases[i].address);
        if (decision.verdict == ROUTE_LANE)
            assert_true(slice_eq(decision.lane.name, slice_from_cstr(cases[i].name)));
        config_unref(config);
    }
}

static void test_lane_takes_the_routes_limits(void **state)
{
    struct config *config = parse(full);
    struct recipient recipient = {.address = SLICE("a@relayed.test"), .class = CLASS_RELAY};
    struct route_decision decision;

    (void)state;
    route_decide(config, &recipient, NULL, false, &decision);
    assert_int_equal(decision.rules.recipients, 7);
    assert_true(decision.rules.adaptive);
    config_unref(config);
}

static void test_sites_are_asked_for_over_a_route_with_mx(void **state)
{
    struct config *config = parse(world);
    struct recipient recipient = {.address = SLICE("a@Far.test"), .class = CLASS_AUTHORISED};
    struct route_decision decision;

    (void)state;
    for (size_t i = 0; i < config->n_routes; i++)
        config->routes[i].mx = slice_eq(config->routes[i].name, SLICE("world"));
    route_decide(config, &recipient, NULL, false, &decision);
    assert_int_equal(decision.verdict, ROUTE_SITE);
    assert_true(slice_eq(decision.lane.name, SLICE("world")));
    assert_true(slice_eq(decision.domain, SLICE("Far.test")));
    assert_int_equal(decision.rules.concurrency,
                     config_find_route(config, SLICE("world"))->concurrency);
    recipient.address = SLICE("a@[192.0.2.77]");
    route_decide(config, &recipient, NULL, false, &decision);
    assert_int_equal(decision.verdict, ROUTE_SITE);
    assert_true(slice_eq(decision.domain, SLICE("[192.0.2.77]")));
    config_unref(config);
}

static void test_bare_postmaster_goes_where_the_configuration_says(void **state)
{
    struct config *config = parse("hostname mx.example.org\nstate /nonexistent\n"
                                  "postmaster boss@far.test\nrelay 192.0.2.2:25\n"
                                  "domain ours.test { deliver maildir }\n");
    struct recipient recipient = {.address = SLICE("Postmaster"), .class = CLASS_LOCAL};
    struct route_decision decision;

    (void)state;
    route_decide(config, &recipient, NULL, false, &decision);
    assert_int_equal(decision.verdict, ROUTE_EXPAND);
    assert_true(slice_eq(decision.targets[0], SLICE("boss@far.test")));
    /* The double bounce that could not reach him stays here. */
    recipient.via = SLICE("boss@far.test");
    route_decide(config, &recipient, NULL, false, &decision);
    assert_int_equal(decision.verdict, ROUTE_LANE);
    assert_int_equal(decision.lane.way, WAY_MAILDIR);
    config_unref(config);
}

static void test_class_of_our_own_messages(void **state)
{
    struct config *config = parse(full);

    (void)state;
    assert_int_equal(route_class(config, SLICE("a@ours.test")), CLASS_LOCAL);
    assert_int_equal(route_class(config, SLICE("postmaster")), CLASS_LOCAL);
    assert_int_equal(route_class(config, SLICE("a@relayed.test")), CLASS_AUTHORISED);
    assert_int_equal(route_class(config, SLICE("a@far.test")), CLASS_AUTHORISED);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_rerouted_mail_stays_in_its_class),
        cmocka_unit_test(test_lane_takes_the_routes_limits),
        cmocka_unit_test(test_sites_are_asked_for_over_a_route_with_mx),
        cmocka_unit_test(test_bare_postmaster_goes_where_the_configuration_says),
        cmocka_unit_test(test_class_of_our_own_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
