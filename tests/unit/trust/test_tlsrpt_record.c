#include "trust/tlsrpt_record.h"

#include "../cmocka_all.h"

/* What a record comes to, as "https:URI mail:ADDRESS ", or "none". */
static struct slice meaning(struct arena *arena, const struct slice *texts, unsigned n)
{
    struct tlsrpt_record record;
    struct slice out = SLICE("");

    if (!tlsrpt_record_find(texts, n, arena, &record))
        return SLICE("none");
    for (unsigned i = 0; i < record.n_rua; i++)
        out = arena_printf(arena, "%.*s%s:%.*s ", SLICE_ARG(out),
                           record.rua[i].https ? "https" : "mail", SLICE_ARG(record.rua[i].where));
    return out;
}

static void test_records(void **state)
{
    static const struct {
        struct slice text, meaning;
    } cases[] = {
        {SLICE_INIT("v=TLSRPTv1; rua=mailto:reports@example.com"),
         SLICE_INIT("mail:reports@example.com ")},
        {SLICE_INIT("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"),
         SLICE_INIT("https:https://reporting.example.com/v1/tlsrpt ")},
        {SLICE_INIT("v=TLSRPTv1;rua=mailto:a@example.com, HTTPS://b.example/;"),
         SLICE_INIT("mail:a@example.com https:HTTPS://b.example/ ")},
        {SLICE_INIT("v=TLSRPTv1 ; x=y; rua = MAILTO:a%2Btls@example.com?subject=x"),
         SLICE_INIT("mail:a+tls@example.com ")},
        {SLICE_INIT("v=TLSRPTv1; rua=ftp://a.example/,mailto:b@example.com"),
         SLICE_INIT("mail:b@example.com ")},
        {SLICE_INIT("v=TLSRPTv1; rua=mailto:a%0d%0ab@example.com"), SLICE_INIT("none")},
        {SLICE_INIT("v=TLSRPTv1; rua=mailto:a%2"), SLICE_INIT("none")},
        {SLICE_INIT("v=TLSRPTv1; rua=mailto:a"), SLICE_INIT("none")},
        {SLICE_INIT("v=TLSRPTv1; rua=https://a b"), SLICE_INIT("none")},
        {SLICE_INIT("v=TLSRPTv1; rua="), SLICE_INIT("none")},
        {SLICE_INIT("v=TLSRPTv1;"), SLICE_INIT("none")},
        {SLICE_INIT("v=TLSRPTv2; rua=mailto:a@example.com"), SLICE_INIT("none")},
        {SLICE_INIT("rua=mailto:a@example.com; v=TLSRPTv1"), SLICE_INIT("none")},
        {SLICE_INIT(""), SLICE_INIT("none")},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice found = meaning(&arena, &cases[i].text, 1);
        if (!slice_eq(found, cases[i].meaning))
            fail_msg("%.*s: %.*s", SLICE_ARG(cases[i].text), SLICE_ARG(found));
    }
    arena_done(&arena);
}

static void test_two_records_are_none(void **state)
{
    const struct slice texts[] = {SLICE("v=TLSRPTv1; rua=mailto:a@example.com"), SLICE("other"),
                                  SLICE("v=TLSRPTv1; rua=mailto:b@example.com")};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_true(slice_eq(meaning(&arena, texts, 2), SLICE("mail:a@example.com ")));
    assert_true(slice_eq(meaning(&arena, texts, 3), SLICE("none")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_two_records_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
