#include "smtp/param.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct param_case {
    struct slice argument;
    uint16_t code;
    const char *status;
};

static void check(const struct param_case *c, struct smtp_reply reply)
{
    if (reply.code != c->code)
        fail_msg("'%.*s': %u %.*s", SLICE_ARG(c->argument), reply.code, SLICE_ARG(reply.text));
    if (c->code)
        assert_string_equal(status_format(reply.status).text, c->status);
}

static void test_mail(void **state)
{
    static const struct param_case cases[] = {
        {SLICE_INIT("FROM:<a@b.example>"), 0, NULL},
        {SLICE_INIT("from: <a@b.example>"), 0, NULL},
        {SLICE_INIT("FROM:a@b.example"), 0, NULL},
        {SLICE_INIT("FROM:<>"), 0, NULL},
        {SLICE_INIT("FROM:<>  SIZE=10  RET=FULL"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> SIZE=9223372036854775807"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> SIZE=9223372036854775808"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> SIZE=99999999999999999999"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> SIZE=999999999999999999999"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> SIZE=9999999999999999999x"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> SIZE="), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> SIZE"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> ENVID="), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> =x"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> AUTH=<>"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> AUTH=a+40b.example"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> AUTH="), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> AUTH"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> AUTH=a+4"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> AUTH=a+0D+0A@b"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> AUTH=<a@b.example>"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> REQUIRETLS"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> requiretls RET=HDRS"), 0, NULL},
        {SLICE_INIT("FROM:<a@b.example> REQUIRETLS=yes"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> REQUIRETLS="), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> REQUIRETLS REQUIRETLS"), 501, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example> XYZZY=1"), 555, "5.5.4"},
        {SLICE_INIT("FROM:<a@b.example>SIZE=10"), 501, "5.1.7"},
        {SLICE_INIT("FROM:"), 501, "5.1.7"},
        {SLICE_INIT("FROM"), 501, "5.5.4"},
        {SLICE_INIT(""), 501, "5.5.4"},
        {SLICE_INIT("FROM:<postmaster>"), 501, "5.1.7"},
    };
    struct arena arena;
    struct smtp_mail mail;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], smtp_mail_parse(cases[i].argument, &arena, &mail));
    check(&cases[0], smtp_mail_parse(SLICE("FROM:<@x.example:a@b.example> BODY=8BITMIME RET=HDRS "
                                           "ENVID=e+2B SIZE=42 REQUIRETLS"),
                                     &arena, &mail));
    assert_true(slice_eq(mail.from.mailbox, SLICE("a@b.example")));
    assert_int_equal(mail.size, 42);
    assert_int_equal(mail.body, BODY_8BITMIME);
    assert_int_equal(mail.ret, RET_HDRS);
    assert_true(slice_eq(mail.envid, SLICE("e+2B")));
    assert_true(mail.requiretls);
    assert_false(mail.smtputf8);
    arena_done(&arena);
}

static void test_lengths_of_dsn_values(void **state)
{
    struct arena arena;
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;

    (void)state;
    arena_init(&arena);
    for (unsigned len = 100; len <= 101; len++) {
        struct slice argument = arena_printf(&arena, "FROM:<> ENVID=%0*d", (int)len, 0);
        assert_int_equal(smtp_mail_parse(argument, &arena, &mail).code, len > 100 ? 501 : 0);
    }
    for (unsigned len = 500; len <= 501; len++) {
        struct slice argument =
            arena_printf(&arena, "TO:<a@b.example> ORCPT=rfc822;%0*d", (int)len - 7, 0);
        assert_int_equal(smtp_rcpt_parse(argument, false, &arena, &rcpt).code, len > 500 ? 501 : 0);
    }
    arena_done(&arena);
}

static void test_priority(void **state)
{
    static const struct {
        struct slice argument;
        int priority; /* 99: refused */
    } cases[] = {
        {SLICE_INIT("FROM:<>"), 0},
        {SLICE_INIT("FROM:<> MT-PRIORITY=0"), 0},
        {SLICE_INIT("FROM:<> mt-priority=9"), 9},
        {SLICE_INIT("FROM:<> MT-PRIORITY=-9"), -9},
        {SLICE_INIT("FROM:<> MT-PRIORITY=-0"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=10"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=+1"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=03"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=-"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=--"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=-10"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY="), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=x"), 99},
        {SLICE_INIT("FROM:<> MT-PRIORITY=1 MT-PRIORITY=1"), 99},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct smtp_mail mail = {.priority = 99};
        struct smtp_reply reply = smtp_mail_parse(cases[i].argument, &arena, &mail);
        assert_int_equal(reply.code, cases[i].priority == 99 ? 501 : 0);
        assert_int_equal(mail.priority, cases[i].priority);
    }
    arena_done(&arena);
}

static void test_rcpt(void **state)
{
    static const struct param_case cases[] = {
        {SLICE_INIT("TO:<a@b.example>"), 0, NULL},
        {SLICE_INIT("TO:<Postmaster>"), 0, NULL},
        {SLICE_INIT("TO:<a@b.example> NOTIFY=SUCCESS,DELAY,FAILURE"), 0, NULL},
        {SLICE_INIT("TO:<a@b.example> NOTIFY=SUCCESS,"), 501, "5.5.4"},
        {SLICE_INIT("TO:<a@b.example> NOTIFY=SUCCESS,NEVER"), 501, "5.5.4"},
        {SLICE_INIT("TO:<a@b.example> ORCPT=rfc822"), 501, "5.5.4"},
        {SLICE_INIT("TO:<a@b.example> ORCPT=;x"), 501, "5.5.4"},
        {SLICE_INIT("TO:<a@b.example> SIZE=1"), 555, "5.5.4"},
        {SLICE_INIT("TO:<>"), 501, "5.1.3"},
        {SLICE_INIT("TO:<\xc3\xa4@b.example>"), 553, "5.6.7"},
    };
    struct arena arena;
    struct smtp_rcpt rcpt;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], smtp_rcpt_parse(cases[i].argument, false, &arena, &rcpt));
    assert_int_equal(smtp_rcpt_parse(SLICE("TO:<\xc3\xa4@b.example>"), true, &arena, &rcpt).code,
                     0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail),
        cmocka_unit_test(test_priority),
        cmocka_unit_test(test_lengths_of_dsn_values),
        cmocka_unit_test(test_rcpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
