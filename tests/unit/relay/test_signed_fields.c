/* Signatures on the wire: in front of the text, in every transaction of an attempt, made once. What
 * sign_message() says is the test's (see meson.build). */
#include "fixture.h"

#include "relay/signed_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define HELLO    "connect\n> 220 mx ESMTP\n< EHLO client.example\n"
#define PIPELINE HELLO "> 250-mx\n> 250-8BITMIME\n> 250-SIZE\n> 250 PIPELINING\n"
#define SEVEN    HELLO "> 250-mx\n> 250 PIPELINING\n"
#define CHUNKING HELLO "> 250-mx\n> 250-PIPELINING\n> 250-SIZE\n> 250-8BITMIME\n> 250 CHUNKING\n"
#define DATA     "< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n"
#define QUIT     "< QUIT\nclosed\n"

#define TEXT   "Subject: hi\r\n\r\n.dot\r\nbye\r\n"
#define STORED "DKIM-Signature: stored\r\n"
#define SEVENS "DKIM-Signature: 7-bit\r\n"

static unsigned n_signed;
static int result;
static uint64_t size_signed;

int __wrap_sign_message(struct sign *sign, const struct sign_job *job, struct slice *ret_fields,
                        const char **ret_why);
int __wrap_sign_message(struct sign *sign, const struct sign_job *job, struct slice *ret_fields,
                        const char **ret_why)
{
    assert_non_null(sign);
    n_signed++;
    text_rewind(job->text, SLICE_NULL, job->reencoded);
    size_signed = text_size(job->text);
    *ret_why = "keys sleeps";
    if (result == SIGN_GO)
        *ret_fields = job->reencoded ? SLICE(SEVENS) : SLICE(STORED);
    return result;
}

static void init(struct fixture *fixture, const char *script)
{
    static char sign[1]; /* nobody looks into it */

    fixture_init(fixture, script);
    fixture->shared.sign = (struct sign *)(void *)sign;
    fixture->unit.ours = true;
    n_signed = 0;
    result = SIGN_GO;
}

static void finish(struct fixture *fixture, const char *want)
{
    fixture_finish(fixture);
    assert_true(slice_eq(buf_slice(&fixture->server.text), slice_from_cstr(want)));
    fixture_done(fixture);
}

static void test_it_stands_in_front_and_counts(void **state)
{
    static const char *const scripts[] = {
        PIPELINE "< MAIL FROM:<ann@example.org> SIZE=50\n< RCPT\n" DATA "> 250 ok\n" QUIT,
        CHUNKING
        "< MAIL FROM:<ann@example.org> SIZE=50\n< RCPT\nchunk\n> 250 ok\n> 250 ok\n> 250 ok\n" QUIT,
    };

    (void)state;
    assert_int_equal(sizeof(STORED TEXT) - 1, 50);
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        init(&fixture, scripts[i]);
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
        assert_int_equal(fixture.done.signature.len, 0); /* nothing is left to be signed */
        assert_int_equal(n_signed, 1);
        finish(&fixture, STORED TEXT);
    }
}

static void test_what_an_earlier_attempt_made_is_used_again(void **state)
{
    struct fixture fixture;

    (void)state;
    init(&fixture, PIPELINE "< MAIL\n< RCPT\n" DATA "> 451 later\n" QUIT);
    fixture.unit.signature = SLICE("DKIM-Signature: kept\r\n");
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_LATER);
    assert_int_equal(fixture.done.signature.len, 0);
    assert_int_equal(n_signed, 0);
    finish(&fixture, "DKIM-Signature: kept\r\n" TEXT);
}

/* Delivered-To is newer than what was signed. */
static void test_all_transactions_have_it(void **state)
{
    struct fixture fixture;

    (void)state;
    init(&fixture,
         PIPELINE "< MAIL\n< RCPT\n" DATA "> 250 ok\n< MAIL\n< RCPT\n" DATA "> 450 later\n" QUIT);
    fixture_recipients(&fixture, 2);
    fixture.recipients[1].via = SLICE("list@example.org");
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
    assert_int_equal(fixture.done.recipients[1].kind, DONE_LATER);
    assert_true(slice_eq(fixture.done.signature, SLICE(STORED)));
    assert_int_equal(n_signed, 1);
    finish(&fixture, STORED TEXT "Delivered-To: list@example.org\r\n" STORED TEXT);
}

/* Not the server's fault, so its connection is kept, and the message was not tried. */
static void test_without_a_signature_it_waits(void **state)
{
    struct fixture fixture;

    (void)state;
    init(&fixture, PIPELINE "< MAIL\n< RCPT\n" DATA "> 250 ok\n" QUIT);
    result = SIGN_LATER;
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_AGAIN);
    assert_true(slice_eq(fixture.done.recipients[0].status, SLICE("4.3.0")));
    assert_true(slice_eq(fixture.done.recipients[0].reply,
                         SLICE("the message cannot be signed now: keys sleeps")));
    assert_int_equal(fixture.done.signature.len, 0);
    assert_int_equal(idle_count(&fixture.shared.idle), 1);
    result = SIGN_GO;
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_OK);
    assert_int_equal(fixture.done.reused, 0);
    finish(&fixture, STORED TEXT);
}

static void test_a_site_that_is_down_costs_no_signature(void **state)
{
    struct fixture fixture;

    (void)state;
    init(&fixture, "connect\n> 421 not now\nclosed\n");
    fixture_run(&fixture);
    assert_int_equal(fixture.done.recipients[0].kind, DONE_NETWORK);
    assert_int_equal(n_signed, 0);
    assert_int_equal(fixture.done.signature.len, 0);
    finish(&fixture, "");
}

static void test_mail_of_others_is_never_signed(void **state)
{
    struct fixture fixture;

    (void)state;
    init(&fixture, PIPELINE "< MAIL\n< RCPT\n" DATA "> 250 ok\n" QUIT);
    fixture.unit.ours = false;
    fixture_run(&fixture);
    assert_int_equal(n_signed, 0);
    finish(&fixture, TEXT);
}

/* Whatever is kept of the stored text; and nothing is kept of this. */
static void test_a_reencoded_copy_has_its_own(void **state)
{
    (void)state;
    for (unsigned kept = 0; kept < 2; kept++) {
        struct fixture fixture;
        init(&fixture, SEVEN "< MAIL\n< RCPT\n" DATA "> 450 later\n" QUIT);
        fixture_text(&fixture, SLICE("Subject: hi\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n"));
        fixture.unit.body = BODY_8BITMIME;
        fixture.unit.signature = kept ? SLICE("DKIM-Signature: kept\r\n") : SLICE_NULL;
        fixture_run(&fixture);
        assert_int_equal(fixture.done.recipients[0].kind, DONE_LATER);
        assert_int_equal(n_signed, 1);
        assert_int_equal(fixture.done.signature.len, 0);
        fixture_finish(&fixture);
        assert_true(slice_starts_with_nocase(buf_slice(&fixture.server.text), SLICE(SEVENS)));
        assert_int_equal(fixture.server.text.len, sizeof(SEVENS) - 1 + size_signed);
        assert_true(size_signed > fixture.unit.text_length);
        fixture_done(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_stands_in_front_and_counts),
        cmocka_unit_test(test_what_an_earlier_attempt_made_is_used_again),
        cmocka_unit_test(test_all_transactions_have_it),
        cmocka_unit_test(test_without_a_signature_it_waits),
        cmocka_unit_test(test_a_site_that_is_down_costs_no_signature),
        cmocka_unit_test(test_mail_of_others_is_never_signed),
        cmocka_unit_test(test_a_reencoded_copy_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
