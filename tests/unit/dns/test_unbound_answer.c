/* libunbound's results as answers: how long an absence is known. */
#include "dns/unbound_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { NXDOMAIN = 3 };

static uint32_t ttl_of_absence(int ttl, unsigned char n_authority)
{
    unsigned char packet[12] = {[9] = n_authority};
    struct ub_result result = {.rcode = NXDOMAIN,
                               .nxdomain = 1,
                               .ttl = ttl,
                               .answer_packet = packet,
                               .answer_len = sizeof(packet)};
    struct dns_answer answer;
    struct arena arena;

    arena_init(&arena);
    answer = unbound_answer(0, &result, "x.example", &arena);
    arena_done(&arena);
    assert_int_equal(answer.result, DNS_NO_NAME);
    return answer.ttl_s;
}

/* 0 is "not any more" where an SOA record said for how long, and "nobody says" without one. */
static void test_an_absence_lives_as_long_as_its_soa_says(void **state)
{
    (void)state;
    assert_int_equal(ttl_of_absence(30, 1), 30);
    assert_int_equal(ttl_of_absence(0, 1), 0);
    assert_int_equal(ttl_of_absence(0, 0), 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_absence_lives_as_long_as_its_soa_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
