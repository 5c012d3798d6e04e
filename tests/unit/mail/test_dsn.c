#include "mail/dsn.h"
#include "mail/mime.h"
#include "mail/reencode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct dsn_recipient failed = {
    .action = DSN_FAILED,
    .address = SLICE_INIT("joe@example.org"),
    .orcpt = SLICE_INIT("rfc822;all+2Bx@example.net"),
    .status = {5, 1, 1},
    .remote_mta = SLICE_INIT("mx.example.org"),
    .diagnostic = SLICE_INIT("550-5.1.1 no such\n550 5.1.1 user"),
    .smtp = true,
    .last_attempt_ms = 1795341600000,
};

static const struct dsn base = {
    .hostname = SLICE_INIT("mx1.example.net"),
    .message_id = SLICE_INIT("<dsn-1@mx1.example.net>"),
    .now_ms = 1795341660000,
    .to = SLICE_INIT("sender@example.net"),
    .queue_id = SLICE_INIT("0000000000001"),
    .envid = SLICE_INIT("QQ+2B314"),
    .arrival_ms = 1795338000000,
    .ret = RET_FULL,
    .recipients = &failed,
    .n_recipients = 1,
    .original = SLICE_INIT("Subject: hello\r\nFrom: me\r\n\r\nbody\r\n"),
    .original_size = 34,
};

/* The message, its tree, and what it needs. */
struct built {
    struct buf out;
    struct arena arena;
    struct mime_tree tree;
    struct dsn_needs needs;
};

static struct built build(const struct dsn *dsn)
{
    struct built built;

    buf_init(&built.out, 1 << 20);
    arena_init(&built.arena);
    built.needs = dsn_build(&built.out, dsn);
    assert_false(built.out.overflow);
    assert_int_equal(mime_parse(buf_slice(&built.out), &built.arena, &built.tree), 0);
    assert_true(mime_type_is(&built.tree.parts[0], "multipart", "report"));
    assert_true(built.tree.n >= 4);
    return built;
}

static void done(struct built *built)
{
    buf_done(&built->out);
    arena_done(&built->arena);
}

static struct slice body(const struct built *built, uint32_t part)
{
    const struct mime_part *p = &built->tree.parts[part];
    return slice_sub(buf_slice(&built->out), p->body, p->end - p->body);
}

static bool has(struct slice text, const char *what)
{
    return text.len && memmem(text.ptr, text.len, what, strlen(what));
}

static void assert_has(struct slice text, const char *what)
{
    if (!has(text, what))
        fail_msg("no \"%s\" in:\n%.*s", what, SLICE_ARG(text));
}

static void test_failure(void **state)
{
    struct built built = build(&base);
    struct slice all = buf_slice(&built.out);

    (void)state;
    assert_has(all, "From: Mail Delivery System <MAILER-DAEMON@mx1.example.net>\r\n");
    assert_has(all, "\r\nTo: sender@example.net\r\n");
    assert_has(all, "\r\nSubject: Not delivered: your message to joe@example.org\r\n");
    assert_has(all, "\r\nDate: Sun, 22 Nov 2026 10:01:00 +0000\r\n");
    assert_has(all, "\r\nMessage-ID: <dsn-1@mx1.example.net>\r\n");
    assert_has(all, "\r\nAuto-Submitted: auto-replied\r\n");
    assert_has(all, "report-type=delivery-status");
    assert_has(body(&built, 1), "<joe@example.org>");
    assert_has(body(&built, 1), "The server mx.example.org said:\r\n"
                                "        550-5.1.1 no such\r\n        550 5.1.1 user\r\n");
    assert_true(slice_eq(body(&built, 2),
                         SLICE("Reporting-MTA: dns; mx1.example.net\r\n"
                               "Original-Envelope-Id: QQ+314\r\n"
                               "X-Nuncio-Message: 0000000000001\r\n"
                               "Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000\r\n"
                               "\r\n"
                               "Original-Recipient: rfc822;all+x@example.net\r\n"
                               "Final-Recipient: rfc822; joe@example.org\r\n"
                               "Action: failed\r\n"
                               "Status: 5.1.1\r\n"
                               "Remote-MTA: dns; mx.example.org\r\n"
                               "Diagnostic-Code: smtp; 550-5.1.1 no such 550 5.1.1 user\r\n"
                               "Last-Attempt-Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n")));
    assert_true(mime_type_is(&built.tree.parts[3], "message", "rfc822"));
    assert_true(slice_eq(body(&built, 3), base.original));
    assert_int_equal(built.needs.body, BODY_7BIT);
    assert_false(built.needs.smtputf8);
    done(&built);
}

