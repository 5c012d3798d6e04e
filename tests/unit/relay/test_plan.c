/* What goes to servers that do not offer everything: parameters, re-encoding, and who is refused.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define HELLO "connect\n> 220 mx ESMTP\n< EHLO client.example\n"
#define SENT  "< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 ok\n< QUIT\nclosed\n"

static void check(struct fixture *fixture, enum done_kind kind, const char *status)
{
    fixture_run(fixture);
    assert_int_equal(fixture->done.recipients[0].kind, kind);
    if (!slice_eq(fixture->done.recipients[0].status, slice_from_cstr(status)))
        fail_msg("%.*s", SLICE_ARG(fixture->done.recipients[0].reply));
    fixture_finish(fixture);
    fixture_done(fixture);
}

static void test_parameters_are_said_where_they_are_offered(void **state)
{
    static const struct {
        const char *script;
        bool passed_on;
    } cases[] = {
        {HELLO
         "> 250-mx\n> 250-PIPELINING\n> 250-SIZE\n> 250-8BITMIME\n> 250-SMTPUTF8\n> 250-DSN\n"
         "> 250 MT-PRIORITY STANAG4406\n"
         "< MAIL FROM:<ann@example.org> SIZE=26 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e+2B1"
         " MT-PRIORITY=-3\n"
         "< RCPT TO:<joe@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old@example.org\n" SENT,
         true},
        {HELLO "> 250-mx\n> 250 PIPELINING\n< MAIL FROM:<ann@example.org>\n"
               "< RCPT TO:<joe@example.net>\n" SENT,
         false},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        struct slice heard, want;
        fixture_init(&fixture, cases[i].script);
        fixture.unit.body = BODY_8BITMIME;
        fixture.unit.smtputf8 = true;
        fixture.unit.ret = RET_HDRS;
        fixture.unit.envid = SLICE("e+2B1");
        fixture.unit.priority = -3;
        fixture.recipients[0].notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
        fixture.recipients[0].orcpt = SLICE("rfc822;old@example.org");
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
        assert_int_equal(fixture.done.recipients[0].dsn_passed_on, cases[i].passed_on);
        fixture_finish(&fixture);
        /* To the letter: nothing stands behind what the script has asked for. */
        heard = buf_slice(&fixture.server.heard);
        slice_cut(&heard, '\n');
        want = slice_from_cstr(strstr(cases[i].script, "< MAIL") + 2);
        assert_true(slice_eq(slice_cut(&heard, '\n'), slice_cut(&want, '\n')));
        slice_cut(&want, ' ');
        assert_true(slice_eq(slice_cut(&heard, '\n'), slice_cut(&want, '\n')));
        fixture_done(&fixture);
    }
}

static void test_a_message_that_is_too_large_is_not_begun(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, HELLO "> 250-mx\n> 250 SIZE 20\n< QUIT\nclosed\n");
    check(&fixture, DONE_NEVER, "5.3.4");
    fixture_init(&fixture,
                 HELLO "> 250-mx\n> 250-PIPELINING\n> 250 SIZE 26\n< MAIL\n< RCPT\n" SENT);
    check(&fixture, DONE_OK, "2.0.0");
}

static void test_utf8_needs_the_extension_or_is_not_there(void **state)
{
    static const char *const refused = HELLO "> 250-mx\n> 250 8BITMIME\n< QUIT\nclosed\n";
    struct fixture fixture;

    (void)state;
    /* All is ASCII: the flag is dropped. */
    fixture_init(&fixture, HELLO "> 250-mx\n> 250 PIPELINING\n< MAIL\n< RCPT\n" SENT);
    fixture.unit.smtputf8 = true;
    check(&fixture, DONE_OK, "2.0.0");
    fixture_init(&fixture, refused);
    fixture.unit.smtputf8 = true;
    fixture.unit.reverse_path = SLICE("\xc3\xa4nn@example.org");
    check(&fixture, DONE_NEVER, "5.6.7");
    fixture_init(&fixture, refused);
    fixture.unit.smtputf8 = true;
    fixture_text(&fixture, SLICE("Subject: caf\xc3\xa9\r\n\r\nhi\r\n"));
    check(&fixture, DONE_NEVER, "5.6.7");
    /* UTF-8 in the body alone is 8BITMIME's business. */
    fixture_init(&fixture,
                 HELLO "> 250-mx\n> 250-8BITMIME\n> 250 PIPELINING\n< MAIL\n< RCPT\n" SENT);
    fixture.unit.smtputf8 = true;
    fixture_text(&fixture, SLICE("Subject: coffee\r\n\r\ncaf\xc3\xa9\r\n"));
    check(&fixture, DONE_OK, "2.0.0");
}

static void test_only_those_in_utf8_are_refused(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, HELLO "> 250-mx\n> 250 PIPELINING\n< MAIL\n< RCPT TO:<r1@\n" SENT);
    fixture_recipients(&fixture, 2);
    fixture.unit.smtputf8 = true;
    fixture.recipients[0].address = SLICE("j\xc3\xb6rg@example.net");
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_NEVER);
    assert_true(slice_eq(fixture.done.recipients[0].status, SLICE("5.6.7")));
    assert_int_equal(fixture.done.recipients[1].kind, DONE_OK);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_8bit_text_is_reencoded_where_it_has_to_be(void **state)
{
    static const struct {
        struct slice text;
        enum done_kind kind;
        const char *status;
        const char *sent; /* somewhere in what went out; NULL: nothing went out */
    } cases[] = {
        {SLICE_INIT("Content-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n"
                    "Content-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9\r\n"),
         DONE_OK, "2.0.0", "caf=C3=A9\r\n"},
        {SLICE_INIT("Subject: plain\r\n\r\ncafe\r\n"), DONE_OK, "2.0.0", "\r\ncafe\r\n"},
        {SLICE_INIT("Content-Type: multipart/signed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n"
                    "--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9\r\n--b\r\n\r\nx\r\n"
                    "--b--\r\n"),
         DONE_NEVER, "5.6.3", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;
        fixture_init(&fixture, cases[i].sent ? HELLO "> 250-mx\n> 250 PIPELINING\n"
                                                     "< MAIL FROM:<ann@example.org>\n< RCPT\n" SENT
                                             : HELLO "> 250 mx\n< QUIT\nclosed\n");
        fixture.unit.body = BODY_8BITMIME;
        fixture_text(&fixture, cases[i].text);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, cases[i].kind);
        assert_true(slice_eq(fixture.done.recipients[0].status, slice_from_cstr(cases[i].status)));
        fixture_finish(&fixture);
        for (size_t b = 0; b < fixture.server.text.len; b++)
            assert_true((unsigned char)fixture.server.text.ptr[b] < 0x80);
        if (cases[i].sent)
            assert_non_null(memmem(fixture.server.text.ptr, fixture.server.text.len, cases[i].sent,
                                   strlen(cases[i].sent)));
        fixture_done(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_said_where_they_are_offered),
        cmocka_unit_test(test_a_message_that_is_too_large_is_not_begun),
        cmocka_unit_test(test_utf8_needs_the_extension_or_is_not_there),
        cmocka_unit_test(test_only_those_in_utf8_are_refused),
        cmocka_unit_test(test_8bit_text_is_reencoded_where_it_has_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
