#include "io/tls_tickets.h"

#include "../cmocka_all.h"

#include <string.h>

enum { START_MS = 5000 };

static struct tls_ticket_key seal_at(uint64_t now_ms)
{
    struct tls_ticket_key key;

    assert_true(tls_tickets_seal_key(now_ms, &key));
    return key;
}

static bool same(const struct tls_ticket_key *a, const struct tls_ticket_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void test_a_key_seals_for_an_hour_and_opens_for_three(void **state)
{
    static const struct {
        uint64_t age_ms;
        bool opens, old;
    } cases[] = {
        {0, true, false},
        {TLS_TICKET_SEAL_MS - 1, true, false},
        {TLS_TICKET_SEAL_MS, true, true},
        {TLS_TICKET_OPEN_MS - 1, true, true},
        {TLS_TICKET_OPEN_MS, false, false},
        {UINT32_MAX, false, false},
    };
    struct tls_ticket_key first = seal_at(START_MS), again = seal_at(START_MS + 1), found;

    (void)state;
    assert_true(same(&first, &again));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool old = false;
        bool opens = tls_tickets_open_key(first.name, START_MS + cases[i].age_ms, &found, &old);
        assert_int_equal(opens, cases[i].opens);
        assert_int_equal(old, cases[i].old);
        if (opens)
            assert_true(same(&found, &first));
    }
}

static void test_every_hour_has_its_key_and_three_are_good(void **state)
{
    enum { HOURS = 10 };
    const uint64_t begin = 100 * (uint64_t)TLS_TICKET_SEAL_MS;
    struct tls_ticket_key keys[HOURS], found;
    bool old;

    (void)state;
    for (int hour = 0; hour < HOURS; hour++) {
        uint64_t now = begin + (uint64_t)hour * TLS_TICKET_SEAL_MS;
        keys[hour] = seal_at(now);
        for (int i = 0; i <= hour; i++) {
            assert_int_equal(same(&keys[i], &keys[hour]), i == hour);
            assert_int_equal(tls_tickets_open_key(keys[i].name, now, &found, &old), i > hour - 3);
        }
    }
}

/* Of two threads that begin an hour the second may have read the clock first. */
static void test_a_clock_that_is_behind_is_no_new_hour(void **state)
{
    const uint64_t begin = 200 * (uint64_t)TLS_TICKET_SEAL_MS;
    struct tls_ticket_key key = seal_at(begin), late = seal_at(begin - 1), found;
    bool old = true;

    (void)state;
    assert_true(same(&key, &late));
    assert_true(tls_tickets_open_key(key.name, begin - 1, &found, &old));
    assert_false(old);
}

static void test_an_unknown_name_opens_nothing(void **state)
{
    const uint64_t now = 300 * (uint64_t)TLS_TICKET_SEAL_MS;
    struct tls_ticket_key key = seal_at(now), found;
    bool old;

    (void)state;
    for (size_t i = 0; i < TLS_TICKET_NAME_BYTES; i++) {
        key.name[i] ^= 1;
        assert_false(tls_tickets_open_key(key.name, now, &found, &old));
        key.name[i] ^= 1;
    }
    assert_true(tls_tickets_open_key(key.name, now, &found, &old));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_seals_for_an_hour_and_opens_for_three),
        cmocka_unit_test(test_every_hour_has_its_key_and_three_are_good),
        cmocka_unit_test(test_a_clock_that_is_behind_is_no_new_hour),
        cmocka_unit_test(test_an_unknown_name_opens_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
