#include "trust/dmarc_report_mail.h"

#include "../cmocka_all.h"

static void test_what_is_meant(void **state)
{
    static const struct {
        const char *header;
        bool meant;
    } cases[] = {
        {"Subject: Report Domain: example.com\r\n Submitter: x\r\n\r\n", true},
        {"Subject: Report domain: example.com Submitter: google.com\r\n\r\n", true},
        {"Subject: Dmarc Aggregate Report Domain: {example.com}\r\n\r\n", true},
        {"Subject: =?utf-8?B?UmVwb3J0IERvbWFpbjogc3RhbHcuYXJ0?=\r\n\r\n", true},
        {"Subject: =?utf-8?Q?Report_Domain:_x?=\r\n\r\n", true},
        {"Subject: hello\r\nContent-Type: "
         "application/zip;\r\n\tname=\"a.example!b!1!2.zip\"\r\n\r\n",
         true},
        {"Content-Type: application/gzip\r\nContent-Disposition: attachment;"
         " filename=a!b!1!2!uniq.xml.gz\r\n\r\n",
         true},
        {"Content-Type: application/gzip\r\nContent-Disposition: attachment;"
         " filename=a!b!x!2.xml.gz\r\n\r\n",
         false},
        {"Subject: Report about a domain\r\n\r\n", false},
        {"Subject: =?utf-8?B?\r\n\r\n", false},
        {"\r\nSubject: Report Domain: x\r\n", false},
        {"", false},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(dmarc_report_mail_is_meant(slice_from_cstr(cases[i].header), &arena),
                         cases[i].meant);
    arena_done(&arena);
}

static void test_parts(void **state)
{
    static const struct {
        const char *mail;
        bool has;
    } cases[] = {
        {"Content-Type: text/xml\r\n\r\n<feedback/>", true},
        {"Content-Type: application/xml\r\n\r\n<feedback/>", true},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx"
         "\r\n--b\r\nContent-Type: application/octet-stream; name=a!b!1!2.xml\r\n\r\n<feedback/>"
         "\r\n--b--\r\n",
         true},
        {"Content-Type: text/plain\r\n\r\n<feedback/>", false},
    };
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_reset(&out);
        assert_int_equal(!dmarc_report_mail_read(slice_from_cstr(cases[i].mail), &arena, &out),
                         cases[i].has);
        if (cases[i].has)
            assert_true(slice_eq(buf_slice(&out), SLICE("<feedback/>")));
    }
    buf_done(&out);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_meant),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
