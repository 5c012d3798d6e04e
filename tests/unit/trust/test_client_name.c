#include "trust/client_name.h"

#include "../cmocka_all.h"
#include "trust/ip.h"
#include "zone_world.h"

#include <errno.h>

static const char records[] = "192.0.2.1 PTR wrong.example\n"
                              "192.0.2.1 PTR mail.example\n"
                              "mail.example A 192.0.2.1\n"
                              "mail.example AAAA 2001:db8::1\n"
                              "wrong.example A 192.0.2.9\n"
                              "192.0.2.2 PTR wrong.example\n"
                              "192.0.2.3 PTR gone.example\n"
                              "192.0.2.4 PTR !servfail\n"
                              "192.0.2.5 PTR wrong.example\n"
                              "192.0.2.5 PTR slow.example\n"
                              "slow.example !timeout\n"
                              "192.0.2.6 PTR slow.example\n"
                              "192.0.2.6 PTR six.example\n"
                              "six.example A 192.0.2.6\n"
                              "2001:db8::1 PTR mail.example\n"
                              "domain.example MX 10 mail.example\n"
                              "null.example MX 0 .\n"
                              "text.example TXT x\n"
                              "xn--bcher-kva.example A 192.0.2.1\n"
                              "v6.example AAAA 2001:db8::1\n"
                              "half.example A !servfail\n"
                              "half.example AAAA 2001:db8::1\n";

static void test_iprev(void **state)
{
    static const struct {
        const char *client;
        enum iprev_result result;
        const char *name, *claimed;
    } cases[] = {
        {"192.0.2.1", IPREV_PASS, "mail.example", ""},
        {"2001:db8::1", IPREV_PASS, "mail.example", ""},
        {"::ffff:192.0.2.1", IPREV_PASS, "mail.example", ""},
        {"192.0.2.2", IPREV_FAIL, "", "wrong.example"},
        {"192.0.2.3", IPREV_FAIL, "", "gone.example"},
        {"192.0.2.4", IPREV_TEMPERROR, "", ""},
        {"192.0.2.5", IPREV_TEMPERROR, "", "wrong.example"},
        {"192.0.2.6", IPREV_PASS, "six.example", ""},
        {"192.0.2.7", IPREV_PERMERROR, "", ""},
    };
    struct zone_world world;

    (void)state;
    zone_world_open(&world, records);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct iprev_verdict verdict;
        struct trust_ip client;
        assert_true(trust_ip_parse(slice_from_cstr(cases[i].client), &client));
        assert_int_equal(iprev_check(&client, &world.names, &world.arena, &verdict), 0);
        if (verdict.result != cases[i].result)
            fail_msg("%s: %s", cases[i].client, iprev_result_name(verdict.result));
        assert_true(slice_eq(verdict.name, slice_from_cstr(cases[i].name)));
        assert_true(slice_eq(verdict.claimed, slice_from_cstr(cases[i].claimed)));
        assert_int_equal(verdict.problem.len == 0, verdict.result == IPREV_PASS);
    }
    zone_world_close(&world);
}

/* Only the first ten names are looked at. */
static void test_many_names(void **state)
{
    struct zone_world world;
    struct iprev_verdict verdict;
    struct trust_ip client;
    struct buf text;

    (void)state;
    buf_init(&text, SIZE_MAX);
    for (unsigned i = 0; i < 11; i++)
        buf_printf(&text, "192.0.2.1 PTR n%u.example\n192.0.2.2 PTR n%u.example\n", i, i + 1);
    buf_add_cstr(&text, "n10.example A 192.0.2.1\nn10.example A 192.0.2.2\n");
    buf_add_char(&text, '\0');
    zone_world_open(&world, text.ptr);
    assert_true(trust_ip_parse(SLICE("192.0.2.1"), &client));
    assert_int_equal(iprev_check(&client, &world.names, &world.arena, &verdict), 0);
    assert_int_equal(verdict.result, IPREV_FAIL);
    assert_true(trust_ip_parse(SLICE("192.0.2.2"), &client));
    assert_int_equal(iprev_check(&client, &world.names, &world.arena, &verdict), 0);
    assert_int_equal(verdict.result, IPREV_PASS);
    zone_world_close(&world);
    buf_done(&text);
}

