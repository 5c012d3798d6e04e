/* Questions under way, remembered answers, bounds, and who goes first: the owner or the answer. */
#include "policy/names.h"

#include "base/clock.h"
#include "dns/dns_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

static const struct dns_fake_entry script[] = {
    {"Example.org", .type = DNS_TXT, .data = "v=spf1 -all"},
    {"example.org", .type = DNS_MX, .data = "10 MX.example.org."},
    {"four.example.org", "192.0.2.1"},
    {"six.example.org", "2001:db8::1"},
    {"1.2.0.192.in-addr.arpa", .type = DNS_PTR, .data = "Four.example.org."},
    {"broken.example.org", .result = DNS_FAILED, .why = "SERVFAIL"},
    {"slow.example.org", .type = DNS_TXT, .data = "late", .delay_ms = 50},
    {"never.example.org", .type = DNS_TXT, .data = "x", .delay_ms = 300},
};

static atomic_uint woken;

static void wake(void *arg)
{
    (void)arg;
    woken++;
}

static struct dns *make_dns(void)
{
    return dns_fake_new(script, sizeof(script) / sizeof(script[0]));
}

static struct names *make_names(struct dns *dns, bool waits)
{
    struct names_options options = {.dns = dns, .wake = wake, .waits = waits};

    woken = 0;
    return names_new(&options);
}

static const struct trust_answer *ask(struct names *names, const char *name, enum trust_type type)
{
    const struct trust_answer *answer = NULL;
    int r = trust_ask(names_of(names), slice_from_cstr(name), type, &answer);

    assert_true(r == 0 || r == -EAGAIN);
    assert_int_equal(answer == NULL, r == -EAGAIN);
    return answer;
}

static void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_nsec = (long)ms * 1000000};

    nanosleep(&t, NULL);
}

static void test_records(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, false);
    const struct trust_answer *answer;
    (void)state;

    answer = ask(names, "example.org", TRUST_TXT);
    assert_int_equal(answer->result, TRUST_FOUND);
    assert_true(slice_eq(answer->records[0].bytes, SLICE("v=spf1 -all")));
    answer = ask(names, "example.org", TRUST_MX);
    assert_int_equal(answer->records[0].preference, 10);
    assert_true(slice_eq(answer->records[0].bytes, SLICE("mx.example.org")));
    answer = ask(names, "four.example.org", TRUST_A);
    assert_memory_equal(answer->records[0].bytes.ptr, "\xc0\x00\x02\x01", 4);
    answer = ask(names, "six.example.org", TRUST_AAAA);
    assert_int_equal(answer->records[0].bytes.len, 16);
    answer = ask(names, "1.2.0.192.in-addr.arpa", TRUST_PTR);
    assert_true(slice_eq(answer->records[0].bytes, SLICE("four.example.org")));
    assert_int_equal(ask(names, "four.example.org", TRUST_MX)->result, TRUST_NO_DATA);
    assert_int_equal(ask(names, "none.example.org", TRUST_MX)->result, TRUST_NO_NAME);
    answer = ask(names, "broken.example.org", TRUST_MX);
    assert_int_equal(answer->result, TRUST_FAILED);
    assert_true(slice_eq(answer->why, SLICE("SERVFAIL")));
    names_end(names);
    dns_free(dns);
}

/* The same question in whatever spelling is asked once. */
static void test_remembered(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, false);
    const struct trust_answer *first = ask(names, "example.org", TRUST_TXT);
    char longest[300];
    (void)state;

    assert_ptr_equal(ask(names, "EXAMPLE.org.", TRUST_TXT), first);
    assert_int_equal(dns_numbers(dns).asked, 1);
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(ask(names, longest, TRUST_TXT)->result, TRUST_NO_NAME);
    names_end(names);
    dns_free(dns);
}

static void test_under_way(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, false);
    unsigned seen = names_come(names);
    (void)state;

    assert_null(ask(names, "slow.example.org", TRUST_TXT));
    names_await(names, seen);
    assert_int_equal(woken, 0);
    for (unsigned i = 0; i < 100 && !woken; i++)
        sleep_ms(5);
    assert_int_equal(woken, 1);
    assert_int_equal(ask(names, "slow.example.org", TRUST_TXT)->result, TRUST_FOUND);
    /* It came before somebody waited for it: he is woken at once. */
    names_await(names, seen);
    assert_int_equal(woken, 2);
    names_end(names);
    dns_free(dns);
}

