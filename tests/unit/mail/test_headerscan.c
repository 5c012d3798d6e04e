#include "mail/headerscan.h"
#include "mail/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct headerscan scan_by(struct slice message, size_t step)
{
    struct headerscan scan;

    headerscan_init(&scan);
    for (size_t at = 0; at < message.len && !scan.done; at += step)
        headerscan_feed(&scan, slice_sub(message, at, step));
    headerscan_end(&scan);
    return scan;
}

static void test_what_is_seen(void **state)
{
    static const struct slice message = SLICE_INIT("Received: from a\r\n by b\r\n"
                                                   "DATE: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
                                                   "Received: again\r\n"
                                                   "Bcc : x@y,\r\n\tz@y\r\n"
                                                   "Bcc: another\r\n"
                                                   "no field\r\n"
                                                   "X-Date: no\r\n"
                                                   "From: J\xc3\xb6rg <j@a>\r\n"
                                                   "\r\n"
                                                   "Date: body\r\nReceived: body\r\n");

    (void)state;
    for (size_t step = 1; step <= message.len; step++) {
        struct headerscan scan = scan_by(message, step);

        assert_true(scan.done && scan.eight_bit);
        assert_int_equal(scan.size, header_section_size(message));
        assert_int_equal(scan.fields, 7);
        assert_int_equal(scan.bad, 1);
        assert_int_equal(scan.line_max, 37);
        assert_int_equal(scan.seen[HEADERSCAN_RECEIVED].count, 2);
        assert_int_equal(scan.seen[HEADERSCAN_RECEIVED].offset, 0);
        assert_int_equal(scan.seen[HEADERSCAN_RECEIVED].len, 25);
        assert_int_equal(scan.seen[HEADERSCAN_DATE].count, 1);
        assert_int_equal(scan.seen[HEADERSCAN_DATE].offset, 25);
        assert_int_equal(scan.seen[HEADERSCAN_BCC].count, 2);
        assert_true(slice_eq(
            slice_sub(message, scan.seen[HEADERSCAN_BCC].offset, scan.seen[HEADERSCAN_BCC].len),
            SLICE("Bcc : x@y,\r\n\tz@y\r\n")));
        assert_int_equal(scan.seen[HEADERSCAN_FROM].len, 19);
        assert_int_equal(scan.seen[HEADERSCAN_MESSAGE_ID].count, 0);
    }
}

static void test_feed_says_where_the_body_begins(void **state)
{
    struct headerscan scan;

    (void)state;
    headerscan_init(&scan);
    assert_int_equal(headerscan_feed(&scan, SLICE("A: b\r\n\r")), 7);
    assert_false(scan.done);
    assert_int_equal(headerscan_feed(&scan, SLICE("\nbody")), 1);
    assert_true(scan.done);
    assert_int_equal(headerscan_feed(&scan, SLICE("body")), 0);
    assert_int_equal(scan.size, 8);
}

/* Message by message the same as walking over it with header_next(). */
static void test_agrees_with_the_iterator(void **state)
{
    static const struct slice cases[] = {
        SLICE_INIT(""),
        SLICE_INIT("\r\n"),
        SLICE_INIT("\n"),
        SLICE_INIT("\r"),
        SLICE_INIT("\rA: b\r\n"),
        SLICE_INIT(" A: b\r\n c\r\nD: e"),
        SLICE_INIT("A"),
        SLICE_INIT("A "),
        SLICE_INIT("A :"),
        SLICE_INIT("A\r\n :b\r\n"),
        SLICE_INIT("A \r\n :b\r\n"),
        SLICE_INIT(":\r\n::\r\na::\r\n"),
        SLICE_INIT("A: b\r\n\r\r\n\r\n"),
        SLICE_INIT("Date: b\n \n\nbody"),
        SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: b\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct headerscan scan = scan_by(cases[i], 1);
        struct header_iter iter = header_iterate(cases[i]);
        struct header_field field;
        size_t fields = 0;
        size_t bad = 0;

        while (header_next(&iter, &field))
            *(field.malformed ? &bad : &fields) += 1;
        if (scan.fields != fields || scan.bad != bad || scan.size != header_section_size(cases[i]))
            fail_msg("%zu: %u fields, %u bad, %zu octets", i, scan.fields, scan.bad,
                     (size_t)scan.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_seen),
        cmocka_unit_test(test_feed_says_where_the_body_begins),
        cmocka_unit_test(test_agrees_with_the_iterator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
