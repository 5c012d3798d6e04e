/* Real answers of real servers, and the class that each must get. */
#include "queue/classify.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

struct row {
    const char *host, *status, *reply;
    enum answer_class class;
    unsigned retry_s;
    bool certain;
};

static const struct row rows[] = {
    /* Gmail */
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "4.7.28",
     "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating 421-4.7.28 "
     "from "
     "your IP address. To protect our users from spam, mail sent from your IP address has been "
     "temporarily rate limited. - gsmtp",
     ANSWER_RATE_LIMITED},
    {"gmail-smtp-in.l.google.com[2607:f8b0::1a]:25", "5.7.1",
     "550 5.7.1 [2001:db8::1] Our system has detected that this\n550-5.7.1 message does not meet "
     "IPv6 "
     "sending guidelines regarding PTR records\n550-5.7.1 and authentication. x102si19 - gsmtp",
     ANSWER_REVERSE_DNS},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "5.7.25",
     "550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record setup",
     ANSWER_REVERSE_DNS},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "5.7.26",
     "550 5.7.26 Your email has been blocked because the sender is unauthenticated.",
     ANSWER_AUTHENTICATION},
    {"aspmx.l.google.com[142.250.1.26]:25", "4.7.32",
     "421 4.7.32 Your email has been rate limited because the From: header is not aligned",
     ANSWER_AUTHENTICATION},
    {"aspmx.l.google.com[142.250.1.26]:25", "4.7.29",
     "421 4.7.29 Your email has been rate limited because this message wasn't sent over TLS",
     ANSWER_TLS_REQUIRED},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "4.7.0",
     "421 4.7.0 [192.0.2.1 15] Our system has detected that this message is suspicious due to the "
     "very low reputation of the sending IP address.",
     ANSWER_REPUTATION},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "4.2.1",
     "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents "
     "additional messages from being delivered.",
     ANSWER_RECEIVING_LIMIT},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "4.2.2",
     "452 4.2.2 The email account that you tried to reach is over quota.", ANSWER_MAILBOX_FULL},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "5.1.1",
     "550 5.1.1 The email account that you tried to reach does not exist.", ANSWER_UNKNOWN_USER},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "5.2.1",
     "550 5.2.1 The email account that you tried to reach is inactive.", ANSWER_MAILBOX_DISABLED},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "5.7.1",
     "550 5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited "
     "mail.",
     ANSWER_CONTENT},
    {"gmail-smtp-in.l.google.com[142.250.1.26]:25", "5.3.4",
     "552 5.3.4 Your message exceeded Google's message size limits.", ANSWER_TOO_LARGE},
    /* Microsoft */
    {"hotmail-com.olc.protection.outlook.com[52.101.73.17]:25", "4.7.650",
     "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
     "reputation. "
     "For e-mail delivery information, see https://aka.ms/postmaster (S775) [AMS0EPF0000019C "
     "2026-05-"
     "14T15:49:33.598Z 08DEADB0994CCD76]",
     ANSWER_RATE_LIMITED},
    {"eur.olc.protection.outlook.com[104.47.0.33]:25", "5.7.1",
     "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
     "Internet "
     "service provider since part of their network is on our block list (S3150).",
     ANSWER_BLOCKLISTED},
    {"example-com.mail.protection.outlook.com[104.47.0.36]:25", "5.7.606",
     "550 5.7.606 Access denied, banned sending IP [192.0.2.1].", ANSWER_BLOCKLISTED},
    {"example-com.mail.protection.outlook.com[104.47.0.36]:25", "4.7.500",
     "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)",
     ANSWER_RATE_LIMITED},
    {"eur.olc.protection.outlook.com[104.47.0.33]:25", "5.7.515",
     "550 5.7.515 Access denied, sending domain EXAMPLE.ORG does not meet the required "
     "authentication level.",
     ANSWER_AUTHENTICATION},
    {"example-com.mail.protection.outlook.com[104.47.0.36]:25", "5.4.1",
     "550 5.4.1 Recipient address rejected: Access denied. [AM7EUR03FT012]", ANSWER_UNKNOWN_USER},
    {"eur.olc.protection.outlook.com[104.47.0.33]:25", "5.5.0",
     "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
     ANSWER_UNKNOWN_USER},
    {"mx.example.org[192.0.2.9]:25", "5.1.10",
     "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
     ANSWER_UNKNOWN_USER},
    /* Yahoo, Apple */
    {"mta5.am0.yahoodns.net[67.195.228.94]:25", "4.7.0",
     "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or "
     "user "
     "complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
     ANSWER_RATE_LIMITED},
    {"mta5.am0.yahoodns.net[67.195.228.94]:25", "4.7.1",
     "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT "
     "succeed.",
     ANSWER_REPUTATION},
    {"mta5.am0.yahoodns.net[67.195.228.94]:25", "5.7.9",
     "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/",
     ANSWER_CONTENT},
    {"mx01.mail.icloud.com[17.42.251.62]:25", "5.7.1",
     "554 5.7.1 [HM08] Message rejected due to local policy. Please visit "
     "https://support.apple.com/en-us/HT204137",
     ANSWER_CONTENT},
    /* United Internet, T-Online */
    {"mx00.gmx.net[212.227.15.10]:25", "5.0.0",
     "554 gmx.net (mxgmx104) Nemesis ESMTP Service not available\n554-No SMTP service\n554-IP "
     "address is "
     "block listed.\n554 For explanation visit https://postmaster.gmx.net/en/case?c=r0201",
     ANSWER_BLOCKLISTED},
    {"mx-ha02.web.de[212.227.17.8]:25", "5.0.0",
     "554 web.de (mxweb011) Nemesis ESMTP Service not available No SMTP service Bad DNS PTR "
     "resource "
     "record.",
     ANSWER_REVERSE_DNS},
    {"mx00.gmx.net[212.227.15.10]:25", "5.0.0",
     "550 <joe@gmx.net>: Requested action not taken: mailbox unavailable", ANSWER_UNKNOWN_USER},
    {"mx00.kundenserver.de[212.227.15.41]:25", "4.0.0",
     "421 Rate limit reached. Please try again later", ANSWER_RATE_LIMITED},
    {"mx00.t-online.de[194.25.134.8]:25", "5.0.0",
     "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact "
     "tosa@rx.t-online.de to clarify.)",
     ANSWER_BLOCKLISTED},
    /* France */
    {"smtp-in.orange.fr[80.12.26.32]:25", "4.0.0",
     "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many "
     "connections, slow down. OFR004_104 [104]",
     ANSWER_RATE_LIMITED},
    {"smtp-in.orange.fr[80.12.26.32]:25", "4.0.0",
     "421 mwinf5c77 ME Service refuse. Veuillez essayer plus tard. Service refused, please try "
     "later. OFR_999 [999]",
     ANSWER_RATE_LIMITED},
    {"mx1.free.fr[212.27.48.6]:25", "4.0.0",
     "421 Too many spams from your IP (192.0.2.1), please visit http://postmaster.free.fr/",
     ANSWER_REPUTATION},
    {"mx1.mail.ovh.net[193.70.18.144]:25", "4.2.0",
     "450 4.2.0 <joe@example.fr>: Recipient address rejected: Greylisted", ANSWER_GREYLISTED},
    /* Gateways */
    {"mx1.example.com.pphosted.com[148.163.1.1]:25", "5.0.0",
     "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", ANSWER_BLOCKLISTED},
    {"eu-smtp-inbound-1.mimecast.com[91.220.42.1]:25", "4.0.0",
     "451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/"
     "DOC-1369#451 [xyz]",
     ANSWER_GREYLISTED},
    {"eu-smtp-inbound-1.mimecast.com[91.220.42.1]:25", "5.0.0",
     "554 Email rejected due to security policies - "
     "https://community.mimecast.com/docs/DOC-1369#554",
     ANSWER_CONTENT},
    {"d1.ess.barracudanetworks.com[209.222.82.1]:25", "5.0.0",
     "554 Service unavailable; Client host [mx.example.org] blocked using Barracuda Reputation; "
     "http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.1",
     ANSWER_BLOCKLISTED},
    {"mx.example.org[192.0.2.9]:25", "5.0.0",
     "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor "
     "reputation.",
     ANSWER_REPUTATION},
    {"mx.example.org[192.0.2.9]:25", "5.7.1",
     "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; "
     "https://www.spamhaus.org/query/ip/192.0.2.1",
     ANSWER_BLOCKLISTED},
    /* Greylisting, with the words of its programs */
    {"mx.example.org[192.0.2.9]:25", "4.2.0",
     "450 4.2.0 <joe@example.org>: Recipient address rejected: Greylisted, see "
     "http://postgrey.schweikert.ch/help/example.org.html",
     ANSWER_GREYLISTED},
    {"mx.example.org[192.0.2.9]:25", "4.7.1",
     "451 4.7.1 Greylisting in action, please come back in 00:05:00", ANSWER_GREYLISTED, 300},
    {"mx.example.org[192.0.2.9]:25", "4.0.0", "451 Greylisted, please try again in 180 seconds",
     ANSWER_GREYLISTED, 180},
    {"mx.example.org[192.0.2.9]:25", "4.7.1",
     "450 4.7.1 <joe@example.org>: Recipient address rejected: Greylisted for 5 minutes",
     ANSWER_GREYLISTED, 300},
    {"mx.example.org[192.0.2.9]:25", "4.7.1", "451 4.7.1 Try again later", ANSWER_GREYLISTED},
    {"mx.example.org[192.0.2.9]:25", "4.0.0", "451 Temporary failure, please try again later.",
     ANSWER_GREYLISTED},
    /* Postfix, Exim and others */
    {"mx.example.org[192.0.2.9]:25", "4.7.25",
     "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]", ANSWER_REVERSE_DNS},
    {"mx.example.org[192.0.2.9]:25", "4.7.1",
     "450 4.7.1 <mx.far.test>: Helo command rejected: Host not found", ANSWER_HELO},
    {"mx.example.org[192.0.2.9]:25", "4.1.8",
     "450 4.1.8 <a@b.test>: Sender address rejected: Domain not found", ANSWER_SENDER},
    {"mx.example.org[192.0.2.9]:25", "4.7.0",
     "421 4.7.0 mx.example.org Error: too many connections from 192.0.2.1", ANSWER_RATE_LIMITED},
    {"mx.example.org[192.0.2.9]:25", "4.3.2",
     "421 4.3.2 Service shutting down and closing transmission channel", ANSWER_BUSY},
    {"mx.example.org[192.0.2.9]:25", "4.2.2",
     "452 4.2.2 <joe@example.org>: Recipient address rejected: Mailbox is full / quota exceeded",
     ANSWER_MAILBOX_FULL},
    {"mx.example.org[192.0.2.9]:25", "4.1.1",
     "450 4.1.1 <joe@example.org>: Recipient address rejected: unverified address: user unknown",
     ANSWER_UNKNOWN_USER},
    {"mx.example.org[192.0.2.9]:25", "4.1.1",
     "450 4.1.1 <joe@example.org>: this mailbox no longer exists", ANSWER_UNKNOWN_USER, 0, true},
    {"mx.example.org[192.0.2.9]:25", "5.1.1",
     "550 5.1.1 <joe@example.org>: Recipient address rejected: User unknown in virtual mailbox "
     "table",
     ANSWER_UNKNOWN_USER},
    {"mx.example.org[192.0.2.9]:25", "5.0.0", "550 No such user here", ANSWER_UNKNOWN_USER},
    {"mx.example.org[192.0.2.9]:25", "5.3.4", "552 5.3.4 Message size exceeds fixed limit",
     ANSWER_TOO_LARGE},
    {"mx.example.org[192.0.2.9]:25", "5.7.1", "554 5.7.1 Spam message rejected", ANSWER_CONTENT},
    {"mx.example.org[192.0.2.9]:25", "5.7.23",
     "550 5.7.23 <a@b.test>: Sender address rejected: SPF fail - not authorized",
     ANSWER_AUTHENTICATION},
    {"mx.example.org[192.0.2.9]:25", "5.7.0", "530 5.7.0 Must issue a STARTTLS command first",
     ANSWER_TLS_REQUIRED},
    {"mx.example.org[192.0.2.9]:25", "5.7.1", "554 5.7.1 Go away", ANSWER_POLICY},
    {"mx.example.org[192.0.2.9]:25", "4.0.0", "452 Insufficient system storage", ANSWER_OTHER},
    /* Somebody else who only sounds like them; and our own words. */
    {"mx.notgoogle.com[192.0.2.9]:25", "4.7.28", "421 4.7.28 later", ANSWER_BUSY},
    {"", "4.4.1", "connection refused", ANSWER_OTHER},
    {"", "4.0.0", "", ANSWER_OTHER},
    {"mx.example.org[192.0.2.9]:25", "2.0.0", "250 greylisted", ANSWER_OTHER},
};