static void test_waiting(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, true);
    (void)state;

    assert_int_equal(ask(names, "slow.example.org", TRUST_TXT)->result, TRUST_FOUND);
    assert_int_equal(woken, 0);
    names_end(names);
    dns_free(dns);
}

/* What comes too late changes nothing, and what was known stays known. */
static void test_given_up(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, false);
    (void)state;

    assert_non_null(ask(names, "example.org", TRUST_TXT));
    assert_null(ask(names, "slow.example.org", TRUST_TXT));
    names_give_up(names);
    assert_int_equal(ask(names, "slow.example.org", TRUST_TXT)->result, TRUST_FAILED);
    assert_int_equal(ask(names, "four.example.org", TRUST_A)->result, TRUST_FAILED);
    sleep_ms(100);
    assert_int_equal(ask(names, "slow.example.org", TRUST_TXT)->result, TRUST_FAILED);
    assert_int_equal(ask(names, "example.org", TRUST_TXT)->result, TRUST_FOUND);
    names_end(names);
    dns_free(dns);
}

/* The owner goes first; the answer finds nobody, and frees what is left. */
static void test_ended_under_way(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, false);
    (void)state;

    assert_null(ask(names, "never.example.org", TRUST_TXT));
    names_await(names, names_come(names));
    names_end(names);
    sleep_ms(350);
    assert_int_equal(woken, 0);
    dns_free(dns);
}

/* A further question waits until one of those under way is answered; it is asked then. */
static void test_busy(void **state)
{
    static struct dns_fake_entry slow[NAMES_UNDER_WAY_MAX + 1];
    static char names_of_them[NAMES_UNDER_WAY_MAX + 1][32];
    struct names *names;
    struct dns *dns;
    unsigned seen;
    (void)state;

    for (unsigned i = 0; i <= NAMES_UNDER_WAY_MAX; i++) {
        snprintf(names_of_them[i], sizeof(names_of_them[i]), "n%u.example.org", i);
        slow[i] = (struct dns_fake_entry){names_of_them[i], "192.0.2.1", .delay_ms = i ? 300 : 50};
    }
    dns = dns_fake_new(slow, NAMES_UNDER_WAY_MAX + 1);
    names = make_names(dns, false);
    seen = names_come(names);
    for (unsigned i = 0; i <= NAMES_UNDER_WAY_MAX; i++)
        assert_null(ask(names, names_of_them[i], TRUST_A));
    assert_int_equal(dns_numbers(dns).asked, NAMES_UNDER_WAY_MAX);
    names_await(names, seen);
    for (unsigned i = 0; i < 200 && !woken; i++)
        sleep_ms(5);
    assert_null(ask(names, names_of_them[NAMES_UNDER_WAY_MAX], TRUST_A));
    assert_int_equal(dns_numbers(dns).asked, NAMES_UNDER_WAY_MAX + 1);
    /* Who has no more patience does not wait for room either. */
    assert_null(ask(names, "another.example.org", TRUST_A));
    names_give_up(names);
    assert_int_equal(ask(names, "another.example.org", TRUST_A)->result, TRUST_FAILED);
    names_end(names);
    dns_free(dns);
}

static void test_too_many(void **state)
{
    struct dns *dns = make_dns();
    struct names *names = make_names(dns, false);
    char name[32];
    (void)state;

    for (unsigned i = 0; i < NAMES_QUESTIONS_MAX; i++) {
        snprintf(name, sizeof(name), "n%u.example.org", i);
        assert_int_equal(ask(names, name, TRUST_A)->result, TRUST_NO_NAME);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask(names, i ? "x.example.org" : "y.example.org", TRUST_A)->result,
                         TRUST_FAILED);
    assert_int_equal(dns_numbers(dns).asked, NAMES_QUESTIONS_MAX);
    assert_int_equal(ask(names, "n7.example.org", TRUST_A)->result, TRUST_NO_NAME);
    names_end(names);
    dns_free(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),   cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_under_way), cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_given_up),  cmocka_unit_test(test_ended_under_way),
        cmocka_unit_test(test_too_many),  cmocka_unit_test(test_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
