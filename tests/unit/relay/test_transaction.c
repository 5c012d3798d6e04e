/* Transactions against scripted servers: every class of reply at every stage, and what is made of
 * it. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#define HELLO    "connect\n> 220 mx ESMTP\n< EHLO client.example\n"
#define PLAIN    HELLO "> 250 mx\n"
#define PIPELINE HELLO "> 250-mx\n> 250 PIPELINING\n"
#define CHUNKING HELLO "> 250-mx\n> 250-PIPELINING\n> 250-8BITMIME\n> 250 CHUNKING\n"
#define LMTP     "connect\n> 220 mx LMTP\n< LHLO client.example\n> 250-mx\n> 250 PIPELINING\n"
#define QUIT     "< QUIT\nclosed\n"

enum { SMTP_ONE, SMTP_TWO, LMTP_TWO };

struct replies_case {
    const char *script;
    int form; /* protocol and number of recipients */
    struct {
        enum done_kind kind;
        const char *status;
        const char *words; /* the beginning */
    } want[2];
};

static void check(const struct replies_case *c)
{
    struct fixture fixture;

    fixture_init(&fixture, c->script);
    fixture.route.protocol = c->form == LMTP_TWO ? PROTOCOL_LMTP : PROTOCOL_SMTP;
    if (c->form != SMTP_ONE)
        fixture_recipients(&fixture, 2);
    fixture_run(&fixture);
    for (uint32_t i = 0; i < fixture.done.n_recipients; i++) {
        const struct done_recipient *got = &fixture.done.recipients[i];
        assert_int_equal(got->kind, c->want[i].kind);
        if (!slice_eq(got->status, slice_from_cstr(c->want[i].status)))
            fail_msg("%.*s", SLICE_ARG(got->status));
        if (!slice_starts_with_nocase(got->reply, slice_from_cstr(c->want[i].words)))
            fail_msg("%.*s", SLICE_ARG(got->reply));
    }
    assert_int_equal(fixture.done.remote_lmtp, c->form == LMTP_TWO);
    fixture_finish(&fixture);
    fixture_done(&fixture);
}

