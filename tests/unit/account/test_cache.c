#include "../cmocka_all.h"

#include "account/cache.h"

static void test_what_was_put_is_found_until_it_is_cleared(void **state)
{
    struct cache *cache = cache_new();
    struct slice value;

    (void)state;
    assert_false(cache_get(cache, SLICE("a"), &value));
    cache_put(cache, SLICE("a"), SLICE("one"));
    cache_put(cache, SLICE("a"), SLICE("two"));
    assert_true(cache_get(cache, SLICE("a"), &value));
    assert_true(slice_eq(value, SLICE("two")));
    assert_false(cache_get(cache, SLICE("b"), &value));
    cache_clear(cache);
    assert_false(cache_get(cache, SLICE("a"), &value));
    cache_free(cache);
}

static void test_places_are_limited_and_keys_never_confused(void **state)
{
    struct cache *cache = cache_new();
    char key[32];
    int found = 0;

    (void)state;
    for (int i = 0; i < 3 * CACHE_PLACES; i++) {
        int n = snprintf(key, sizeof(key), "user%d@example.org", i);
        cache_put(cache, slice_from(key, (size_t)n), slice_from(key, (size_t)n));
    }
    for (int i = 0; i < 3 * CACHE_PLACES; i++) {
        int n = snprintf(key, sizeof(key), "user%d@example.org", i);
        struct slice value;
        if (!cache_get(cache, slice_from(key, (size_t)n), &value))
            continue;
        assert_true(slice_eq(value, slice_from(key, (size_t)n)));
        found++;
    }
    assert_in_range(found, 1, CACHE_PLACES);
    cache_free(cache);
}

static void test_large_answers_are_not_kept(void **state)
{
    static char large[CACHE_ENTRY_MAX + 1];
    struct cache *cache = cache_new();
    struct slice value;

    (void)state;
    cache_put(cache, SLICE("a"), slice_from(large, CACHE_ENTRY_MAX));
    assert_false(cache_get(cache, SLICE("a"), &value));
    cache_put(cache, SLICE("a"), slice_from(large, CACHE_ENTRY_MAX - 1));
    assert_true(cache_get(cache, SLICE("a"), &value));
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_found_until_it_is_cleared),
        cmocka_unit_test(test_places_are_limited_and_keys_never_confused),
        cmocka_unit_test(test_large_answers_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