/* Several recipients, each with its own news, in the order worst first for people. */
static void test_mixed_news(void **state)
{
    const struct dsn_recipient recipients[] = {
        {.action = DSN_DELIVERED, .address = SLICE("a@x")},
        {.action = DSN_RELAYED, .address = SLICE("b@x"), .status = {2, 1, 9}},
        {.action = DSN_EXPANDED, .address = SLICE("c@x")},
        {.action = DSN_DELAYED,
         .address = SLICE("d@x"),
         .diagnostic = SLICE("connect: Connection refused"),
         .retry_until_ms = 1795773600000},
        failed,
        {.action = DSN_FAILED, .address = SLICE("e@x")},
    };
    struct dsn dsn = base;
    struct built built;

    (void)state;
    dsn.recipients = recipients;
    dsn.n_recipients = COUNT(recipients);
    built = build(&dsn);
    assert_has(buf_slice(&built.out), "Subject: Not delivered: your message to 2 recipients\r\n");
    assert_has(body(&built, 1), "Your message has been put into the mailbox of:\r\n\r\n  <a@x>");
    assert_has(body(&built, 1), "It is tried again until Fri, 27 Nov 2026 10:00:00 +0000.");
    assert_has(body(&built, 1), "The reason:\r\n        connect: Connection refused\r\n");
    assert_has(body(&built, 2), "Action: relayed\r\nStatus: 2.1.9\r\n");
    assert_has(body(&built, 2), "Action: expanded\r\nStatus: 2.0.0\r\n");
    assert_has(body(&built, 2), "Action: delayed\r\nStatus: 4.0.0\r\n"
                                "Diagnostic-Code: X-Nuncio; connect: Connection refused\r\n"
                                "Will-Retry-Until: Fri, 27 Nov 2026 10:00:00 +0000\r\n");
    assert_has(body(&built, 2), "Final-Recipient: rfc822; e@x\r\nAction: failed\r\nStatus: 5.0.0");
    done(&built);
}

