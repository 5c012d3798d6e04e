#include "smtp/ehlo_parse.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_offers_are_read(void **state)
{
    static const struct {
        struct slice text;
        struct ehlo_offer offer;
    } cases[] = {
        {SLICE_INIT(""), {0}},
        {SLICE_INIT("PIPELINING"), {0}}, /* the first line is the server's name */
        {SLICE_INIT("mx\nPIPELINING\n8BITMIME\nCHUNKING\nSMTPUTF8\nDSN\nENHANCEDSTATUSCODES"),
         {.pipelining = true,
          .eightbit = true,
          .chunking = true,
          .smtputf8 = true,
          .dsn = true,
          .enhanced = true}},
        {SLICE_INIT("mx\npipelining \n 8bitmime\nDSNX\nX-DSN"),
         {.pipelining = true, .eightbit = true}},
        {SLICE_INIT("mx\nSIZE"), {.size = true}},
        {SLICE_INIT("mx\nSIZE 52428800"), {.size = true, .size_max = 52428800}},
        {SLICE_INIT("mx\nSIZE 0"), {.size = true}},
        {SLICE_INIT("mx\nSIZE -1"), {.size = true}},
        {SLICE_INIT("mx\nSIZE 99999999999999999999999"), {.size = true}},
        {SLICE_INIT("mx\nLIMITS MAILMAX=5 RCPTMAX=100 RCPTDOMAINMAX=1 OTHER=7"),
         {.mail_max = 5, .rcpt_max = 100, .rcpt_domain_max = 1}},
        {SLICE_INIT("mx\nLIMITS  rcptmax=2 RCPTMAX MAILMAX=1000000 RCPTDOMAINMAX=x="),
         {.rcpt_max = 2}},
        {SLICE_INIT("mx\n\n\nLIMITS"), {0}},
        {SLICE_INIT("mx\nSTARTTLS\nREQUIRETLS\nMT-PRIORITY STANAG4406"),
         {.starttls = true, .requiretls = true, .mt_priority = true}},
        {SLICE_INIT("mx\nSTARTTLSX\nXREQUIRETLS"), {0}},
        {SLICE_INIT("mx\nAUTH PLAIN  LOGIN\nAUTH=LOGIN plain XOAUTH2"),
         {.auth = "PLAIN LOGIN XOAUTH2"}},
        {SLICE_INIT("mx\nAUTH\nAUTH=\nAUTHX PLAIN"), {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ehlo_offer offer = ehlo_parse(cases[i].text);
        const struct ehlo_offer *want = &cases[i].offer;
        assert_int_equal(offer.starttls, want->starttls);
        assert_int_equal(offer.requiretls, want->requiretls);
        assert_int_equal(offer.mt_priority, want->mt_priority);
        assert_string_equal(offer.auth, want->auth);
        assert_int_equal(offer.pipelining, want->pipelining);
        assert_int_equal(offer.eightbit, want->eightbit);
        assert_int_equal(offer.chunking, want->chunking);
        assert_int_equal(offer.smtputf8, want->smtputf8);
        assert_int_equal(offer.dsn, want->dsn);
        assert_int_equal(offer.enhanced, want->enhanced);
        assert_int_equal(offer.size, want->size);
        assert_true(offer.size_max == want->size_max);
        assert_int_equal(offer.mail_max, want->mail_max);
        assert_int_equal(offer.rcpt_max, want->rcpt_max);
        assert_int_equal(offer.rcpt_domain_max, want->rcpt_domain_max);
    }
}

static void test_mechanisms_are_found_whole(void **state)
{
    struct ehlo_offer offer = ehlo_parse(SLICE("mx\nAUTH SCRAM-SHA-256-PLUS PLAIN"));

    (void)state;
    assert_true(ehlo_offers_mechanism(&offer, SLICE("plain")));
    assert_true(ehlo_offers_mechanism(&offer, SLICE("SCRAM-SHA-256-PLUS")));
    assert_false(ehlo_offers_mechanism(&offer, SLICE("SCRAM-SHA-256")));
    assert_false(ehlo_offers_mechanism(&offer, SLICE("")));
}

static void test_mechanisms_beyond_the_bound_are_left_out(void **state)
{
    struct buf text;
    struct ehlo_offer offer;

    (void)state;
    buf_init(&text, 4096);
    buf_add_cstr(&text, "mx\nAUTH");
    for (unsigned i = 0; i < 100; i++)
        buf_printf(&text, " MECHANISM-%u", i);
    offer = ehlo_parse(buf_slice(&text));
    assert_true(strlen(offer.auth) <= EHLO_AUTH_MAX);
    assert_true(ehlo_offers_mechanism(&offer, SLICE("MECHANISM-0")));
    assert_false(ehlo_offers_mechanism(&offer, SLICE("MECHANISM-99")));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers_are_read),
        cmocka_unit_test(test_mechanisms_are_found_whole),
        cmocka_unit_test(test_mechanisms_beyond_the_bound_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
