#include "trust/report_part.h"
#include "trust/gzip.h"

#include "../cmocka_all.h"
#include "mail/encoding.h"
#include "trust/tlsrpt_mail.h"
#include "zip_samples.h"

static bool any(const struct mime_part *part, struct slice file_name)
{
    (void)part;
    return slice_eq(file_name, SLICE("it"));
}

static void check(struct slice head, struct slice bytes, const char *wrong)
{
    struct arena arena;
    struct buf mail, out;

    arena_init(&arena);
    buf_init(&mail, 8 << 20);
    buf_init(&out, 4 << 20);
    buf_add_slice(&mail, head);
    base64_encode(&mail, bytes);
    const char *got = report_part_read(buf_slice(&mail), any, &arena, &out);
    if (wrong)
        assert_string_equal(got, wrong);
    else
        assert_null(got);
    if (!wrong)
        assert_true(slice_eq(buf_slice(&out), SLICE(ZIP_TEXT)));
    buf_done(&mail);
    buf_done(&out);
    arena_done(&arena);
}

#define BASE64     "Content-Transfer-Encoding: base64\r\n"
#define ATTACHMENT "Content-Disposition: attachment; filename=it\r\n" BASE64 "\r\n"
#define NAMED      "Content-Type: application/octet-stream; name=\"it\"\r\n" BASE64 "\r\n"
#define INSIDE                                                                                     \
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n" ATTACHMENT

static void test_the_bytes_say_how_it_is_packed(void **state)
{
    struct buf gzip;

    (void)state;
    buf_init(&gzip, 1 << 20);
    gzip_pack(&gzip, SLICE(ZIP_TEXT));
    check(SLICE(ATTACHMENT), SLICE(ZIP_TEXT), NULL);
    check(SLICE(ATTACHMENT), ZIP_DEFLATED, NULL);
    check(SLICE(NAMED), buf_slice(&gzip), NULL);
    check(SLICE(INSIDE), buf_slice(&gzip), NULL);
    check(SLICE("Subject: x\r\n\r\n"), SLICE("x"), "it has no part with a report");
    check(SLICE(ATTACHMENT), slice_sub(buf_slice(&gzip), 0, 20),
          "its gzip is damaged or too large");
    check(SLICE(ATTACHMENT), ZIP_ENCRYPTED, "its zip is damaged or too large");
    buf_done(&gzip);
}

/* Two megabytes of zeros would fit; what makes them does not look like a report. */
static void test_bombs(void **state)
{
    static const char zeros[2 << 20];
    struct buf gzip;

    (void)state;
    buf_init(&gzip, 1 << 20);
    gzip_pack(&gzip, slice_from(zeros, sizeof(zeros)));
    check(SLICE(ATTACHMENT), buf_slice(&gzip), "its gzip is damaged or too large");
    buf_done(&gzip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_say_how_it_is_packed),
        cmocka_unit_test(test_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