static void test_what_is_returned(void **state)
{
    static const struct {
        enum dsn_action action;
        enum dsn_ret ret;
        uint64_t size; /* 0: as it is */
        bool full;
    } cases[] = {
        {DSN_FAILED, RET_FULL, 0, true},   {DSN_FAILED, RET_DEFAULT, 0, true},
        {DSN_FAILED, RET_HDRS, 0, false},  {DSN_FAILED, RET_FULL, DSN_FULL_MAX + 1, false},
        {DSN_FAILED, RET_FULL, 35, false}, /* we have not all of it */
        {DSN_DELAYED, RET_FULL, 0, false}, {DSN_DELIVERED, RET_FULL, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dsn_recipient recipient = failed;
        struct dsn dsn = base;
        struct built built;

        recipient.action = cases[i].action;
        dsn.recipients = &recipient;
        dsn.ret = cases[i].ret;
        if (cases[i].size)
            dsn.original_size = cases[i].size;
        built = build(&dsn);
        if (mime_type_is(&built.tree.parts[3], "message", "rfc822") != cases[i].full)
            fail_msg("%zu", i);
        if (!cases[i].full) {
            assert_true(mime_type_is(&built.tree.parts[3], "text", "rfc822-headers"));
            assert_true(slice_eq(body(&built, 3), SLICE("Subject: hello\r\nFrom: me\r\n")));
        }
        done(&built);
    }
}

static void test_utf8(void **state)
{
    static const struct {
        const char *what;
        const char *address;
        const char *orcpt;
        const char *to;
        bool smtputf8;
        const char *original;
        const char *status_type; /* of message/ */
        const char *returned;
        bool eight_bit;
        bool needs_smtputf8;
    } cases[] = {
        {"ASCII", "a@x", "", "b@y", true, "A: b\r\n\r\nc\r\n", "delivery-status", "rfc822", false,
         false},
        {"8-bit body", "a@x", "", "b@y", false, "A: b\r\n\r\n\xf6\r\n", "delivery-status", "rfc822",
         true, false},
        {"raw 8-bit header", "a@x", "", "b@y", false, "A: \xf6\r\n\r\n", "delivery-status",
         "rfc822", true, false},
        {"UTF-8 header", "a@x", "", "b@y", true, "A: ö\r\n\r\n", "delivery-status", "global", true,
         false},
        {"UTF-8 recipient", "ä@x", "", "b@y", true, "A: b\r\n\r\n", "global-delivery-status",
         "rfc822", true, false},
        {"UTF-8 original recipient", "a@x", "utf-8;\\x{E4}@x", "b@y", true, "A: b\r\n\r\n",
         "global-delivery-status", "rfc822", true, false},
        {"UTF-8 sender", "a@x", "", "ü@y", true, "A: b\r\n\r\n", "delivery-status", "rfc822", true,
         true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dsn_recipient recipient = failed;
        struct dsn dsn = base;
        struct built built;

        recipient.address = slice_from_cstr(cases[i].address);
        recipient.orcpt = slice_from_cstr(cases[i].orcpt);
        dsn.recipients = &recipient;
        dsn.to = slice_from_cstr(cases[i].to);
        dsn.smtputf8 = cases[i].smtputf8;
        dsn.original = slice_from_cstr(cases[i].original);
        dsn.original_size = dsn.original.len;
        built = build(&dsn);
        if (!mime_type_is(&built.tree.parts[2], "message", cases[i].status_type) ||
            !mime_type_is(&built.tree.parts[3], "message", cases[i].returned) ||
            (built.needs.body == BODY_8BITMIME) != cases[i].eight_bit ||
            built.needs.smtputf8 != cases[i].needs_smtputf8)
            fail_msg("%s:\n%.*s", cases[i].what, SLICE_ARG(buf_slice(&built.out)));
        assert_int_equal(reencode_is_needed(buf_slice(&built.out)), cases[i].eight_bit);
        if (i == 4)
            assert_has(body(&built, 2), "Final-Recipient: utf-8; ä@x\r\n");
        if (i == 5)
            assert_has(body(&built, 2), "Original-Recipient: utf-8;ä@x\r\n");
        done(&built);
    }
}

/* Replies and names that want to write fields, parts or terminal sequences of their own. */
static void test_hostile_words_stay_words(void **state)
{
    struct dsn_recipient recipient = failed;
    struct dsn dsn = base;
    struct buf words;
    struct built built;
    struct slice rest;

    (void)state;
    buf_init(&words, 20000);
    buf_add_cstr(&words, "550 x\r\nAction: delivered\r\n\r\nFinal-Recipient: y\033[2J\x80");
    for (size_t i = 0; i < 10000; i++)
        buf_add_char(&words, 'w');
    recipient.diagnostic = buf_slice(&words);
    recipient.remote_mta = SLICE("mx\r\nAction: delivered");
    recipient.orcpt = SLICE("rfc822;a+0D+0AAction:+20delivered");
    dsn.recipients = &recipient;
    dsn.envid = SLICE("a+0D+0AAction:+20delivered");
    built = build(&dsn);
    assert_int_equal(built.tree.n, 5); /* the fifth is the message in the fourth */
    assert_false(has(body(&built, 2), "\nAction: delivered"));
    assert_false(has(body(&built, 2), "\nFinal-Recipient: y"));
    assert_false(has(buf_slice(&built.out), "\033"));
    assert_has(body(&built, 2), "Original-Recipient: rfc822;a+0D+0AAction:+20delivered\r\n");
    rest = buf_slice(&built.out);
    while (rest.ptr)
        assert_true(slice_cut(&rest, '\n').len <= 999);
    done(&built);
    buf_done(&words);
}

/* The text of another notification must not end ours. */
static void test_boundary_is_not_in_the_original(void **state)
{
    struct built first = build(&base);
    struct dsn dsn = base;
    struct built second;

    (void)state;
    dsn.original = buf_slice(&first.out);
    dsn.original_size = dsn.original.len;
    second = build(&dsn);
    assert_false(slice_eq(first.tree.parts[0].boundary, second.tree.parts[0].boundary));
    assert_true(slice_eq(body(&second, 3), buf_slice(&first.out)));
    assert_false(second.tree.parts[0].unterminated);
    done(&first);
    done(&second);
}

static void test_overflow_is_kept(void **state)
{
    (void)state;
    for (size_t max = 0; max < 1500; max += 7) {
        struct buf out;
        buf_init(&out, max);
        dsn_build(&out, &base);
        assert_true(out.overflow);
        buf_done(&out);
    }
}

static void test_who_wants_to_know(void **state)
{
    static const struct {
        unsigned notify;
        bool failed, delayed, delivered;
    } cases[] = {
        {0, true, true, false},
        {NOTIFY_NEVER, false, false, false},
        {NOTIFY_FAILURE, true, false, false},
        {NOTIFY_DELAY, false, true, false},
        {NOTIFY_SUCCESS, false, false, true},
        {NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, true, true, true},
        {NOTIFY_NEVER | NOTIFY_FAILURE, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(dsn_wanted(cases[i].notify, DSN_FAILED), cases[i].failed);
        assert_int_equal(dsn_wanted(cases[i].notify, DSN_DELAYED), cases[i].delayed);
        assert_int_equal(dsn_wanted(cases[i].notify, DSN_DELIVERED), cases[i].delivered);
        assert_int_equal(dsn_wanted(cases[i].notify, DSN_RELAYED), cases[i].delivered);
        assert_int_equal(dsn_wanted(cases[i].notify, DSN_EXPANDED), cases[i].delivered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_mixed_news),
        cmocka_unit_test(test_what_is_returned),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_hostile_words_stay_words),
        cmocka_unit_test(test_boundary_is_not_in_the_original),
        cmocka_unit_test(test_overflow_is_kept),
        cmocka_unit_test(test_who_wants_to_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
