#include "trust/spf.h"

#include "../cmocka_all.h"
#include "trust/ip.h"
#include "zone_world.h"

#include <errno.h>

static const char records[] =
    "v4.example TXT v=spf1 ip4:192.0.2.0/24 -all\n"
    "v6.example TXT v=spf1 ip6:2001:db8::/32 ~all\n"
    "mx.example TXT v=spf1 mx ?all\nmx.example MX 10 a.example\nmx.example MX 20 b.example\n"
    "a.example A 192.0.2.10\nb.example A 192.0.2.20\nb.example AAAA 2001:db8::20\n"
    "inc.example TXT v=spf1 include:v4.example include:V6.Example -all exp=why.example\n"
    "why.example TXT %{i} may not send for %{s}, says %{r} at %{t}\n"
    "redir.example TXT v=spf1 redirect=inc.example\n"
    "none.example TXT hello\n"
    "two.example TXT v=spf1 -all\ntwo.example TXT v=spf1\n"
    "bad.example TXT v=spf1 a:192.0.2.1 -all\n"
    "badinc.example TXT v=spf1 include:bad.example\n"
    "slow.example TXT !timeout\n"
    "slowinc.example TXT v=spf1 ip4:192.0.2.1 include:slow.example -all\n"
    "slowa.example TXT v=spf1 a:slowhost.example -all\nslowhost.example A !servfail\n"
    "voids.example TXT v=spf1 a:n1.example a:n2.example a:n3.example -all\n"
    "mxvoids.example TXT v=spf1 mx -all\nmxvoids.example MX 1 n1.example\n"
    "mxvoids.example MX 2 n2.example\nmxvoids.example MX 3 n3.example\n"
    "user.example TXT v=spf1 exists:%{l}._u.%{d} -all\n"
    "joe._u.user.example A 127.0.0.2\n"
    "ptr.example TXT v=spf1 ptr -all\n192.0.2.1 PTR host.ptr.example\n"
    "host.ptr.example A 192.0.2.1\n"
    "b\\195\\188cher.example TXT v=spf1 -all\n"
    "xn--bcher-kva.example TXT v=spf1 ip4:192.0.2.1 -all\n"
    "utf8why.example TXT v=spf1 -all exp=utf8text.example\nutf8text.example TXT no %{l} %{L}\n"
    "helo.example TXT v=spf1 ip4:192.0.2.1 -all\n"
    "loop.example TXT v=spf1 include:loop.example\n"
    "odd.example TXT v=spf1 include:%{h}.example ~all\n";

static void check(struct zone_world *world, const char *client, const char *sender,
                  struct spf_verdict *verdict)
{
    struct spf_question question = {.helo = SLICE("helo.example"),
                                    .sender = slice_from_cstr(sender),
                                    .receiver = SLICE("mx.receiver.example"),
                                    .seconds = 1700000000};

    assert_true(trust_ip_parse(slice_from_cstr(client), &question.client));
    assert_int_equal(spf_check(&question, &world->names, &world->arena, verdict), 0);
}

