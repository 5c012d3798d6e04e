#include "mail/author.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "from,from;sender": what is claimed. */
static void describe(struct buf *out, const struct author *author)
{
    for (uint32_t i = 0; i < author->from.count; i++)
        buf_printf(out, "%s%.*s", i ? "," : "", SLICE_ARG(author->from.list[i]));
    for (uint32_t i = 0; i < author->sender.count; i++)
        buf_printf(out, "%s%.*s", i ? "," : ";", SLICE_ARG(author->sender.list[i]));
}

static void check(struct slice header, enum author_error error, const char *claims)
{
    struct author author;
    struct arena arena;
    struct buf text;

    arena_init(&arena);
    buf_init(&text, SIZE_MAX);
    if (author_read(header, &arena, &author) != error)
        fail_msg("%.*s: wrong verdict", SLICE_ARG(header));
    describe(&text, &author);
    if (error == AUTHOR_OK && !slice_eq(buf_slice(&text), slice_from_cstr(claims)))
        fail_msg("%.*s: claims %.*s", SLICE_ARG(header), SLICE_ARG(buf_slice(&text)));
    buf_done(&text);
    arena_done(&arena);
}

static void test_what_is_claimed(void **state)
{
    static const struct {
        struct slice header;
        const char *claims;
    } cases[] = {
        {SLICE_INIT("Subject: x\r\n\r\nFrom: body@b.c\r\n"), ""},
        {SLICE_INIT("From: a@b.c\r\n\r\n"), "a@b.c"},
        {SLICE_INIT("FROM : a@b.c\r\nsender:d@e.f\r\n"), "a@b.c;d@e.f"},
        {SLICE_INIT("From: \"A. B\" <a@b.c>, d@e.f\r\n"), "a@b.c,d@e.f"},
        {SLICE_INIT("From: A <a@b.c>, B <A@B.C>\r\n"), "a@b.c"},
        {SLICE_INIT("From:\r\n A\r\n\t<a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: a @ b . c\r\n"), "a@b.c"},
        {SLICE_INIT("From: Us: a@b.c, d@e.f;\r\n"), "a@b.c,d@e.f"},
        {SLICE_INIT("From: \"a b\"@c.d\r\n"), "\"a b\"@c.d"},
        {SLICE_INIT("From: a@[192.0.2.1]\r\n"), "a@[192.0.2.1]"},
        {SLICE_INIT("From: J\xc3\xb6rg <j\xc3\xb6rg@b.c>\r\n"), "j\xc3\xb6rg@b.c"},
        {SLICE_INIT("From: =?utf-8?q?J=C3=B6rg?= <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: \"A @ B\" <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: \"@joe\" <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: \"joe@home\" <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: \"A@B.C\" <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From joe Sun Nov 22 10:00:00 2026\r\nFrom: a@b.c\r\n"), "a@b.c"},
        {SLICE_INIT("Resent-From: x@y.z\r\nFrom: a@b.c\r\nReply-To: d@e.f\r\n"), "a@b.c"},
        {SLICE_INIT("From: =?iso-2022-jp?B?GyRCOzNFREJATzobKEI=?= <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: =?ISO-2022-KR?B?GyQpQw4xaDsuDw==?= <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: =?iso-2022-jp?Q?=1B$B=40x=40y.z=1B=28B?= <a@b.c>\r\n"), "a@b.c"},
        {SLICE_INIT("From: J\xf6rg <a@b.c>\r\n"), "a@b.c"},
        /* Claims beside the address. */
        {SLICE_INIT("From: =?iso-2022-jp?Q?=1B$B=3B3=1B=28Bceo=40bank.test?= <a@b.c>\r\n"),
         "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: \"ceo@bank.test\" <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: \"CEO <ceo@bank.test>\" <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: \"ceo\\@bank.test\" <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: \"ceo\\@ba\\nk.test\" <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: a@b.c (ceo@bank.test)\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: (<ceo@bank.test>) a@b.c\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: \"'ceo@bank.test'.\" <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: =?utf-8?q?ceo=40bank.test?= <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: =?us-ascii?B?Y2VvQGJhbmsudGVzdA==?= <a@b.c>\r\n"),
         "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: =?utf-8?q?ceo=40bank.test=3E_=3C?= <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: \"=?utf-8?q?ceo=40bank.test?=\" <a@b.c>\r\n"), "a@b.c,ceo@bank.test"},
        {SLICE_INIT("From: =?utf-8?q?ceo=40?= =?utf-8?q?bank.test?= <a@b.c>\r\n"),
         "a@b.c,ceo@bank.test"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check(cases[i].header, AUTHOR_OK, cases[i].claims);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        struct slice header;
        enum author_error error;
    } cases[] = {
        {SLICE_INIT("From: a@b.c\r\nFrom: a@b.c\r\n"), AUTHOR_TWICE},
        {SLICE_INIT("From: a@b.c\r\nfrom : x@y.z\r\n"), AUTHOR_TWICE},
        {SLICE_INIT("Sender: a@b.c\r\nSENDER: a@b.c\r\n"), AUTHOR_TWICE},
        {SLICE_INIT("From:\r\n"), AUTHOR_NOBODY},
        {SLICE_INIT("From: undisclosed:;\r\n"), AUTHOR_NOBODY},
        {SLICE_INIT("From: (only a comment)\r\n"), AUTHOR_NOBODY},
        {SLICE_INIT("From: joe\r\n"), AUTHOR_UNREADABLE},
        {SLICE_INIT("From: <a@b.c\r\n"), AUTHOR_UNREADABLE},
        {SLICE_INIT("From: ceo@bank.test (x) <a@b.c>\r\n"), AUTHOR_UNREADABLE},
        {SLICE_INIT("From: ceo@bank.test <a@b.c>\r\n"), AUTHOR_UNREADABLE},
        {SLICE_INIT("From: a@b.c, ,ceo@bank.test <a@b.c>\r\n"), AUTHOR_UNREADABLE},
        {SLICE_INIT("From: =?utf-8?q?ceo=40bank.test?=\r\n"), AUTHOR_UNREADABLE},
        {SLICE_INIT("Sender: a@b.c, d@e.f\r\n"), AUTHOR_TOO_MANY},
        {SLICE_INIT("From: =?utf-8?q?ceo=40bank.test=00?=@b.c\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: =?utf-8?q?ceo=40bank.test?=@b.c\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: =?utf-8?b?Y2VvQGJhbmsudGVzdAo=?= <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: =?utf-7?q?ceo+AEA-bank.test?= <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: =?UTF-16?b?AGMAZQ==?= <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: =?utf7?q?ceo+AEA-bank.test?= <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: =?IBM037?q?=83=85=96=7C=82=81=95=92?= <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: \"\xe2\x80\xaetset.knab@oec\" <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: \"\x01 x\" <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: \"ceo@bank..test\" <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From: \"ceo@@bank.test\" <a@b.c>\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("\xef\xbb\xbf"
                    "From: ceo@bank.test\r\nFrom: a@b.c\r\n"),
         AUTHOR_DISGUISED},
        {SLICE_INIT(" From: ceo@bank.test\r\nFrom: a@b.c\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("From\xc2\xa0: ceo@bank.test\r\nFrom: a@b.c\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("Fr\x7fom: ceo@bank.test\r\n"), AUTHOR_DISGUISED},
        {SLICE_INIT("Sen der: ceo@bank.test\r\n"), AUTHOR_DISGUISED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(cases[i].header, cases[i].error, NULL);
        assert_true(author_error_text(cases[i].error)[0]);
    }
}

static void test_the_number_of_claims_is_bounded(void **state)
{
    struct buf header;

    (void)state;
    buf_init(&header, SIZE_MAX);
    buf_add_cstr(&header, "From: a0@b.c");
    for (unsigned i = 1; i < AUTHORS_MAX; i++)
        buf_printf(&header, ",\r\n a%u@b.c", i);
    check(buf_slice(&header), AUTHOR_OK,
          "a0@b.c,a1@b.c,a2@b.c,a3@b.c,a4@b.c,a5@b.c,a6@b.c,a7@b.c,a8@b.c,a9@b.c,a10@b.c,a11@b.c,"
          "a12@b.c,a13@b.c,a14@b.c,a15@b.c,a16@b.c,a17@b.c,a18@b.c,a19@b.c");
    buf_add_cstr(&header, " (one@more.test)");
    check(buf_slice(&header), AUTHOR_TOO_MANY, NULL);
    buf_add_cstr(&header, ", z@b.c");
    check(buf_slice(&header), AUTHOR_TOO_MANY, NULL);
    buf_done(&header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_claimed),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_the_number_of_claims_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
