#include "dns/answer_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { NOW = 1000000 };

static void test_an_answer_lives_as_long_as_its_ttl(void **state)
{
    struct slice record = SLICE("\0\12\2mx\0");
    struct dns_answer answer = {.result = DNS_FOUND,
                                .security = DNS_SECURE,
                                .canonical = SLICE("other.example"),
                                .ttl_s = 30,
                                .records = &record,
                                .n_records = 1};
    struct answer_cache *cache = answer_cache_new();
    struct dns_answer found;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    answer_cache_put(cache, "a.example", DNS_MX, NOW, &answer);
    assert_true(answer_cache_find(cache, "a.example", DNS_MX, NOW + 10500, &arena, &found));
    assert_int_equal(found.ttl_s, 20);
    assert_int_equal(found.security, DNS_SECURE);
    assert_true(slice_eq(found.canonical, answer.canonical));
    assert_int_equal(found.n_records, 1);
    assert_true(slice_eq(found.records[0], record));
    assert_false(answer_cache_find(cache, "a.example", DNS_A, NOW, &arena, &found));
    assert_false(answer_cache_find(cache, "b.example", DNS_MX, NOW, &arena, &found));
    assert_false(answer_cache_find(cache, "a.example", DNS_MX, NOW + 30000, &arena, &found));
    answer_cache_clear(cache);
    assert_false(answer_cache_find(cache, "a.example", DNS_MX, NOW, &arena, &found));
    arena_done(&arena);
    answer_cache_free(cache);
}

static void test_how_long_each_kind_lives(void **state)
{
    static const struct {
        enum dns_result result;
        uint32_t ttl_s;
        uint64_t lives_ms;
    } cases[] = {
        {DNS_FOUND, 0, 0},
        {DNS_FOUND, 86400, 3600000},
        {DNS_NO_NAME, 60, 60000},
        {DNS_NO_DATA, 60, 60000},
        {DNS_TIMEOUT, 60, 0},
        {DNS_FAILED, 0, ANSWER_CACHE_FAILURE_MS},
        {DNS_FAILED, 600, ANSWER_CACHE_FAILURE_MS},
    };
    struct dns_answer found;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dns_answer answer = {.result = cases[i].result, .ttl_s = cases[i].ttl_s};
        struct answer_cache *cache = answer_cache_new();
        uint64_t lives = cases[i].lives_ms;
        answer_cache_put(cache, "a", DNS_A, NOW, &answer);
        if (lives)
            assert_true(answer_cache_find(cache, "a", DNS_A, NOW + lives - 1, &arena, &found));
        assert_false(answer_cache_find(cache, "a", DNS_A, NOW + lives, &arena, &found));
        answer_cache_free(cache);
    }
    arena_done(&arena);
}

static void test_many_answers_keep_within_bounds(void **state)
{
    struct dns_answer answer = {.result = DNS_NO_NAME, .ttl_s = 60};
    struct answer_cache *cache = answer_cache_new();
    struct dns_answer found;
    unsigned kept = 0;
    struct arena arena;
    char name[32];

    (void)state;
    arena_init(&arena);
    for (unsigned i = 0; i < 50000; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        answer_cache_put(cache, name, DNS_MX, NOW + i, &answer);
        assert_true(answer_cache_find(cache, name, DNS_MX, NOW + i, &arena, &found));
    }
    for (unsigned i = 0; i < 50000; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        kept += answer_cache_find(cache, name, DNS_MX, NOW + 50000, &arena, &found);
    }
    assert_in_range(kept, 10000, 20000);
    arena_done(&arena);
    answer_cache_free(cache);
}

static void test_huge_answers_are_left_out(void **state)
{
    static char bytes[10000];
    struct slice record = slice_from(bytes, sizeof(bytes));
    struct dns_answer answer = {
        .result = DNS_FOUND, .ttl_s = 60, .records = &record, .n_records = 1};
    struct answer_cache *cache = answer_cache_new();
    struct dns_answer found;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    answer_cache_put(cache, "a", DNS_TXT, NOW, &answer);
    assert_false(answer_cache_find(cache, "a", DNS_TXT, NOW, &arena, &found));
    arena_done(&arena);
    answer_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_lives_as_long_as_its_ttl),
        cmocka_unit_test(test_how_long_each_kind_lives),
        cmocka_unit_test(test_many_answers_keep_within_bounds),
        cmocka_unit_test(test_huge_answers_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
