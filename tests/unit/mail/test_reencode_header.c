#include "mail/reencode_header.h"
#include "mail/header.h"
#include "mail/reencode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_fields(void **state)
{
    static const struct {
        const char *field;
        const char *want; /* NULL: cannot be */
    } cases[] = {
        {"Subject: Grüße an Jörg and Jim\r\n",
         "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an =?utf-8?q?J=C3=B6rg?= and Jim\r\n"},
        {"Subject: Grüße Jörg\r\n",
         "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?q?_J=C3=B6rg?=\r\n"},
        {"X-Any:ö\r\n", "X-Any: =?utf-8?q?=C3=B6?=\r\n"},
        {"Subject: \xf6ld\r\n", "Subject: =?unknown-8bit?q?=F6ld?=\r\n"},
        {"From: Jörg <j@a>\r\n", "From: =?utf-8?q?J=C3=B6rg?= <j@a>\r\n"},
        {"From: Jörg<j@a>\r\n", "From: =?utf-8?q?J=C3=B6rg?= <j@a>\r\n"},
        {"From: Jörg Maria Müller <j@a>\r\n",
         "From: =?utf-8?q?J=C3=B6rg?= Maria =?utf-8?q?M=C3=BCller?= <j@a>\r\n"},
        {"To: \"Müller, \\\"Jörg\\\"\" <j@a>,b@c\r\n",
         "To: =?utf-8?q?M=C3=BCller=2C_=22J=C3=B6rg=22?= <j@a>, b@c\r\n"},
        {"Cc: j@a (Jörg), b@c\r\n", "Cc: j@a ( =?utf-8?q?J=C3=B6rg?=), b@c\r\n"},
        {"To: Gruppe Süd: a@b, c@d;\r\n", "To: Gruppe =?utf-8?q?S=C3=BCd?= : a@b, c@d;\r\n"},
        {"To: M. Müller <m@a>\r\n", "To: M. =?utf-8?q?M=C3=BCller?= <m@a>\r\n"},
        {"To: jörg@a\r\n", NULL},
        {"To: <jörg@a>\r\n", NULL},
        {"To: j.jörg@a\r\n", NULL},
        {"To: jörg.j@a\r\n", NULL},
        {"To: \"jörg\"@a\r\n", NULL},
        {"To: jörg @ a\r\n", NULL},
        {"To: j@bücher\r\n", NULL},
        {"To: j@a . bücher\r\n", NULL},
        {"To: (ö\r\n", NULL},
        {"Content-Type: text/plain; charset=utf-8; name=\"Übung 1.txt\"\r\n",
         "Content-Type: text/plain;\r\n charset=utf-8;\r\n name*=utf-8''%C3%9Cbung%201.txt\r\n"},
        {"Content-Disposition: attachment; filename=\xdc.txt\r\n",
         "Content-Disposition: attachment;\r\n filename*=unknown-8bit''%DC.txt\r\n"},
        {"Content-Type: text/plain; nämé=x\r\n", NULL},
        {"Content-Type: multipart/mixed; boundary=ü\r\n", NULL},
        {"Content-Type: täxt/plain\r\n", NULL},
        {"Message-ID: <ö@x>\r\n", NULL},
        {"Received: from ö\r\n", NULL},
        {"ARC-Seal: ö\r\n", NULL},
        {"List-Id: ö\r\n", NULL},
        {"Sübject: x\r\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice message = slice_from_cstr(cases[i].field);
        struct header_iter iter = header_iterate(message);
        struct header_field field;
        struct buf out;
        bool good;

        buf_init(&out, 4096);
        assert_true(header_next(&iter, &field));
        assert_true(reencode_is_needed(field.raw));
        good = reencode_header_field(&out, &field);
        if (good != (cases[i].want != NULL) ||
            (good && !slice_eq(buf_slice(&out), slice_from_cstr(cases[i].want))))
            fail_msg("%s: %.*s", cases[i].field, SLICE_ARG(buf_slice(&out)));
        buf_done(&out);
    }
}

/* `n` times the piece behind the name. */
static bool rewrite_long(const char *name, const char *piece, size_t n, struct buf *out)
{
    struct buf raw;
    struct header_iter iter;
    struct header_field field;
    bool good;

    buf_init(&raw, 1 << 20);
    buf_add_cstr(&raw, name);
    for (size_t i = 0; i < n; i++)
        buf_add_cstr(&raw, piece);
    iter = header_iterate(buf_slice(&raw));
    assert_true(header_next(&iter, &field));
    assert_true(reencode_is_needed(field.raw));
    good = reencode_header_field(out, &field);
    buf_done(&raw);
    return good;
}

static void test_long_fields_are_folded(void **state)
{
    static const struct {
        const char *name;
        const char *piece;
        bool good;
    } cases[] = {
        {"Subject: ", "word ", true},   {"References: ", "<a@b> ", true},
        {"To: ", "a@b,", true},         {"To: ", "a@b, ", true},
        {"To: ", "\"a\" <a@b>,", true}, {"Subject: ", "ö ", true},
        {"Subject: ", "ö", true},       {"Content-Type: a/b; ", "x=y;", true},
        {"Subject: ", "word", false},   {"To: ", "a", false},
        {"To: ", "a.", false},          {"Content-Type: a/b; x=", "y", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        if (rewrite_long(cases[i].name, cases[i].piece, 2000, &out) != cases[i].good)
            fail_msg("%s%s...", cases[i].name, cases[i].piece);
        assert_false(cases[i].good && reencode_is_needed(buf_slice(&out)));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_long_fields_are_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
