#include "trust/inflate.h"
#include "trust/gzip.h"
#include "trust/tlsrpt_mail.h"

#include "../cmocka_all.h"
#include "mail/encoding.h"

#include <string.h>

static struct tlsrpt_mail example_mail(struct slice gzip)
{
    return (struct tlsrpt_mail){.from = SLICE("postmaster@mx.sender.example"),
                                .to = SLICE("tls@example.net"),
                                .domain = SLICE("example.net"),
                                .submitter = SLICE("mx.sender.example"),
                                .report_id = SLICE("2016-04-01.example.net@mx.sender.example"),
                                .start = 1459468800,
                                .end = 1459555199,
                                .date = 1459560000,
                                .message_id = 0x1234,
                                .gzip = gzip};
}

static void test_what_is_made_is_read_again(void **state)
{
    struct arena arena;
    struct buf gzip, mail, out;
    const struct slice json = SLICE("{\"organization-name\":\"x\"}");

    (void)state;
    arena_init(&arena);
    buf_init(&gzip, 1 << 20);
    buf_init(&mail, 1 << 20);
    buf_init(&out, 1 << 20);
    gzip_pack(&gzip, json);
    const struct tlsrpt_mail example = example_mail(buf_slice(&gzip));
    tlsrpt_mail_write(&mail, &example);
    assert_true(tlsrpt_mail_is_meant(buf_slice(&mail), &arena));
    assert_null(tlsrpt_mail_read(buf_slice(&mail), &arena, &out));
    assert_true(slice_eq(buf_slice(&out), json));
    assert_non_null(strstr(mail.ptr, "\r\nTLS-Required: No\r\n"));
    assert_non_null(strstr(
        mail.ptr, "filename=\"mx.sender.example!example.net!1459468800!1459555199.json.gz\""));
    buf_done(&gzip);
    buf_done(&mail);
    buf_done(&out);
    arena_done(&arena);
}

/* "@" stands for the gzip of the JSON, in base64. */
static void make_mail(struct buf *out, const char *form)
{
    const char *hole = strchr(form, '@');
    struct buf gzip;

    buf_init(out, 1 << 20);
    buf_init(&gzip, 1 << 20);
    gzip_pack(&gzip, SLICE("{}"));
    if (hole) {
        buf_add(out, form, (size_t)(hole - form));
        base64_encode(out, buf_slice(&gzip));
        buf_add_cstr(out, hole + 1);
    } else {
        buf_add_cstr(out, form);
    }
    buf_done(&gzip);
}

#define TOP "Content-Type: multipart/report; boundary=b; report-type=\"tlsrpt\"\r\n\r\n"

static void test_forms_of_others(void **state)
{
    static const struct {
        const char *form, *wrong;
    } cases[] = {
        {TOP "--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\n@--b--\r\n",
         NULL},
        {TOP "--b\r\nContent-Type: application/gzip\r\nContent-Disposition: attachment;"
             " filename=\"a!b!1!2.json.gz\"\r\nContent-Transfer-Encoding: base64\r\n\r\n@--b--\r\n",
         NULL},
        {TOP "--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n{}\r\n--b--\r\n", NULL},
        {"TLS-Report-Domain: a.example\r\nContent-Type: application/tlsrpt+json\r\n\r\n{}", NULL},
        {TOP "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n"
             "Content-Type: application/tlsrpt+json\r\nContent-Transfer-Encoding: quoted-printable"
             "\r\n\r\n=7B}\r\n--c--\r\n--b--\r\n",
         NULL},
        {TOP "--b\r\n\r\nnothing here\r\n--b--\r\n", "it has no part with a report"},
        {TOP "--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\nH4sIAAAA\r\n--b--\r\n",
         "its gzip is damaged or too large"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf mail, out;
        const char *wrong;
        make_mail(&mail, cases[i].form);
        buf_init(&out, 1 << 20);
        assert_true(tlsrpt_mail_is_meant(buf_slice(&mail), &arena));
        wrong = tlsrpt_mail_read(buf_slice(&mail), &arena, &out);
        if (!wrong != !cases[i].wrong || (wrong && strcmp(wrong, cases[i].wrong) != 0))
            fail_msg("%zu: %s", i, wrong ? wrong : "fine");
        if (!wrong && !slice_starts_with_nocase(buf_slice(&out), SLICE("{}")))
            fail_msg("%zu: %.*s", i, (int)out.len, out.ptr);
        buf_done(&mail);
        buf_done(&out);
    }
    arena_done(&arena);
}

static void test_other_mail_is_not_meant(void **state)
{
    static const struct slice mails[] = {
        SLICE_INIT("Subject: TLS-Report-Domain: a\r\n\r\nTLS-Report-Domain: a\r\n"),
        SLICE_INIT("Content-Type: multipart/report; report-type=delivery-status\r\n\r\n"),
        SLICE_INIT("Content-Type: multipart/mixed; report-type=tlsrpt\r\n\r\n"),
        SLICE_INIT(""),
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
        assert_false(tlsrpt_mail_is_meant(mails[i], &arena));
    arena_done(&arena);
}

static void test_a_bomb_does_not_go_off(void **state)
{
    struct buf zeros, gzip, out;

    (void)state;
    buf_init(&zeros, 64 << 20);
    memset(buf_reserve(&zeros, 64 << 20), 0, 64 << 20);
    buf_added(&zeros, 64 << 20);
    buf_init(&gzip, 1 << 20);
    gzip_pack(&gzip, buf_slice(&zeros));
    assert_false(gzip.overflow);
    buf_init(&out, 1 << 20);
    assert_false(inflate_bounded(&out, buf_slice(&gzip), INFLATE_GZIP));
    assert_true(out.size <= 2 << 20);
    buf_done(&zeros);
    buf_done(&gzip);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_made_is_read_again),
        cmocka_unit_test(test_forms_of_others),
        cmocka_unit_test(test_other_mail_is_not_meant),
        cmocka_unit_test(test_a_bomb_does_not_go_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
