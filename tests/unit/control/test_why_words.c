#include "control/why_words.h"

#include "control/why_phrase.h"

#include "../cmocka_all.h"

static void test_events_in_plain_words(void **state)
{
    static const struct {
        const char *role, *name, *text, *words;
    } cases[] = {
        {"receive", "connect", "listener=mx session=1 client=192.0.2.7",
         "192.0.2.7 connected to listener mx"},
        {"receive", "connect", "listener=mx session=1 name=mx.example.net client=192.0.2.7",
         "mx.example.net [192.0.2.7] connected to listener mx"},
        {"receive", "connect", "listener=lmtp client=\"\"",
         "a program of this machine connected to listener lmtp"},
        {"receive", "tls", "version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 peer=\"\"",
         "TLSv1.3, TLS_AES_256_GCM_SHA384"},
        {"receive", "login", "account=joe@x.org mechanism=PLAIN",
         "logged in as joe@x.org by PLAIN"},
        {"receive", "login-refused",
         "account=joe@x.org mechanism=PLAIN code=535 status=5.7.8 why=\"wrong password\"",
         "login as joe@x.org by PLAIN refused: 535 5.7.8 (wrong password)"},
        {"receive", "refused",
         "line=\"RCPT TO:<a@b>\" from=\"\" to=a@b code=550 status=5.1.1 text=\"no such user here\" "
         "rule=nuncio.conf:12",
         "recipient <a@b> refused: 550 5.1.1 no such user here, decided by nuncio.conf:12"},
        {"receive", "refused",
         "line=\"MAIL FROM:<a@b>\" from=a@b code=530 status=5.7.0 text=\"log in first\"",
         "sender <a@b> refused: 530 5.7.0 log in first"},
        {"receive", "refused", "line=WHAT code=500 status=5.5.2 text=\"unknown command\"",
         "WHAT refused: 500 5.5.2 unknown command"},
        {"receive", "accepted",
         "message=1000001000000 from=a@b to=c@d,e@f header_id=x@y recipients=2 size=12 "
         "rule=\"rcpt local nuncio.conf:5\"",
         "accepted as 1000001000000: from <a@b> to <c@d,e@f> (2 recipients), 12 bytes, Message-ID "
         "x@y; allowed by rcpt local nuncio.conf:5"},
        {"queue", "delivered",
         "to=c@d remote=mx.b.example[203.0.113.5]:25 tls=\"TLSv1.3 dane\" reply=\"250 2.0.0 OK "
         "queued as ABC\" attempts=2 ms=210",
         "delivered to <c@d> on attempt 2 by mx.b.example[203.0.113.5]:25 over TLSv1.3 dane after "
         "0.21 s: 250 2.0.0 OK queued as ABC"},
        {"queue", "deferred", "to=c@d reply=\"450 busy\" class=greylist next=2026-11-22T10:12:11Z",
         "deferred for <c@d>: 450 busy; understood as greylist; next try at 2026-11-22 10:12:11"},
        {"queue", "expired", "to=c@d reply=\"450 busy\"",
         "given up for <c@d>, because it has waited too long; the last answer: 450 busy"},
        {"queue", "bounce", "message=1000001000000 as=1000001000001 to=a@b",
         "notification about it sent to <a@b>, as message 1000001000001"},
        {"queue", "changed", "message=1 by=queue.hold uid=0 recipients=2",
         "root said: nuncio queue hold, for 2 recipients"},
        {"relay", "try", "host=mx.b.example address=203.0.113.5 stage=connect reply=refused ms=10",
         "tried mx.b.example [203.0.113.5], connect: refused after 0.01 s"},
        {"relay", "try", "host=mx.b.example address=203.0.113.5 stage=ready reply=\"\" ms=10",
         "ready to send to mx.b.example [203.0.113.5] after 0.01 s"},
        {"relay", "signed", "domain=x.org selectors=n1,n2 ms=2",
         "DKIM signature made for x.org, selectors n1,n2"},
        {"relay", "sent-unsigned", "domain=x.org why=\"the keys role is away\" waited=3601",
         "sent without a DKIM signature of x.org after waiting for one for 3601 seconds: the keys "
         "role is away"},
        {"relay", "key-does-not-sign", "domain=x.org selector=n1",
         "the DKIM key n1 of x.org does not sign"},
        {"queue", "changed", "message=1 by=queue.reroute uid=3999999999 route=far recipients=1",
         "uid 3999999999 said: nuncio queue reroute --to far, for 1 recipient"},
        {"auth", "login-blocked", "kind=address subject=192.0.2.7 failures=10 seconds=600",
         "logins of 192.0.2.7 blocked for 600 seconds, after 10 failures (nuncio account "
         "blocked)"},
        {"relay", "history-dropped", "events=7",
         "7 events were not written down here, so this may lack something; they stand in the log "
         "(nuncio why --rebuild LOGFILE)"},
        {"relay", "never-heard-of", "message=1 a=b c=\"d\\x1b[2J\"",
         "never-heard-of, a b, c d\\x1b[2J"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event event = {.role = slice_from_cstr(cases[i].role),
                              .name = slice_from_cstr(cases[i].name)};
        struct arena arena;
        struct buf out;

        arena_init(&arena);
        buf_init(&out, 10000);
        assert_int_equal(event_read_fields(slice_from_cstr(cases[i].text), &arena, &event), 0);
        assert_true(why_words(&out, &event));
        if (!slice_eq(buf_slice(&out), slice_from_cstr(cases[i].words)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
        buf_done(&out);
        arena_done(&arena);
    }
}

static void test_control_characters_are_shown_not_sent(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    why_add(&out, SLICE("J\xc3\xb6rg \033[2J\r\n\x7f\xff\xc2\x9b"));
    assert_true(
        slice_eq(buf_slice(&out), SLICE("J\xc3\xb6rg \\x1b[2J\\x0d\\x0a\\x7f\\xff\\xc2\\x9b")));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_in_plain_words),
        cmocka_unit_test(test_control_characters_are_shown_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
