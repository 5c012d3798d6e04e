#include "base/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_places_and_order(void **state)
{
    static const struct {
        struct slice file;
        unsigned line;
        struct slice want;
    } cases[] = {
        {SLICE_INIT("nuncio.conf"), 12, SLICE_INIT("nuncio.conf:12: problem 0")},
        {SLICE_INIT("nuncio.conf"), 0, SLICE_INIT("nuncio.conf: problem 1")},
        {SLICE_INIT(""), 12, SLICE_INIT("problem 2")},
        {SLICE_INIT(""), 0, SLICE_INIT("problem 3")},
    };
    struct problem_list list;
    const struct problem *problem;
    unsigned i = 0;

    (void)state;
    problem_list_init(&list);
    for (; i < 4; i++)
        problem_add(&list, cases[i].file, cases[i].line, "problem %u", i);
    assert_int_equal(list.count, 4);
    i = 0;
    for (problem = list.first; problem; problem = problem->next)
        assert_true(slice_eq(problem_line(&list, problem), cases[i++].want));
    assert_int_equal(i, 4);
    problem_list_done(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.first);
}

static void test_too_many_are_counted_not_kept(void **state)
{
    struct problem_list list;
    unsigned kept = 0;

    (void)state;
    problem_list_init(&list);
    for (unsigned i = 0; i < PROBLEMS_MAX + 50; i++)
        problem_add(&list, SLICE("f"), i + 1, "x");
    assert_int_equal(list.count, PROBLEMS_MAX + 50);
    for (const struct problem *problem = list.first; problem; problem = problem->next)
        kept++;
    assert_int_equal(kept, PROBLEMS_MAX);
    assert_int_equal(list.last->line, PROBLEMS_MAX);
    problem_list_done(&list);
}

/* The text may be made of input of any length, and need not outlive the call. */
static void test_texts_are_copies_and_bounded(void **state)
{
    char file[] = "file";
    char text[5000];
    struct problem_list list;

    (void)state;
    memset(text, 'x', sizeof(text));
    problem_list_init(&list);
    problem_add(&list, slice_from_cstr(file), 1, "%.*s", (int)sizeof(text), text);
    file[0] = '!';
    assert_true(slice_eq(list.first->file, SLICE("file")));
    assert_in_range(list.first->text.len, 500, sizeof(text) - 1);
    problem_list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_and_order),
        cmocka_unit_test(test_too_many_are_counted_not_kept),
        cmocka_unit_test(test_texts_are_copies_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
