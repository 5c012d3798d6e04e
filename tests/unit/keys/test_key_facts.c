#include "keys/key_facts.h"

#include "../cmocka_all.h"

static void test_what_is_written_is_read(void **state)
{
    static const struct key_facts list[] = {
        {.made_s = 1795341600},
        {.made_s = 1, .seen_s = 2, .retired_s = 3, .sender = SLICE_INIT("j\"o@example.org")},
        {.made_s = 4102444800, .sender = SLICE_INIT("b\xc3\xbc\x63her@example.org")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        struct key_facts got;
        struct arena arena;
        struct buf text;
        arena_init(&arena);
        buf_init(&text, KEY_FACTS_MAX);
        key_facts_write(&text, &list[i]);
        assert_true(key_facts_read(buf_slice(&text), &arena, &got));
        assert_int_equal(got.made_s, list[i].made_s);
        assert_int_equal(got.seen_s, list[i].seen_s);
        assert_int_equal(got.retired_s, list[i].retired_s);
        assert_true(slice_eq(got.sender, list[i].sender));
        buf_done(&text);
        arena_done(&arena);
    }
}

static void test_what_is_unclear_is_no_fact(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"{}", true},
        {"{\"made\": 5, \"later\": [1]}", true},
        {"", false},
        {"[]", false},
        {"{\"made\": \"5\"}", false},
        {"{\"made\": -5}", false},
        {"{\"made\": 5.5}", false},
        {"{\"sender\": null}", false},
        {"{\"sender\": \"\"}", false},
        {"{\"sender\": 7}", false},
        {"{\"made\": 5", false},
        {"{\"sender\": \"a@b.example\", \"sender\": \"c@b.example\"}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct key_facts got;
        struct arena arena;
        arena_init(&arena);
        assert_int_equal(key_facts_read(slice_from_cstr(cases[i].text), &arena, &got),
                         cases[i].good);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_what_is_unclear_is_no_fact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