static void test_results(void **state)
{
    static const struct {
        const char *client, *sender;
        enum spf_result result;
        const char *term, *problem;
    } cases[] = {
        {"192.0.2.1", "joe@v4.example", SPF_PASS, "ip4:192.0.2.0/24", ""},
        {"192.0.3.1", "joe@V4.example", SPF_FAIL, "-all", ""},
        {"::ffff:192.0.2.1", "joe@v4.example", SPF_PASS, "ip4:192.0.2.0/24", ""},
        {"2001:db8::1", "joe@v6.example", SPF_PASS, "ip6:2001:db8::/32", ""},
        {"192.0.2.1", "joe@v6.example", SPF_SOFTFAIL, "~all", ""},
        {"192.0.2.20", "joe@mx.example", SPF_PASS, "mx", ""},
        {"2001:db8::20", "joe@mx.example", SPF_PASS, "mx", ""},
        {"192.0.2.1", "joe@mx.example", SPF_NEUTRAL, "?all", ""},
        {"2001:db8::1", "joe@redir.example", SPF_PASS, "include:V6.Example", ""},
        {"192.0.2.1", "joe@none.example", SPF_NONE, "", "the domain has no SPF record"},
        {"192.0.2.1", "joe@nobody.example", SPF_NONE, "", "the domain has no SPF record"},
        {"192.0.2.1", "joe@[192.0.2.1]", SPF_NONE, "",
         "there is no domain with several labels to ask about"},
        {"192.0.2.1", "joe@two.example", SPF_PERMERROR, "",
         "in the record of two.example: there are several SPF records, and one is allowed"},
        {"192.0.2.1", "joe@bad.example", SPF_PERMERROR, "a:192.0.2.1",
         "in the record of bad.example: \"a:192.0.2.1\": its name ends in a number; an address "
         "belongs behind ip4: or ip6:"},
        {"192.0.2.1", "joe@badinc.example", SPF_PERMERROR, "include:bad.example",
         "in the record of bad.example: \"a:192.0.2.1\": its name ends in a number; an address "
         "belongs behind ip4: or ip6:"},
        {"192.0.2.1", "joe@slow.example", SPF_TEMPERROR, "",
         "in the record of slow.example: the DNS gives no answer for slow.example now: no answer "
         "in "
         "time"},
        {"192.0.2.1", "joe@slowinc.example", SPF_PASS, "ip4:192.0.2.1", ""},
        {"192.0.2.2", "joe@slowinc.example", SPF_TEMPERROR, "include:slow.example",
         "in the record of slow.example: the DNS gives no answer for slow.example now: no answer "
         "in "
         "time"},
        {"192.0.2.2", "joe@slowa.example", SPF_TEMPERROR, "a:slowhost.example",
         "in the record of slowa.example: \"a:slowhost.example\": the DNS gives no answer for "
         "slowhost.example now: SERVFAIL"},
        {"192.0.2.1", "joe@voids.example", SPF_PERMERROR, "a:n3.example",
         "in the record of voids.example: \"a:n3.example\": more than 2 questions to the DNS found "
         "nothing (RFC 7208 section 4.6.4)"},
        {"192.0.2.1", "joe@mxvoids.example", SPF_PERMERROR, "mx",
         "in the record of mxvoids.example: \"mx\": more than 2 questions to the DNS found nothing "
         "(RFC 7208 section 4.6.4)"},
        {"192.0.2.1", "joe@loop.example", SPF_PERMERROR, "include:loop.example",
         "in the record of loop.example: \"include:loop.example\": more than 10 terms ask the DNS "
         "(RFC 7208 section 4.6.4)"},
        {"192.0.2.1", "joe@user.example", SPF_PASS, "exists:%{l}._u.%{d}", ""},
        {"192.0.2.1", "jim@user.example", SPF_FAIL, "-all", ""},
        {"192.0.2.1",
         "j\xc3\xb6"
         "e@user.example",
         SPF_FAIL, "-all", ""},
        {"192.0.2.1", "joe@ptr.example", SPF_PASS, "ptr", ""},
        {"192.0.2.1",
         "joe@b\xc3\xbc"
         "cher.example",
         SPF_PASS, "ip4:192.0.2.1", ""},
        {"192.0.2.1",
         "joe@b\xc3"
         "cher.example",
         SPF_NONE, "", "the domain has no SPF record"},
        {"192.0.2.1", "\"joe@x\"@v4.example", SPF_PASS, "ip4:192.0.2.0/24", ""},
        {"192.0.2.1", "v4.example", SPF_PASS, "ip4:192.0.2.0/24", ""},
        {"192.0.2.1", "", SPF_PASS, "ip4:192.0.2.1", ""},
        {"192.0.2.1", "joe@odd.example", SPF_PERMERROR, "include:%{h}.example",
         "in the record of odd.example: \"include:%{h}.example\": there is no SPF record"},
    };
    struct zone_world world;

    (void)state;
    zone_world_open(&world, records);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct spf_verdict verdict;
        check(&world, cases[i].client, cases[i].sender, &verdict);
        if (verdict.result != cases[i].result ||
            !slice_eq(verdict.term, slice_from_cstr(cases[i].term)) ||
            !slice_eq(verdict.problem, slice_from_cstr(cases[i].problem)))
            fail_msg("%s from %s: %s, \"%.*s\", %.*s", cases[i].sender, cases[i].client,
                     spf_result_name(verdict.result), SLICE_ARG(verdict.term),
                     SLICE_ARG(verdict.problem));
    }
    zone_world_close(&world);
}