static void test_replies_at_every_stage(void **state)
{
    static const struct replies_case cases[] = {
        /* All is well, with and without pipelining, fast and slow. */
        {PLAIN "< MAIL FROM:<ann@example.org>\n> 250 ok\n< RCPT TO:<joe@example.net>\n> 250 ok\n"
               "< DATA\n> 354 go\ntext\n> 250 2.0.0 queued as 1\n" QUIT,
         SMTP_ONE,
         {{DONE_OK, "2.0.0", "250 2.0.0 queued as 1"}}},
        {PIPELINE "< MAIL\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 354 go\ntext\n> 250 done\n" QUIT,
         SMTP_ONE,
         {{DONE_OK, "2.0.0", "250 done"}}},
        {PIPELINE "slow\n< MAIL\n< RCPT\n< DATA\n> 250-a\n> 250 b\n> 250 ok\n> 354 go\ntext\n"
                  "> 250-do\n> 250 ne\n" QUIT,
         SMTP_ONE,
         {{DONE_OK, "2.0.0", "250 do ne"}}},
        {CHUNKING "< MAIL\n< RCPT\nchunk\n> 250 ok\n> 250 ok\n> 250 2.6.0 got it\n" QUIT,
         SMTP_ONE,
         {{DONE_OK, "2.6.0", "250 2.6.0 got it"}}},
        {"connect\n> 220 old\n< EHLO\n> 502 what\n< HELO client.example\n> 250 hi\n"
         "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\n> 250 ok\n" QUIT,
         SMTP_ONE,
         {{DONE_OK, "2.0.0", "250 ok"}}},
        /* The site does not want us: its words, but for the site. */
        {"connect\n> 554 no mail here\n" QUIT,
         SMTP_ONE,
         {{DONE_NETWORK, "4.3.2", "554 no mail here"}}},
        {"connect\n> 421 4.3.2 busy\nclosed\n",
         SMTP_ONE,
         {{DONE_NETWORK, "4.3.2", "421 4.3.2 busy"}}},
        {HELLO "> 451 later\n" QUIT, SMTP_ONE, {{DONE_NETWORK, "4.3.2", "451 later"}}},
        {HELLO "> 550 no\n< HELO\n> 550 go away\n" QUIT,
         SMTP_ONE,
         {{DONE_NETWORK, "4.3.2", "550 go away"}}},
        {"connect\nclose\n", SMTP_ONE, {{DONE_NETWORK, "4.4.1", "no banner from mx.example.net["}}},
        {"connect\n> HTTP/1.1 400 Bad Request\n",
         SMTP_ONE,
         {{DONE_NETWORK, "4.4.1", "no banner from"}}},
        {"connect\nraw 220-\nflood 100000\n",
         SMTP_ONE,
         {{DONE_NETWORK, "4.4.1", "no banner from"}}},
        {HELLO "close\n", SMTP_ONE, {{DONE_NETWORK, "4.4.1", "no reply to EHLO from"}}},
        /* MAIL. */
        {PLAIN "< MAIL\n> 550 5.7.1 not you\n" QUIT,
         SMTP_TWO,
         {{DONE_NEVER, "5.7.1", "550 5.7.1 not"}, {DONE_NEVER, "5.7.1", "550 5.7.1 not"}}},
        {PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 451 4.7.1 wait\n> 503 mail\n> 503 mail\n"
                  "> 503 mail\n" QUIT,
         SMTP_TWO,
         {{DONE_LATER, "4.7.1", "451 4.7.1 wait"}, {DONE_LATER, "4.7.1", "451 4.7.1 wait"}}},
        {CHUNKING "< MAIL\n< RCPT\nchunk\n> 552 5.3.4 big\n> 503 mail\n> 503 mail\n" QUIT,
         SMTP_ONE,
         {{DONE_NEVER, "5.3.4", "552 5.3.4 big"}}},
        /* It offers CHUNKING and does not know it: DATA over another connection. */
        {CHUNKING "< MAIL\n< RCPT\nchunk\n> 250 ok\n> 250 ok\n> 500 what\n> 500 what\nclosed\n"
                  "connect\n> 220 mx\n< EHLO\n> 250-mx\n> 250-8BITMIME\n> 250 CHUNKING\n"
                  "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\n> 250 done\n" QUIT,
         SMTP_ONE,
         {{DONE_OK, "2.0.0", "250 done"}}},
        {PLAIN "< MAIL\n> 421 bye\nclosed\n", SMTP_ONE, {{DONE_LATER, "4.3.2", "421 bye"}}},
        {PLAIN "< MAIL\nclose\n",
         SMTP_ONE,
         {{DONE_LATER, "4.4.2", "connection to mx.example.net["}}},
        {PLAIN "< MAIL\n> what?\nclosed\n",
         SMTP_ONE,
         {{DONE_LATER, "4.4.2", "connection to mx.example.net["}}},
        /* RCPT, one by one. */
        {PLAIN "< MAIL\n> 250 ok\n< RCPT TO:<r0@\n> 550 5.1.1 unknown\n< RCPT TO:<r1@\n> 250 ok\n"
               "< DATA\n> 354 go\ntext\n> 250 ok\n" QUIT,
         SMTP_TWO,
         {{DONE_NEVER, "5.1.1", "550 5.1.1 unknown"}, {DONE_OK, "2.0.0", "250 ok"}}},
        {PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 450 busy\n> 354 go\n"
                  "text\n> 250 ok\n" QUIT,
         SMTP_TWO,
         {{DONE_OK, "2.0.0", "250 ok"}, {DONE_LATER, "4.2.0", "450 busy"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 550 a\n< RCPT\n> 450 b\n" QUIT,
         SMTP_TWO,
         {{DONE_NEVER, "5.0.0", "550 a"}, {DONE_LATER, "4.2.0", "450 b"}}},
        {PIPELINE
         "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 550 a\n> 450 b\n> 554 no valid\n" QUIT,
         SMTP_TWO,
         {{DONE_NEVER, "5.0.0", "550 a"}, {DONE_LATER, "4.2.0", "450 b"}}},
        {PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 550 a\n> 450 b\n> 354 go\ntext\n"
                  "> 250 took nothing\n" QUIT,
         SMTP_TWO,
         {{DONE_NEVER, "5.0.0", "550 a"}, {DONE_LATER, "4.2.0", "450 b"}}},
        {CHUNKING "< MAIL\n< RCPT\n< RCPT\nchunk\n> 250 ok\n> 550 a\n> 550 b\n> 503 none\n" QUIT,
         SMTP_TWO,
         {{DONE_NEVER, "5.0.0", "550 a"}, {DONE_NEVER, "5.0.0", "550 b"}}},
        {PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 421 4.3.2 down\nclosed\n",
         SMTP_TWO,
         {{DONE_LATER, "4.3.2", "421 4.3.2 down"}, {DONE_LATER, "4.3.2", "421 4.3.2 down"}}},
        {PIPELINE "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 550 no\nclose\n",
         SMTP_TWO,
         {{DONE_NEVER, "5.0.0", "550 no"}, {DONE_LATER, "4.4.2", "connection to"}}},
        /* DATA. */
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 554 5.6.0 no\n" QUIT,
         SMTP_ONE,
         {{DONE_NEVER, "5.6.0", "554 5.6.0 no"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 451 no\n" QUIT,
         SMTP_ONE,
         {{DONE_LATER, "4.3.0", "451 no"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 250 already\nclosed\n",
         SMTP_ONE,
         {{DONE_LATER, "4.5.0", "250 already"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\nclose\n",
         SMTP_ONE,
         {{DONE_LATER, "4.4.2", "connection to"}}},
        /* The end of the text. */
        {PLAIN
         "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\n> 550 5.7.0 spam\n" QUIT,
         SMTP_ONE,
         {{DONE_NEVER, "5.7.0", "550 5.7.0 spam"}}},
        {PLAIN
         "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\n> 452 4.3.1 full\n" QUIT,
         SMTP_ONE,
         {{DONE_LATER, "4.3.1", "452 4.3.1 full"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\n> 421 bye\nclosed\n",
         SMTP_ONE,
         {{DONE_LATER, "4.3.2", "421 bye"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\nclose\n",
         SMTP_ONE,
         {{DONE_LATER, "4.4.2", "connection to"}}},
        {PLAIN "< MAIL\n> 250 ok\n< RCPT\n> 250 ok\n< DATA\n> 354 go\ntext\nraw 250 par\nclose\n",
         SMTP_ONE,
         {{DONE_LATER, "4.4.2", "connection to"}}},
        /* LMTP: a reply for each recipient that was accepted. */
        {LMTP "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\ntext\n"
              "> 250 2.1.5 first\n> 452 4.2.2 second\n" QUIT,
         LMTP_TWO,
         {{DONE_OK, "2.1.5", "250 2.1.5 first"}, {DONE_LATER, "4.2.2", "452 4.2.2 second"}}},
        {LMTP "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 550 5.1.1 no\n> 250 ok\n> 354 go\n"
              "text\n> 250 second\n" QUIT,
         LMTP_TWO,
         {{DONE_NEVER, "5.1.1", "550 5.1.1 no"}, {DONE_OK, "2.0.0", "250 second"}}},
        {LMTP "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\ntext\n"
              "> 250 first\nclose\n",
         LMTP_TWO,
         {{DONE_OK, "2.0.0", "250 first"}, {DONE_LATER, "4.4.2", "connection to"}}},
        {LMTP "< MAIL\n< RCPT\n< RCPT\n< DATA\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 go\ntext\n"
              "> 421 down\nclosed\n",
         LMTP_TWO,
         {{DONE_LATER, "4.3.2", "421 down"}, {DONE_LATER, "4.3.2", "421 down"}}},
        {"connect\n> 220 mx\n< LHLO\n> 500 what\n" QUIT,
         LMTP_TWO,
         {{DONE_NETWORK, "4.3.2", "500 what"}, {DONE_NETWORK, "4.3.2", "500 what"}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("case %zu\n", i);
        check(&cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_at_every_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
