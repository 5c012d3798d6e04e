#include "trust/dkim_tags.h"

#include "../cmocka_all.h"

#include <string.h>

static void test_lists(void **state)
{
    static const struct {
        struct slice text;
        const char *wrong;
        unsigned count;
    } cases[] = {
        {SLICE_INIT("a=1"), NULL, 1},
        {SLICE_INIT("a=1;"), NULL, 1},
        {SLICE_INIT(" a = 1 ; b=2 ;\r\n "), NULL, 2},
        {SLICE_INIT("\r\n\ta\r\n =\r\n\t1;B=;a_1=x=y"), NULL, 3},
        {SLICE_INIT("a=;b=\xc3\xa4"), NULL, 2},
        {SLICE_INIT("a=1;A=2"), NULL, 2},
        {SLICE_INIT(""), "a tag has no \"=\"", 0},
        {SLICE_INIT(";"), "a tag has no \"=\"", 0},
        {SLICE_INIT("a=1;;"), "a tag has no \"=\"", 0},
        {SLICE_INIT("a=1;;b=2"), "a tag has no \"=\"", 0},
        {SLICE_INIT("a=1; b"), "a tag has no \"=\"", 0},
        {SLICE_INIT("a=1;b=2;a=3"), "a tag is there twice", 0},
        {SLICE_INIT("=1"), "a tag's name is none", 0},
        {SLICE_INIT("1a=1"), "a tag's name is none", 0},
        {SLICE_INIT("a-b=1"), "a tag's name is none", 0},
        {SLICE_INIT("a b=1"), "a tag's name is none", 0},
        {SLICE_INIT("a=\x01"), "a tag's value has control bytes", 0},
        {SLICE_INIT("a=b\0c"), "a tag's value has control bytes", 0},
    };
    struct dkim_tags tags;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wrong = dkim_tags_read(cases[i].text, &tags);
        if (!wrong != !cases[i].wrong || (wrong && strcmp(wrong, cases[i].wrong) != 0) ||
            (!wrong && tags.count != cases[i].count))
            fail_msg("%zu: %s", i, wrong ? wrong : "fine");
    }
    assert_null(dkim_tags_read(SLICE("b = x y ; c=z"), &tags));
    assert_true(slice_eq(tags.list[0].place, SLICE(" x y ")));
    assert_true(slice_eq(tags.list[0].value, SLICE("x y")));
    assert_null(dkim_tags_find(&tags, "d"));
}

static void test_too_many(void **state)
{
    struct dkim_tags tags;
    struct buf text;

    (void)state;
    buf_init(&text, 4096);
    for (unsigned i = 0; i < DKIM_TAGS_MAX; i++)
        buf_printf(&text, "t%u=;", i);
    assert_null(dkim_tags_read(buf_slice(&text), &tags));
    buf_add_cstr(&text, "x=");
    assert_string_equal(dkim_tags_read(buf_slice(&text), &tags), "there are too many tags");
    buf_done(&text);
}

static void test_base64(void **state)
{
    static const struct {
        struct slice value;
        bool good;
        struct slice bytes;
    } cases[] = {
        {SLICE_INIT("YWJj"), true, SLICE_INIT("abc")},
        {SLICE_INIT(" Y W\r\n\tJj\t"), true, SLICE_INIT("abc")},
        {SLICE_INIT("YWI="), true, SLICE_INIT("ab")},
        {SLICE_INIT("YWI"), true, SLICE_INIT("ab")},
        {SLICE_INIT("YQ = ="), true, SLICE_INIT("a")},
        {SLICE_INIT(""), true, SLICE_INIT("")},
        {SLICE_INIT("YWJjY"), false, SLICE_INIT("")},
        {SLICE_INIT("YW-j"), false, SLICE_INIT("")},
        {SLICE_INIT("YQ==YQ=="), false, SLICE_INIT("")},
        {SLICE_INIT("YWI==="), false, SLICE_INIT("")},
    };
    struct arena arena;
    struct slice bytes;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (dkim_base64(cases[i].value, &arena, &bytes) != cases[i].good ||
            (cases[i].good && !slice_eq(bytes, cases[i].bytes)))
            fail_msg("%.*s", SLICE_ARG(cases[i].value));
    }
    arena_done(&arena);
}

static void test_values(void **state)
{
    struct slice list = SLICE("from : To\r\n :\tsubject");
    struct arena arena;
    struct slice text;
    uint64_t n;

    (void)state;
    arena_init(&arena);
    assert_true(slice_eq(dkim_list_cut(&list), SLICE("from")));
    assert_true(slice_eq(dkim_list_cut(&list), SLICE("To")));
    assert_true(slice_eq(dkim_list_cut(&list), SLICE("subject")));
    assert_null(list.ptr);
    assert_true(dkim_list_has(SLICE("y : s"), SLICE("s")));
    assert_false(dkim_list_has(SLICE("y : s"), SLICE("S")));
    assert_true(dkim_number(SLICE("012"), 100, &n) && n == 12);
    assert_true(dkim_number(SLICE("99999999999999999999999"), 100, &n) && n == 100);
    assert_false(dkim_number(SLICE(""), 100, &n));
    assert_false(dkim_number(SLICE("-1"), 100, &n));
    assert_false(dkim_number(SLICE("1 2"), 100, &n));
    assert_true(dkim_unquote(SLICE("a=20b=\r\n =3D@c=3B"), &arena, &text) == false);
    assert_true(dkim_unquote(SLICE("a=20b\r\n =3D@c=3B"), &arena, &text));
    assert_true(slice_eq(text, SLICE("a b=@c;")));
    assert_false(dkim_unquote(SLICE("=4"), &arena, &text));
    assert_false(dkim_unquote(SLICE("=4g"), &arena, &text));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
