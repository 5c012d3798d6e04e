#include "../cmocka_all.h"

#include "config/lexer.h"

/* The tokens in short: words in angle brackets, | for an end; then the lines of the mistakes. */
static struct slice tokens(struct arena *arena, struct slice text)
{
    struct problem_list problems;
    struct lexer lexer;
    struct token token;
    struct slice all = SLICE_NULL;

    problem_list_init(&problems);
    lexer_init(&lexer, SLICE("x"), text, arena, &problems);
    while ((token = lexer_next(&lexer)).kind != TOKEN_EOF) {
        if (token.kind == TOKEN_WORD)
            all = arena_printf(arena, "%.*s<%.*s>", SLICE_ARG(all), SLICE_ARG(token.text));
        else
            all = arena_printf(arena, "%.*s%c", SLICE_ARG(all),
                               token.kind == TOKEN_OPEN    ? '{'
                               : token.kind == TOKEN_CLOSE ? '}'
                                                           : '|');
    }
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_EOF);
    for (const struct problem *problem = problems.first; problem; problem = problem->next)
        all = arena_printf(arena, "%.*s !%u", SLICE_ARG(all), problem->line);
    problem_list_done(&problems);
    return all;
}

static void test_words_ends_and_braces(void **state)
{
    static const struct {
        struct slice text, want;
    } cases[] = {
        {SLICE_INIT(""), SLICE_INIT("")},
        {SLICE_INIT("a b\tc\r\nd"), SLICE_INIT("<a><b><c>|<d>")},
        {SLICE_INIT("a{b;c}d"), SLICE_INIT("<a>{<b>|<c>}<d>")},
        {SLICE_INIT("# all\na # rest; {\n"), SLICE_INIT("|<a>|")},
        {SLICE_INIT("\xEF\xBB\xBFhostname a"), SLICE_INIT("<hostname><a>")},
        {SLICE_INIT("\"a b;{}#\""), SLICE_INIT("<a b;{}#>")},
        {SLICE_INIT("\"\""), SLICE_INIT("<>")},
        {SLICE_INIT("\"say \\\"x\\\\\\\"\""), SLICE_INIT("<say \"x\\\">")},
        {SLICE_INIT("$HOME `x` \\ *"), SLICE_INIT("<$HOME><`x`><\\><*>")},
        /* Mistakes, and how it goes on. */
        {SLICE_INIT("\n\"open\nnext"), SLICE_INIT("|<open>|<next> !2")},
        {SLICE_INIT("\"open\\"), SLICE_INIT("<open\\> !1 !1")},
        {SLICE_INIT("\"a\"b"), SLICE_INIT("<a><b> !1")},
        {SLICE_INIT("\"a\"#b"), SLICE_INIT("<a> !1")},
        {SLICE_INIT("a\"b c"), SLICE_INIT("<a\"b><c> !1")},
        {SLICE_INIT("a#b"), SLICE_INIT("<a#b> !1")},
        {SLICE_INIT("\"\\t\""), SLICE_INIT("<t> !1")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct slice got;
        arena_init(&arena);
        got = tokens(&arena, cases[i].text);
        if (!slice_eq(got, cases[i].want))
            fail_msg("case %zu: got '%.*s', want '%.*s'", i, SLICE_ARG(got),
                     SLICE_ARG(cases[i].want));
        arena_done(&arena);
    }
}

static void test_control_characters_are_mistakes(void **state)
{
    struct problem_list problems;
    struct arena arena;
    struct lexer lexer;

    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = {'a', (char)c, 'b'};
        bool control = (c < 32 && c != '\t' && c != '\n' && c != '\r') || c == 127;
        arena_init(&arena);
        problem_list_init(&problems);
        lexer_init(&lexer, SLICE("x"), slice_from(text, 3), &arena, &problems);
        while (lexer_next(&lexer).kind != TOKEN_EOF)
            ;
        assert_int_equal(problems.count, control || c == '"' || c == '#');
        problem_list_done(&problems);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_ends_and_braces),
        cmocka_unit_test(test_control_characters_are_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