static int setup(void **state)
{
    *state = classify_built_in();
    return 0;
}

static int teardown(void **state)
{
    classify_free(*state);
    return 0;
}

static void test_answers_get_their_class(void **state)
{
    assert_non_null(*state);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct answer answer = {.reply = slice_from_cstr(row->reply),
                                .status = slice_from_cstr(row->status),
                                .host = slice_from_cstr(row->host)};
        struct answer_verdict verdict = classify_answer(*state, &answer);
        if (verdict.class != row->class)
            fail_msg("%s: %s, not %s", row->reply, answer_class_name(verdict.class),
                     answer_class_name(row->class));
        if (row->retry_s && verdict.retry_ms != row->retry_s * 1000)
            fail_msg("%s: %llu ms", row->reply, (unsigned long long)verdict.retry_ms);
        if (verdict.certain != row->certain)
            fail_msg("%s: certain is %d", row->reply, verdict.certain);
    }
}

static void test_the_site_counts_like_the_host(void **state)
{
    struct answer answer = {.reply = SLICE("421 4.7.28 later"),
                            .status = SLICE("4.7.28"),
                            .host = SLICE("relay.example.org[192.0.2.9]:25"),
                            .site = SLICE("aspmx.l.google.com+3f2a91")};

    assert_int_equal(classify_answer(*state, &answer).class, ANSWER_RATE_LIMITED);
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        unsigned seconds;
    } times[] = {
        {"try again in 300 seconds", 300},
        {"try again in 5 minutes", 300},
        {"retry after 60s please", 60},
        {"wait (10 min)", 600},
        {"in 1 hour", 3600},
        {"come back in 00:04:59", 299},
        {"delay 05:30", 330},
        {"time=120sec", 120},
        {"in 15-minutes", 900},
        {"450 4.7.1 later", 0},
        {"[192.0.2.1] 12 messages", 0},
        {"2026-05-14T15:49:33.598Z", 0},
        {"5", 0},
        {"99999999999 seconds", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        uint64_t ms = classify_delay_ms(slice_from_cstr(times[i].text));
        if (ms != times[i].seconds * 1000)
            fail_msg("%s: %llu ms", times[i].text, (unsigned long long)ms);
    }
}

static void test_a_wrong_table_is_told(void **state)
{
    static const char *const wrong[] = {"# a comment\n\nnonsense 4xx * * text\n",
                                        "# a comment\n\nbusy 4xx * *\n",
                                        "# a comment\n\nbusy * * * a*b*c*d*e*f*g*h*i\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        unsigned line = 0;
        assert_null(classify_new(slice_from_cstr(wrong[i]), &line));
        assert_int_equal(line, 3);
    }
}

/* The longest of answers against the whole table: it ends, and soon. */
static void test_a_hostile_answer(void **state)
{
    size_t len = 64 * 1024;
    char *text = malloc(len);
    struct answer answer = {.status = SLICE("4.0.0"), .host = SLICE("mx.example.org")};

    for (size_t i = 0; i < len; i++)
        text[i] = "450 too many try again in 9 "[i % 28];
    answer.reply = slice_from(text, len);
    assert_int_equal(classify_answer(*state, &answer).class, ANSWER_OTHER);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_get_their_class),
        cmocka_unit_test(test_the_site_counts_like_the_host),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_a_wrong_table_is_told),
        cmocka_unit_test(test_a_hostile_answer),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
