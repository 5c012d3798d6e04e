#include "trust/dkim.h"

#include "dkim_fake.h"

#include "../cmocka_all.h"

#include <string.h>

static const int64_t now = 1700000000;

/* Feeds the text in pieces of this size and judges it. */
static void judge(struct slice text, size_t piece, const struct fake_record *records, size_t n,
                  struct arena *arena, struct dkim_verdict *ret_verdict)
{
    struct fake_names fake = {.records = records, .n = n, .arena = arena};
    const struct trust_names names = {.ask = fake_ask, .arg = &fake};
    struct dkim_verifier *verifier = dkim_verifier_new();

    for (size_t at = 0; at < text.len; at += piece)
        dkim_verifier_feed(verifier, slice_sub(text, at, piece));
    dkim_verifier_end(verifier);
    assert_int_equal(dkim_verifier_judge(verifier, &names, now, arena, ret_verdict), 0);
    dkim_verifier_free(verifier);
}

static void test_the_rfcs_example(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 4096};
    struct dkim_verdict verdict;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        judge(SLICE(RFC8463_MESSAGE), pieces[i], rfc8463_records, 2, &arena, &verdict);
        assert_int_equal(verdict.count, 2);
        for (unsigned j = 0; j < 2; j++) {
            if (verdict.list[j].result != DKIM_PASS)
                fail_msg("pieces of %zu: %u: %s: %.*s", pieces[i], j,
                         dkim_result_name(verdict.list[j].result),
                         SLICE_ARG(verdict.list[j].problem));
        }
        assert_int_equal(verdict.result, DKIM_PASS);
        assert_int_equal(verdict.list[1].key_bits, 1024);
        assert_true(slice_eq(verdict.list[0].b_start, SLICE("/gCrinpc")));
        assert_true(slice_eq(verdict.list[0].domain, SLICE("football.example.com")));
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rfcs_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
