#include "../cmocka_all.h"

#include "account/alias_table.h"

#include "base/buf.h"

#include <string.h>

static const char good[] = "# aliases\n"
                           "team:   joe@example.org, ann@else.example,\n"
                           "\tbob ,\n"
                           "# in between\n"
                           "\n"
                           "        carl\n"
                           "Sales@B.example : team\r\n"
                           "hook: program:archive, \"program:copy\"\n"
                           "\"two words\": \"far away\"@else.example\n"
                           "quoted: \"joe@example.org\"\n"
                           "virtual@c.example  joe@example.org,ann@else.example\n"
                           "self: self, joe\n"
                           "team@only.example: one@only.example";

/* "a b": the targets of an address, or NULL. */
static void assert_targets(const struct alias_table *table, const char *address, const char *want)
{
    struct store_targets targets = {0};
    struct arena arena;
    struct buf text;
    bool found;

    arena_init(&arena);
    buf_init(&text, 10000);
    found = alias_table_find(table, slice_from_cstr(address), &arena, &targets);
    for (size_t i = 0; i < targets.count; i++)
        buf_printf(&text, "%s%.*s", i ? " | " : "", SLICE_ARG(targets.list[i]));
    if (found != (want != NULL) || (want && !slice_eq(buf_slice(&text), slice_from_cstr(want))))
        fail_msg("%s: '%.*s'", address, SLICE_ARG(buf_slice(&text)));
    buf_done(&text);
    arena_done(&arena);
}

static void test_targets_are_complete_addresses(void **state)
{
    struct problem_list problems;
    struct alias_table *table;

    (void)state;
    problem_list_init(&problems);
    table = alias_table_parse(SLICE("aliases"), SLICE(good), &problems);
    if (!table)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    assert_int_equal(alias_table_count(table), 8);
    assert_targets(table, "team@a.example",
                   "joe@example.org | ann@else.example | bob@a.example | carl@a.example");
    assert_targets(table, "sales@b.example", "team@b.example");
    assert_targets(table, "sales@a.example", NULL);
    assert_targets(table, "hook@a.example", "program:archive | program:copy");
    assert_targets(table, "\"two words\"@a.example", "\"far away\"@else.example");
    assert_targets(table, "quoted@a.example", "joe@example.org");
    assert_targets(table, "virtual@c.example", "joe@example.org | ann@else.example");
    assert_targets(table, "self@a.example", "self@a.example | joe@a.example");
    assert_targets(table, "team@only.example", "one@only.example");
    assert_targets(table, "nobody@a.example", NULL);
    alias_table_free(table);
    problem_list_done(&problems);
}

static void test_each_mistake_is_told_with_its_line_and_the_remedy(void **state)
{
    static const struct {
        const char *text, *where, *words;
    } cases[] = {
        {"a: b\nc: |/bin/cat\n", "aliases:2: ", "program:NAME"},
        {"a: \"|/bin/cat -u, x\"\n", "aliases:1: ", "program:NAME"},
        {"a: /var/mail/joe\n", "aliases:1: ", "the address of an account"},
        {"a: :include:/etc/list\n", "aliases:1: ", "write their addresses here"},
        {"a: \"/var/mail/joe\"\n", "aliases:1: ", "the address of an account"},
        {"a: \\joe\n", "aliases:1: ", "leave it out"},
        {"@a.example: joe\n", "aliases:1: ", "'catch_all'"},
        {"@a.example joe\n", "aliases:1: ", "'catch_all'"},
        {"a:\n", "aliases:1: ", "no targets"},
        {"\n\na\n", "aliases:3: ", "no targets"},
        {"a: b,,c\n", "aliases:1: ", "empty target"},
        {"a: b c\n", "aliases:1: ", "commas"},
        {"a: b@\n", "aliases:1: ", "not an address"},
        {"a: b\n  c\n", "aliases:1: ", "not an address"},
        {"a: b\nA: c\n", "aliases:2: ", "already, in line 1"},
        {"  a: b\n", "aliases:1: ", "begins with a blank"},
        {"a b: c\n", "aliases:1: ", "not an address"},
        {": c\n", "aliases:1: ", "not a name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem_list problems;
        struct slice line;
        problem_list_init(&problems);
        assert_null(alias_table_parse(SLICE("aliases"), slice_from_cstr(cases[i].text), &problems));
        line = problem_line(&problems, problems.first);
        if (!slice_starts_with_nocase(line, slice_from_cstr(cases[i].where)) ||
            !memmem(line.ptr, line.len, cases[i].words, strlen(cases[i].words)))
            fail_msg("%s: %.*s", cases[i].text, SLICE_ARG(line));
        problem_list_done(&problems);
    }
}

static void test_an_alias_has_its_bounds(void **state)
{
    struct problem_list problems;
    struct buf text;

    (void)state;
    problem_list_init(&problems);
    buf_init(&text, 1 << 20);
    buf_add_cstr(&text, "a: x");
    for (int i = 0; i < STORE_TARGETS_MAX; i++)
        buf_printf(&text, ", x%d", i);
    assert_null(alias_table_parse(SLICE("aliases"), buf_slice(&text), &problems));
    assert_int_equal(problems.count, 1);
    buf_done(&text);
    problem_list_done(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_are_complete_addresses),
        cmocka_unit_test(test_each_mistake_is_told_with_its_line_and_the_remedy),
        cmocka_unit_test(test_an_alias_has_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
