#include "mail/reencode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define MIME  "MIME-Version: 1.0\r\n"
#define TEXT8 "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
#define TEXTQ                                                                                      \
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "                       \
    "quoted-printable\r\n\r\n"
#define MULTI(type, boundary) "Content-Type: multipart/" type "; boundary=" boundary "\r\n"
#define CTE(encoding)         "Content-Transfer-Encoding: " encoding "\r\n"

static void test_parts(void **state)
{
    static const struct {
        struct slice message;
        enum reencode_outcome outcome;
        struct slice want;
    } cases[] = {
        {SLICE_INIT(""), REENCODE_UNCHANGED, SLICE_INIT("")},
        {SLICE_INIT("A: b\r\n\r\nplain\r\n"), REENCODE_UNCHANGED, SLICE_INIT("")},
        /* A label alone is no reason to touch a message. */
        {SLICE_INIT(MIME TEXT8 "plain\r\n"), REENCODE_UNCHANGED, SLICE_INIT("")},
        {SLICE_INIT(MIME TEXT8 "J\xc3\xb6rg  \r\n"), REENCODE_CHANGED,
         SLICE_INIT(MIME TEXTQ "J=C3=B6rg =20\r\n")},
        /* The label is put in its place, whatever its case and folding, once. */
        {SLICE_INIT(MIME
                    "content-transfer-encoding:\r\n 8BIT\r\nX: y\r\n" CTE("8bit") "\r\n\xc3\xb6"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME CTE("quoted-printable") "X: y\r\n"
                                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                                 "\r\n=C3=B6")},
        /* From before MIME. */
        {SLICE_INIT("\r\n\xc3\xb6\r\n"), REENCODE_CHANGED,
         SLICE_INIT(MIME "Content-Type: text/plain; charset=utf-8\r\n" CTE(
             "quoted-printable") "\r\n=C3=B6\r\n")},
        {SLICE_INIT("A: b\r\n\r\n\xf6\r\n"), REENCODE_CHANGED,
         SLICE_INIT("A: b\r\n" MIME "Content-Type: text/plain; charset=unknown-8bit\r\n" CTE(
             "quoted-printable") "\r\n=F6\r\n")},
        {SLICE_INIT("A: b\r\n\r\na\0b\r\n"), REENCODE_CHANGED,
         SLICE_INIT("A: b\r\n" MIME "Content-Type: text/plain; charset=utf-8\r\n" CTE(
             "quoted-printable") "\r\na=00b\r\n")},
        /* Only the part that needs it, and the labels above it. */
        {SLICE_INIT(MIME MULTI("mixed", "b") CTE("8bit") "\r\npre\r\n--b\r\n\r\nplain \r\n"
                                                         "--b\r\n" TEXT8
                                                         "\xc3\xb6\r\n--b--\r\npost\r\n"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME MULTI("mixed", "b") CTE("7bit") "\r\npre\r\n--b\r\n\r\nplain \r\n"
                                                         "--b\r\n" TEXTQ
                                                         "=C3=B6\r\n--b--\r\npost\r\n")},
        {SLICE_INIT(MIME MULTI("mixed", "b") "\r\n\xf6\r\n--b\r\n\r\na\r\n--b--\r\n\xf6"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME MULTI("mixed", "b") "\r\n?\r\n--b\r\n\r\na\r\n--b--\r\n?")},
        /* A message within, down to its header. */
        {SLICE_INIT(MIME "Content-Type: message/rfc822\r\n" CTE(
             "8bit") "\r\nSubject: \xc3\xb6\r\n" MIME TEXT8 "\xc3\xb6"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME "Content-Type: message/rfc822\r\n" CTE(
             "7bit") "\r\nSubject: =?utf-8?q?=C3=B6?=\r\n" MIME TEXTQ "=C3=B6")},
        /* RFC 6532 section 3.7: unlike message/rfc822 it may be encoded as a whole. */
        {SLICE_INIT(MIME "Content-Type: message/global\r\n\r\nTo: \xc3\xb6@x\r\n\r\nz"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME "Content-Type: message/global\r\n" CTE(
             "quoted-printable") "\r\nTo: =C3=B6@x\r\n\r\nz")},
        {SLICE_INIT(MIME "Content-Type: application/x\r\n" CTE("binary") "\r\n\xff\xfe\xfd\xfc"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME "Content-Type: application/x\r\n" CTE("base64") "\r\n//79/A==\r\n")},
        {SLICE_INIT(MIME "Content-Type: text/x\r\n\r\n\xff\xfe\xfd\xfc"), REENCODE_CHANGED,
         SLICE_INIT(MIME "Content-Type: text/x\r\n" CTE("quoted-printable") "\r\n=FF=FE=FD=FC")},
        /* Signed: whole or not at all; what is beside it may change. */
        {SLICE_INIT(MIME MULTI("signed", "b") "\r\n--b\r\n" TEXT8
                                              "\xc3\xb6\r\n--b\r\n\r\nsig\r\n--b--"),
         REENCODE_SIGNED, SLICE_INIT("")},
        {SLICE_INIT(MIME MULTI("encrypted", "b") "\r\n--b\r\n\r\n\xc3\xb6\r\n--b--"),
         REENCODE_SIGNED, SLICE_INIT("")},
        {SLICE_INIT(MIME MULTI("mixed", "a") "\r\n--a\r\n" MULTI("signed", "b") CTE(
             "8bit") "\r\n--b\r\n" TEXT8 "plain\r\n--b--\r\n--a\r\n\r\n\xc3\xb6\r\n--a--"),
         REENCODE_CHANGED,
         SLICE_INIT(MIME MULTI("mixed", "a") "\r\n--a\r\n" MULTI("signed", "b")
                        CTE("7bit") "\r\n--b\r\n" TEXT8 "plain\r\n--b--\r\n--a\r\n"
                                    "Content-Type: text/plain; charset=utf-8\r\n" CTE(
                                        "quoted-printable") "\r\n=C3=B6\r\n--a--")},
        /* What cannot be. */
        {SLICE_INIT(MIME CTE("base64") "\r\n\xf6"), REENCODE_ENCODING, SLICE_INIT("")},
        {SLICE_INIT(MIME CTE("quoted-printable") "\r\n\xf6"), REENCODE_ENCODING, SLICE_INIT("")},
        {SLICE_INIT(MIME CTE("x-uuencode") "\r\n\xf6"), REENCODE_ENCODING, SLICE_INIT("")},
        {SLICE_INIT(MIME MULTI("mixed", "b") CTE("base64") "\r\n--b\r\n\r\n\xf6\r\n--b--"),
         REENCODE_ENCODING, SLICE_INIT("")},
        {SLICE_INIT(MIME "Content-Type: multipart/mixed\r\n\r\n\xf6"), REENCODE_STRUCTURE,
         SLICE_INIT("")},
        {SLICE_INIT(MIME "Content-Type: message/partial\r\n\r\n\xf6"), REENCODE_STRUCTURE,
         SLICE_INIT("")},
        {SLICE_INIT("no field \xf6\r\n\r\nplain"), REENCODE_HEADER, SLICE_INIT("")},
        {SLICE_INIT("To: \xc3\xb6@example.org\r\n\r\nplain"), REENCODE_HEADER, SLICE_INIT("")},
        {SLICE_INIT(MIME MULTI("mixed", "\xf6") "\r\n--\xf6\r\n\r\nx\r\n--\xf6--"), REENCODE_HEADER,
         SLICE_INIT("")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        enum reencode_outcome outcome;

        buf_init(&out, 4096);
        buf_add_cstr(&out, "before");
        outcome = reencode_to_7bit(cases[i].message, &out);
        if (outcome != cases[i].outcome)
            fail_msg("%zu: %s", i, reencode_outcome_text(outcome));
        if (!slice_eq(slice_skip(buf_slice(&out), 6), cases[i].want))
            fail_msg("%zu:\n%.*s", i, SLICE_ARG(buf_slice(&out)));
        buf_done(&out);
    }
}

/* `n` times the byte, then CRLF. */
static void add_line(struct buf *out, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(out, c);
    buf_add_cstr(out, "\r\n");
}

static void test_long_lines(void **state)
{
    static const struct {
        const char *header;
        size_t len;
        enum reencode_outcome outcome;
        const char *label;
    } cases[] = {
        {"A: b\r\n\r\n", REENCODE_LINE_MAX, REENCODE_UNCHANGED, NULL},
        {"A: b\r\n\r\n", REENCODE_LINE_MAX + 1, REENCODE_CHANGED, "quoted-printable"},
        {CTE("base64") "\r\n", REENCODE_LINE_MAX + 2, REENCODE_CHANGED, "base64"},
        {CTE("base64") "\r\n", REENCODE_LINE_MAX + 3, REENCODE_ENCODING, NULL},
        {CTE("quoted-printable") "\r\n", REENCODE_LINE_MAX + 1, REENCODE_CHANGED,
         "quoted-printable"},
        {CTE("x-other") "\r\n", REENCODE_LINE_MAX + 1, REENCODE_ENCODING, NULL},
        {MULTI("mixed", "b") "\r\n", REENCODE_LINE_MAX + 1, REENCODE_STRUCTURE, NULL},
        {MULTI("signed", "b") "\r\n--b\r\n\r\n", REENCODE_LINE_MAX + 1, REENCODE_SIGNED, NULL},
        {"Subject: ", REENCODE_LINE_MAX, REENCODE_HEADER, NULL},
        {"Subject: x", 0, REENCODE_UNCHANGED, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf message;
        struct buf out;
        enum reencode_outcome outcome;

        buf_init(&message, 4096);
        buf_init(&out, 8192);
        buf_add_cstr(&message, cases[i].header);
        add_line(&message, 'a', cases[i].len);
        outcome = reencode_to_7bit(buf_slice(&message), &out);
        if (outcome != cases[i].outcome)
            fail_msg("%zu: %s", i, reencode_outcome_text(outcome));
        assert_false(reencode_is_needed(buf_slice(&out)));
        if (cases[i].label)
            assert_non_null(memmem(out.ptr, out.len, cases[i].label, strlen(cases[i].label)));
        buf_done(&message);
        buf_done(&out);
    }
}

/* Blanks at its end make a line too long like anything else. */
static void test_long_blanks(void **state)
{
    struct buf message;
    struct buf out;

    (void)state;
    buf_init(&message, 4096);
    buf_init(&out, 4096);
    buf_add_cstr(&message, "Subject: x");
    add_line(&message, ' ', REENCODE_LINE_MAX);
    assert_int_equal(reencode_to_7bit(buf_slice(&message), &out), REENCODE_CHANGED);
    assert_true(slice_eq(slice_sub(buf_slice(&out), 0, 12), SLICE("Subject: x\r\n")));
    buf_done(&message);
    buf_done(&out);
}

/* A soft line break must not make a delimiter of a line's end. */
static void test_no_delimiter_is_born(void **state)
{
    struct buf message;
    struct buf out;

    (void)state;
    buf_init(&message, 4096);
    buf_init(&out, 4096);
    buf_add_cstr(&message, MIME MULTI("mixed", "b") "\r\n--b\r\n\r\n\xc3\xb6\r\n");
    for (size_t i = 0; i < 75; i++)
        buf_add_char(&message, 'a');
    buf_add_cstr(&message, "--b--\r\nrest\r\n--b--\r\n");
    assert_int_equal(reencode_to_7bit(buf_slice(&message), &out), REENCODE_CHANGED);
    assert_non_null(memmem(out.ptr, out.len, "a=\r\n=2D-b--\r\nrest", 17));
    buf_done(&message);
    buf_done(&out);
}

static void test_full_buffer_is_told(void **state)
{
    static const struct slice message = SLICE_INIT(MIME TEXT8 "\xc3\xb6\r\n");

    struct buf whole;

    (void)state;
    buf_init(&whole, 4096);
    assert_int_equal(reencode_to_7bit(message, &whole), REENCODE_CHANGED);
    for (size_t max = 0; max < whole.len; max++) {
        struct buf out;
        buf_init(&out, max);
        assert_int_equal(reencode_to_7bit(message, &out), REENCODE_TOO_LARGE);
        assert_int_equal(out.len, 0);
        buf_done(&out);
    }
    buf_done(&whole);
}

/* Long text that is hardly ASCII at all is not made three times as long. */
static void test_dense_text_becomes_base64(void **state)
{
    struct buf message;
    struct buf out;

    (void)state;
    buf_init(&message, 10000);
    buf_init(&out, 20000);
    buf_add_cstr(&message, MIME TEXT8);
    for (size_t i = 0; i < 1000; i++)
        buf_add_cstr(&message, "\xd0\x96");
    assert_int_equal(reencode_to_7bit(buf_slice(&message), &out), REENCODE_CHANGED);
    assert_non_null(memmem(out.ptr, out.len, "base64", 6));
    buf_done(&message);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_blanks),
        cmocka_unit_test(test_no_delimiter_is_born),
        cmocka_unit_test(test_full_buffer_is_told),
        cmocka_unit_test(test_dense_text_becomes_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
