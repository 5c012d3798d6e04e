/* TLSA look-ups: which names are asked, what DNSSEC makes of the answers. */
#include "relay/tlsa.h"

#include "base/clock.h"
#include "dns/dns_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TLSA   .type = DNS_TLSA
#define SECURE .security = DNS_SECURE

static const struct dns_fake_entry names[] = {
    {"_25._tcp.good.test", TLSA, .data = "3 1 1 " DIGEST, SECURE},
    {"_25._tcp.good.test", TLSA, .data = "1 1 1 " DIGEST, SECURE},
    {"_2525._tcp.port.test", TLSA, .data = "2 0 1 " DIGEST, SECURE},
    {"_25._tcp.insecure.test", TLSA, .data = "3 1 1 " DIGEST},
    {"_25._tcp.unusable.test", TLSA, .data = "1 1 1 " DIGEST, SECURE},
    {"_25._tcp.unusable.test", TLSA, .data = "3 1 1 abcd", SECURE},
    {"_25._tcp.bogus.test", TLSA, .result = DNS_FAILED, .security = DNS_BOGUS,
     .why = "signature expired"},
    {"_25._tcp.servfail.test", TLSA, .result = DNS_FAILED},
    {"_25._tcp.slow.test", TLSA, .data = "3 1 1 " DIGEST, .delay_ms = 60000},
    {"alias.test", .type = DNS_CNAME, .data = "cloud.test", SECURE},
    {"_25._tcp.alias.test", TLSA, .data = "3 0 1 " DIGEST, SECURE},
    {"plain.test", .type = DNS_CNAME, .data = "cloud.test"},
    {"_25._tcp.plain.test", TLSA, .data = "3 0 1 " DIGEST, SECURE},
};

static void test_answers(void **state)
{
    static const struct {
        const char *host, *canonical;
        bool insecure; /* the addresses are */
        uint16_t port;
        enum tlsa_state state;
        const char *base, *text;
    } cases[] = {
        {"good.test", "", false, 25, TLSA_USABLE, "good.test", "3 1 1 " DIGEST},
        {"good.test", "good.test", false, 25, TLSA_USABLE, "good.test", "3 1 1 " DIGEST},
        {"good.test", "", false, 587, TLSA_NONE, "", ""},
        {"good.test", "", true, 25, TLSA_NONE, "", ""},
        {"port.test", "", false, 2525, TLSA_USABLE, "port.test", "2 0 1 " DIGEST},
        {"insecure.test", "", false, 25, TLSA_NONE, "", ""},
        {"unusable.test", "", false, 25, TLSA_UNUSABLE, "unusable.test", ""},
        {"bogus.test", "", false, 25, TLSA_FAILED, "", ""},
        {"servfail.test", "", false, 25, TLSA_FAILED, "", ""},
        {"slow.test", "", false, 25, TLSA_FAILED, "", ""},
        {"nothing.test", "", false, 25, TLSA_NONE, "", ""},
        /* The expanded name comes first, then the original (RFC 7672 section 2.2.2). */
        {"alias.test", "good.test", false, 25, TLSA_USABLE, "good.test", "3 1 1 " DIGEST},
        {"alias.test", "nothing.test", false, 25, TLSA_USABLE, "alias.test", "3 0 1 " DIGEST},
        {"alias.test", "insecure.test", false, 25, TLSA_USABLE, "alias.test", "3 0 1 " DIGEST},
        {"alias.test", "bogus.test", false, 25, TLSA_FAILED, "", ""},
        /* A signed alias that leads to an unsigned zone, and an unsigned one. */
        {"alias.test", "good.test", true, 25, TLSA_USABLE, "alias.test", "3 0 1 " DIGEST},
        {"plain.test", "good.test", true, 25, TLSA_NONE, "", ""},
    };
    struct dns *dns = dns_fake_new(names, sizeof(names) / sizeof(names[0]));

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlsa_question question = {.host = slice_from_cstr(cases[i].host),
                                         .canonical = slice_from_cstr(cases[i].canonical),
                                         .port = cases[i].port,
                                         .address_secure = !cases[i].insecure,
                                         .deadline = clock_mono_ms() + 100};
        struct tlsa_answer answer;
        struct arena arena;

        arena_init(&arena);
        tlsa_find(dns, &question, &arena, &answer);
        if (answer.state != cases[i].state)
            fail_msg("case %zu: %d", i, answer.state);
        assert_true(slice_eq(answer.base, slice_from_cstr(cases[i].base)));
        assert_true(slice_eq(tlsa_to_text(answer.list, answer.count, &arena),
                             slice_from_cstr(cases[i].text)));
        assert_int_equal(answer.why.len > 0, cases[i].state == TLSA_FAILED);
        assert_true(slice_eq(answer.unusable, cases[i].state == TLSA_UNUSABLE
                                                  ? SLICE("1 1 1 " DIGEST "\n3 1 1 abcd")
                                                  : SLICE_NULL));
        arena_done(&arena);
    }
    dns_free(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
