#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static void test_memory_is_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 1008, 1009, 70000, 1 << 20, 3};
    unsigned char *got[sizeof(sizes) / sizeof(sizes[0])];
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        got[i] = arena_alloc(&arena, sizes[i]);
        assert_non_null(got[i]);
        assert_int_equal((uintptr_t)got[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(got[i][k], 0);
        memset(got[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(got[i][k], i + 1);
    }
    arena_done(&arena);
}

static void test_used_counts_until_reset(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(arena.used, 0);
    arena_alloc(&arena, 100);
    assert_in_range(arena.used, 100, 116);
    arena_alloc(&arena, 100000);
    assert_in_range(arena.used, 100100, 100132);
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    arena_done(&arena);
}

/* Small use after a reset takes the block that was kept, and finds it zeroed again. */
static void test_reset_keeps_a_small_block(void **state)
{
    struct arena arena;
    char *first;
    char *again;

    (void)state;
    arena_init(&arena);
    arena_reset(&arena); /* of nothing */
    first = arena_alloc(&arena, 64);
    memset(first, 'x', 64);
    arena_reset(&arena);
#if defined(__SANITIZE_ADDRESS__)
    assert_true(__asan_address_is_poisoned(first));
#endif
    again = arena_alloc(&arena, 64);
    assert_ptr_equal(first, again);
    assert_int_equal(again[0], 0);
    assert_int_equal(again[63], 0);

    arena_alloc(&arena, 100000);
    arena_reset(&arena);
    assert_null(arena.blocks); /* a large one is not kept */
    arena_done(&arena);
}

static void test_strings(void **state)
{
    struct arena arena;
    struct slice copy;
    char text[] = "a\0b";

    (void)state;
    arena_init(&arena);
    copy = arena_dup(&arena, slice_from(text, 3));
    text[0] = 'x';
    assert_true(slice_eq(copy, SLICE("a\0b")));
    assert_int_equal(arena_dup(&arena, SLICE_NULL).len, 0);
    assert_string_equal(arena_cstr(&arena, SLICE("abc")), "abc");
    assert_string_equal(arena_cstr(&arena, SLICE_NULL), "");
    copy = arena_printf(&arena, "%s-%05d-%.*s", "a", 42, SLICE_ARG(SLICE("xyz")));
    assert_true(slice_eq(copy, SLICE("a-00042-xyz")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(test_used_counts_until_reset),
        cmocka_unit_test(test_reset_keeps_a_small_block),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
