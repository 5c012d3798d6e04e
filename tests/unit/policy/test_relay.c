#include "policy/relay.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const struct slice text = SLICE_INIT("hostname mx.example.org\n"
                                            "state /nowhere\n"
                                            "domain example.org { deliver maildir }\n"
                                            "domain alias.example { alias_of example.org }\n"
                                            "route branch { host 198.51.100.7:25 }\n"
                                            "domain branch.example { route branch }\n"
                                            "trusted {\n"
                                            "192.0.2.0/24\n"
                                            "2001:db8:1::/48\n"
                                            "}\n");

static struct config *make_config(struct slice more)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    struct buf all;

    buf_init(&all, 10000);
    buf_add_slice(&all, text);
    buf_add_slice(&all, more);
    config_bundle_from_text(SLICE("t"), buf_slice(&all), &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    buf_done(&all);
    return config;
}

static struct policy_sender sender(const struct config *config, const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (!address)
        return policy_sender_of_client(config, NULL);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return policy_sender_of_client(config, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return policy_sender_of_client(config, (const struct sockaddr *)&v6);
}

static void test_who_may_send_where(void **state)
{
    static const struct {
        const char *client;
        struct slice domain;
        enum policy_outcome outcome;
        enum recipient_class class;
        unsigned line;
    } cases[] = {
        {"203.0.113.9", SLICE_INIT("example.org"), POLICY_ACCEPT, CLASS_LOCAL, 3},
        {"203.0.113.9", SLICE_INIT("EXAMPLE.Org"), POLICY_ACCEPT, CLASS_LOCAL, 3},
        {"203.0.113.9", SLICE_INIT("alias.example"), POLICY_ACCEPT, CLASS_LOCAL, 4},
        {"203.0.113.9", SLICE_INIT("branch.example"), POLICY_ACCEPT, CLASS_RELAY, 6},
        {"203.0.113.9", SLICE_INIT("sub.example.org"), POLICY_DENY, 0, 0},
        {"203.0.113.9", SLICE_INIT("example.com"), POLICY_DENY, 0, 0},
        {"203.0.113.9", SLICE_INIT("[192.0.2.1]"), POLICY_DENY, 0, 0},
        {"203.0.113.9", SLICE_INIT(""), POLICY_DENY, 0, 0},
        {NULL, SLICE_INIT("example.com"), POLICY_DENY, 0, 0},
        {"192.0.2.200", SLICE_INIT("example.com"), POLICY_ACCEPT, CLASS_AUTHORISED, 8},
        {"192.0.3.1", SLICE_INIT("example.com"), POLICY_DENY, 0, 0},
        {"::ffff:192.0.2.200", SLICE_INIT("example.com"), POLICY_ACCEPT, CLASS_AUTHORISED, 8},
        {"2001:db8:1:2::3", SLICE_INIT("example.com"), POLICY_ACCEPT, CLASS_AUTHORISED, 9},
        {"2001:db8:2::3", SLICE_INIT("example.com"), POLICY_DENY, 0, 0},
        {"192.0.2.200", SLICE_INIT("example.org"), POLICY_ACCEPT, CLASS_LOCAL, 3},
    };
    struct config *config = make_config(SLICE("relay 198.51.100.1:25\n"));

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_sender who = sender(config, cases[i].client);
        struct policy_verdict verdict = policy_relay(config, &who, cases[i].domain);
        assert_int_equal(verdict.outcome, cases[i].outcome);
        assert_int_equal(verdict.class, cases[i].class);
        assert_int_equal(verdict.source.line, cases[i].line);
    }
    config_unref(config);
}

static void test_the_world_is_for_friends_alone(void **state)
{
    struct config *config = make_config(SLICE(""));
    struct policy_sender stranger = sender(config, "198.51.100.9");
    struct policy_sender friend = sender(config, "192.0.2.1");

    (void)state;
    assert_int_equal(policy_relay(config, &stranger, SLICE("example.com")).outcome, POLICY_DENY);
    assert_int_equal(policy_relay(config, &friend, SLICE("example.com")).outcome, POLICY_ACCEPT);
    config_unref(config);
}

static void test_a_destination_opens_nothing_for_strangers(void **state)
{
    struct config *config = make_config(SLICE("default_route none\n"
                                              "destination example.com { tls verify }\n"));
    struct policy_sender stranger = sender(config, "198.51.100.9");
    struct policy_sender friend = sender(config, "192.0.2.1");

    (void)state;
    assert_int_equal(policy_relay(config, &stranger, SLICE("example.com")).outcome, POLICY_DENY);
    assert_int_equal(policy_relay(config, &friend, SLICE("example.com")).outcome, POLICY_ACCEPT);
    assert_int_equal(policy_relay(config, &friend, SLICE("a.example.com")).outcome,
                     POLICY_NO_ROUTE);
    config_unref(config);
}

static void test_without_a_route_even_friends_cannot(void **state)
{
    struct config *config = make_config(SLICE("default_route none\n"));
    struct policy_sender friend = sender(config, "192.0.2.1");
    struct policy_sender user = policy_sender_local_user();
    struct policy_sender login = policy_sender_of_login(&config->listeners[0]);

    (void)state;
    assert_int_equal(policy_relay(config, &friend, SLICE("example.com")).outcome, POLICY_NO_ROUTE);
    assert_int_equal(policy_relay(config, &user, SLICE("example.com")).outcome, POLICY_NO_ROUTE);
    assert_int_equal(policy_relay(config, &user, SLICE("example.org")).outcome, POLICY_ACCEPT);
    assert_int_equal(policy_relay(config, &login, SLICE("example.com")).outcome, POLICY_NO_ROUTE);
    config_unref(config);
}

static void test_a_login_may_relay_because_of_its_listener(void **state)
{
    struct config *config = make_config(SLICE("relay 198.51.100.1:25\n"
                                              "listen s { service submission; address *:587 }\n"));
    struct policy_sender login = policy_sender_of_login(&config->listeners[0]);
    struct policy_verdict verdict = policy_relay(config, &login, SLICE("example.com"));

    (void)state;
    assert_int_equal(verdict.outcome, POLICY_ACCEPT);
    assert_int_equal(verdict.class, CLASS_AUTHORISED);
    assert_int_equal(verdict.source.line, 12);
    config_unref(config);
}

static void test_an_alias_gives_the_domain_it_means(void **state)
{
    struct config *config = make_config(SLICE(""));
    struct policy_sender nobody = sender(config, NULL);
    struct policy_verdict verdict = policy_relay(config, &nobody, SLICE("alias.example"));

    (void)state;
    assert_true(slice_eq(verdict.domain->name, SLICE("example.org")));
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_send_where),
        cmocka_unit_test(test_the_world_is_for_friends_alone),
        cmocka_unit_test(test_a_destination_opens_nothing_for_strangers),
        cmocka_unit_test(test_without_a_route_even_friends_cannot),
        cmocka_unit_test(test_a_login_may_relay_because_of_its_listener),
        cmocka_unit_test(test_an_alias_gives_the_domain_it_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
