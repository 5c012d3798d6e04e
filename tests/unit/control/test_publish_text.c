#include "control/publish_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_records_of_tags(void **state)
{
    static const struct {
        struct publish_finding (*judge)(struct slice text, struct arena *arena);
        const char *text;
        enum publish_state state;
    } cases[] = {
        {publish_text_dmarc, "v=DMARC1; p=none", PUBLISH_THERE},
        {publish_text_dmarc, "v=DMARC1;p = Reject ;sp=none", PUBLISH_THERE},
        {publish_text_dmarc, "v=DMARC1; sp=none", PUBLISH_WRONG},
        {publish_text_dmarc, "v=DMARC1; p=", PUBLISH_WRONG},
        {publish_text_sts, "v=STSv1; id=20261122a;", PUBLISH_THERE},
        {publish_text_sts, "v=STSv1; id=", PUBLISH_WRONG},
        {publish_text_sts, "v=STSv1; id=123456789012345678901234567890123", PUBLISH_WRONG},
        {publish_text_tls_rpt, "v=TLSRPTv1; rua=https://example.org/", PUBLISH_THERE},
        {publish_text_tls_rpt, "v=TLSRPTv1", PUBLISH_WRONG},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(cases[i].judge(slice_from_cstr(cases[i].text), &arena).state,
                         cases[i].state);
    arena_done(&arena);
}

static void test_only_whole_versions_count(void **state)
{
    struct slice records[] = {SLICE("\7v=spf10"), SLICE("\6v=spf1"), SLICE("\5other"),
                              SLICE("\13v=spf1 -all"), SLICE("\77short")};
    struct dns_answer answer = {.records = records, .n_records = 5};
    struct slice text;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(publish_text_count(&answer, SLICE("v=spf1"), &arena, &text), 2);
    assert_true(slice_eq(text, SLICE("v=spf1")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_of_tags),
        cmocka_unit_test(test_only_whole_versions_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