static void test_verdict(void **state)
{
    struct zone_world world;
    struct spf_verdict verdict;

    (void)state;
    zone_world_open(&world, records);
    check(&world, "192.0.3.1", "Joe@Redir.example", &verdict);
    assert_int_equal(verdict.result, SPF_FAIL);
    assert_true(slice_eq(verdict.domain, SLICE("redir.example")));
    assert_true(slice_eq(verdict.record, SLICE("v=spf1 redirect=inc.example")));
    assert_true(
        slice_eq(verdict.explanation, SLICE("192.0.3.1 may not send for Joe@Redir.example, says "
                                            "mx.receiver.example at 1700000000")));
    assert_int_equal(verdict.lookups, 3);
    assert_int_equal(verdict.void_lookups, 0);
    check(&world, "192.0.3.1", "j\xc3\xb6@utf8why.example", &verdict);
    assert_true(slice_eq(verdict.explanation, SLICE("no j?? j%C3%B6")));
    check(&world, "192.0.3.1",
          "joe@b\xc3\xbc"
          "cher.example",
          &verdict);
    assert_true(slice_eq(verdict.domain, SLICE("xn--bcher-kva.example")));
    zone_world_close(&world);
}

static void test_helo(void **state)
{
    struct zone_world world;
    struct spf_verdict verdict;
    struct spf_question question = {
        .identity = SPF_HELO, .helo = SLICE("HELO.example."), .sender = SLICE("joe@v4.example")};

    (void)state;
    zone_world_open(&world, records);
    assert_true(trust_ip_parse(SLICE("192.0.2.2"), &question.client));
    assert_int_equal(spf_check(&question, &world.names, &world.arena, &verdict), 0);
    assert_int_equal(verdict.result, SPF_FAIL);
    assert_int_equal(verdict.identity, SPF_HELO);
    assert_true(slice_eq(verdict.domain, SLICE("helo.example")));
    question.helo = SLICE("");
    assert_int_equal(spf_check(&question, &world.names, &world.arena, &verdict), 0);
    assert_int_equal(verdict.result, SPF_NONE);
    zone_world_close(&world);
}

struct pending {
    struct trust_names names;
    unsigned asked, known;
};

static int ask_pending(void *arg, struct slice name, enum trust_type type,
                       const struct trust_answer **ret_answer)
{
    struct pending *pending = arg;

    if (pending->asked++ >= pending->known)
        return -EAGAIN;
    return trust_ask(&pending->names, name, type, ret_answer);
}

/* Terms behind one that waits are asked for at the same time. */
static void test_asks_side_by_side(void **state)
{
    struct zone_world world;
    struct pending pending = {.known = 1};
    const struct trust_names names = {.ask = ask_pending, .arg = &pending};
    struct spf_question question = {.sender = SLICE("joe@voids.example")};
    struct spf_verdict verdict;

    (void)state;
    zone_world_open(&world, records);
    pending.names = world.names;
    assert_true(trust_ip_parse(SLICE("192.0.2.2"), &question.client));
    assert_int_equal(spf_check(&question, &names, &world.arena, &verdict), -EAGAIN);
    assert_int_equal(pending.asked, 4);
    question.sender = SLICE("joe@mx.example");
    pending.asked = 0;
    pending.known = 2;
    assert_int_equal(spf_check(&question, &names, &world.arena, &verdict), -EAGAIN);
    assert_int_equal(pending.asked, 5); /* TXT, MX, two hosts, the first of them again */
    zone_world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_helo),
        cmocka_unit_test(test_asks_side_by_side),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