static void test_helo(void **state)
{
    static const struct {
        const char *helo, *client;
        enum helo_result result;
        bool is_client, is_ours;
    } cases[] = {
        {"mail.example", "192.0.2.1", HELO_PASS, true, false},
        {"MAIL.example.", "2001:db8::1", HELO_PASS, true, false},
        {"mail.example", "192.0.2.2", HELO_PASS, false, false},
        {"v6.example", "192.0.2.1", HELO_PASS, false, false},
        {"half.example", "192.0.2.1", HELO_PASS, false, false},
        {"domain.example", "192.0.2.1", HELO_PASS, false, false},
        {"b\xc3\xbc"
         "cher.example",
         "192.0.2.1", HELO_PASS, true, false},
        {"null.example", "192.0.2.1", HELO_FAIL, false, false},
        {"text.example", "192.0.2.1", HELO_FAIL, false, false},
        {"nobody.example", "192.0.2.1", HELO_FAIL, false, false},
        {"slow.example", "192.0.2.1", HELO_TEMPERROR, false, false},
        {"MX.ours.example", "192.0.2.1", HELO_FAIL, false, true},
        {"localhost", "192.0.2.1", HELO_FAIL, false, false},
        {"192.0.2.1", "192.0.2.1", HELO_FAIL, false, false},
        {"a..b", "192.0.2.1", HELO_FAIL, false, false},
        {"", "192.0.2.1", HELO_FAIL, false, false},
        {".", "192.0.2.1", HELO_FAIL, false, false},
        {"two words.example", "192.0.2.1", HELO_FAIL, false, false},
        {"[192.0.2.1]", "192.0.2.1", HELO_PASS, true, false},
        {"[IPv6:2001:db8::1]", "2001:db8::1", HELO_PASS, true, false},
        {"[2001:db8::1]", "2001:db8::1", HELO_FAIL, false, false},
        {"[IPv6:192.0.2.1]", "192.0.2.1", HELO_FAIL, false, false},
        {"[192.0.2.2]", "192.0.2.1", HELO_FAIL, false, false},
        {"[192.0.2.1", "192.0.2.1", HELO_FAIL, false, false},
        {"[", "192.0.2.1", HELO_FAIL, false, false},
        {"[]", "192.0.2.1", HELO_FAIL, false, false},
    };
    struct zone_world world;

    (void)state;
    zone_world_open(&world, records);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct helo_verdict verdict;
        struct trust_ip client;
        assert_true(trust_ip_parse(slice_from_cstr(cases[i].client), &client));
        assert_int_equal(helo_check(slice_from_cstr(cases[i].helo), &client,
                                    SLICE("mx.ours.example"), &world.names, &world.arena, &verdict),
                         0);
        if (verdict.result != cases[i].result)
            fail_msg("%s: %s", cases[i].helo, helo_result_name(verdict.result));
        assert_int_equal(verdict.is_client, cases[i].is_client);
        assert_int_equal(verdict.is_ours, cases[i].is_ours);
        assert_int_equal(verdict.problem.len == 0, verdict.result == HELO_PASS);
    }
    zone_world_close(&world);
}

struct counting {
    struct trust_names names;
    unsigned asked, known;
};

/* The first `known` questions of a run have answers. */
static int ask_counting(void *arg, struct slice name, enum trust_type type,
                        const struct trust_answer **ret_answer)
{
    struct counting *counting = arg;

    if (counting->asked++ >= counting->known)
        return -EAGAIN;
    return trust_ask(&counting->names, name, type, ret_answer);
}

/* Questions that do not depend on each other are under way at the same time. */
static void test_asks_side_by_side(void **state)
{
    struct zone_world world;
    struct counting counting = {.known = 0};
    const struct trust_names names = {.ask = ask_counting, .arg = &counting};
    struct iprev_verdict iprev;
    struct helo_verdict helo;
    struct trust_ip client;

    (void)state;
    zone_world_open(&world, records);
    counting.names = world.names;
    assert_true(trust_ip_parse(SLICE("192.0.2.1"), &client));
    assert_int_equal(
        helo_check(SLICE("mail.example"), &client, SLICE("x.example"), &names, &world.arena, &helo),
        -EAGAIN);
    assert_int_equal(counting.asked, 2);
    counting.asked = 0;
    counting.known = 1;
    assert_int_equal(iprev_check(&client, &names, &world.arena, &iprev), -EAGAIN);
    assert_int_equal(counting.asked, 3);
    zone_world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iprev),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_helo),
        cmocka_unit_test(test_asks_side_by_side),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
