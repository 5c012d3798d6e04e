#include "../cmocka_all.h"

#include "config/statement.h"

/* The tree as text: word(values){block}line for each statement. */
static struct slice tree(struct arena *arena, const struct statement *first)
{
    struct slice all = SLICE("");

    for (const struct statement *s = first; s; s = s->next) {
        all = arena_printf(arena, "%.*s%.*s(", SLICE_ARG(all), SLICE_ARG(s->word));
        for (size_t i = 0; i < s->n_values; i++)
            all = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(all), i ? "," : "",
                               SLICE_ARG(s->values[i]));
        all = arena_printf(arena, "%.*s)", SLICE_ARG(all));
        if (s->has_block)
            all =
                arena_printf(arena, "%.*s{%.*s}", SLICE_ARG(all), SLICE_ARG(tree(arena, s->block)));
        all = arena_printf(arena, "%.*s%u ", SLICE_ARG(all), s->source.line);
    }
    return all;
}

static void test_statements_end_at_lines_semicolons_and_braces(void **state)
{
    static const struct {
        const char *text, *want;
        unsigned problems;
    } cases[] = {
        {"", "", 0},
        {"\n;;\n# x\n", "", 0},
        {"a b c\nd", "a(b,c)1 d()2 ", 0},
        {"a b; c d", "a(b)1 c(d)1 ", 0},
        {"a { b 1; c 2 }\nd", "a(){b(1)1 c(2)1 }1 d()2 ", 0},
        {"a x {\nb 1\nc 2\n}\n", "a(x){b(1)2 c(2)3 }1 ", 0},
        {"a { b } c { d }", "a(){b()1 }1 c(){d()1 }1 ", 0},
        {"a { }", "a(){}1 ", 0},
        {"a { b { c { d { e } } } }", "a(){b(){c(){d(){e()1 }1 }1 }1 }1 ", 0},
        {"a { b { c { d { e { f { g } } h } } } }\ni",
         "a(){b(){c(){d(){e(){}1 h()1 }1 }1 }1 }1 i()2 ", 1},
        {"a }\nb", "a()1 b()2 ", 1},
        {"{ a { b } }\nc", "c()2 ", 1},
        {"a { b", "a(){b()1 }1 ", 1},
        {"a { b {", "a(){b(){}1 }1 ", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem_list problems;
        struct arena arena;
        struct slice got;
        arena_init(&arena);
        problem_list_init(&problems);
        got = tree(&arena,
                   statement_parse(SLICE("x"), slice_from_cstr(cases[i].text), &arena, &problems));
        if (!slice_eq(got, slice_from_cstr(cases[i].want)) || problems.count != cases[i].problems)
            fail_msg("%s: got '%.*s' with %u problems", cases[i].text, SLICE_ARG(got),
                     problems.count);
        problem_list_done(&problems);
        arena_done(&arena);
    }
}

static void test_include_paths_are_relative_to_their_file(void **state)
{
    static const struct {
        struct slice file, value, want;
    } cases[] = {
        {SLICE_INIT("/etc/nuncio/nuncio.conf"), SLICE_INIT("a.conf"),
         SLICE_INIT("/etc/nuncio/a.conf")},
        {SLICE_INIT("/etc/nuncio/nuncio.conf"), SLICE_INIT("/srv/a.conf"),
         SLICE_INIT("/srv/a.conf")},
        {SLICE_INIT("nuncio.conf"), SLICE_INIT("sub/a.conf"), SLICE_INIT("sub/a.conf")},
        {SLICE_INIT("/nuncio.conf"), SLICE_INIT("a.conf"), SLICE_INIT("/a.conf")},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice value = cases[i].value;
        struct statement include = {.source = {cases[i].file, 1},
                                    .word = SLICE("include"),
                                    .values = &value,
                                    .n_values = 1};
        assert_true(statement_is_include(&include));
        assert_true(slice_eq(statement_include_path(&include, &arena), cases[i].want));
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_end_at_lines_semicolons_and_braces),
        cmocka_unit_test(test_include_paths_are_relative_to_their_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
