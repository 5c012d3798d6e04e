#include "trust/dmarc_report_write.h"

#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"

static struct dmarc_report_reason reasons[] = {
    {.type = SLICE_INIT("mailing_list"), .comment = SLICE_INIT("<arc> & \"co\"")},
    {.type = SLICE_INIT("whim")},
};
static struct dmarc_report_dkim signatures[] = {
    {.domain = SLICE_INIT("example.com"),
     .selector = SLICE_INIT("s1"),
     .result = SLICE_INIT("pass")},
    {.domain = SLICE_INIT("example.net"),
     .selector = SLICE_INIT("s2"),
     .result = SLICE_INIT("strange"),
     .human_result = SLICE_INIT("b\xc3\xbc\x01\xff\xed\xa0\x80")},
};
static struct dmarc_report_row rows[] = {
    {.source_ip = SLICE_INIT("2001:db8::1"),
     .count = 18446744073709551615u,
     .disposition = SLICE_INIT("none"),
     .dkim = SLICE_INIT("fail"),
     .spf = SLICE_INIT("pass"),
     .reasons = reasons,
     .n_reasons = 2,
     .header_from = SLICE_INIT("example.com"),
     .null_envelope_from = true,
     .signatures = signatures,
     .n_signatures = 2,
     .spf_domain = SLICE_INIT("mail.example.com"),
     .spf_scope = SLICE_INIT("mfrom"),
     .spf_result = SLICE_INIT("softfail")},
    {.source_ip = SLICE_INIT("192.0.2.1"),
     .count = 1,
     .disposition = SLICE_INIT("reject"),
     .dkim = SLICE_INIT("fail"),
     .spf = SLICE_INIT("fail"),
     .header_from = SLICE_INIT("a.example.com"),
     .envelope_from = SLICE_INIT("example.org"),
     .envelope_to = SLICE_INIT("example.net")},
};
static const struct dmarc_report report = {
    .metadata = {.org_name = SLICE_INIT("Example, Inc."),
                 .email = SLICE_INIT("postmaster@example.net"),
                 .report_id = SLICE_INIT("2026-11-22.example.com@example.net"),
                 .begin = 1763769600,
                 .end = 1763855999,
                 .generator = SLICE_INIT("Nuncio")},
    .policy = {.domain = SLICE_INIT("example.com"),
               .p = SLICE_INIT("reject"),
               .sp = SLICE_INIT("quarantine"),
               .adkim = SLICE_INIT("s"),
               .aspf = SLICE_INIT("?"),
               .discovery_method = SLICE_INIT("treewalk"),
               .fo = SLICE_INIT("1:d"),
               .testing = SLICE_INIT("n")},
    .rows = rows,
    .n_rows = 2,
};

static const char frame[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
                            " <version>1.0</version>\n"
                            " <report_metadata>\n"
                            "  <org_name>Example, Inc.</org_name>\n"
                            "  <email>postmaster@example.net</email>\n"
                            "  <report_id>2026-11-22.example.com@example.net</report_id>\n"
                            "  <date_range>\n"
                            "   <begin>1763769600</begin>\n"
                            "   <end>1763855999</end>\n"
                            "  </date_range>\n"
                            "  <generator>Nuncio</generator>\n"
                            " </report_metadata>\n"
                            " <policy_published>\n"
                            "  <domain>example.com</domain>\n"
                            "  <discovery_method>treewalk</discovery_method>\n"
                            "  <p>reject</p>\n"
                            "  <sp>quarantine</sp>\n"
                            "  <fo>1:d</fo>\n"
                            "  <adkim>s</adkim>\n"
                            "  <aspf>r</aspf>\n"
                            "  <testing>n</testing>\n"
                            " </policy_published>\n";
static const char first_row[] = " <record>\n"
                                "  <row>\n"
                                "   <source_ip>2001:db8::1</source_ip>\n"
                                "   <count>18446744073709551615</count>\n"
                                "   <policy_evaluated>\n"
                                "    <disposition>none</disposition>\n"
                                "    <dkim>fail</dkim>\n"
                                "    <spf>pass</spf>\n"
                                "    <reason>\n"
                                "     <type>mailing_list</type>\n"
                                "     <comment>&lt;arc&gt; &amp; \"co\"</comment>\n"
                                "    </reason>\n"
                                "    <reason>\n"
                                "     <type>other</type>\n"
                                "    </reason>\n"
                                "   </policy_evaluated>\n"
                                "  </row>\n"
                                "  <identifiers>\n"
                                "   <header_from>example.com</header_from>\n"
                                "   <envelope_from></envelope_from>\n"
                                "  </identifiers>\n"
                                "  <auth_results>\n"
                                "   <dkim>\n"
                                "    <domain>example.com</domain>\n"
                                "    <selector>s1</selector>\n"
                                "    <result>pass</result>\n"
                                "   </dkim>\n"
                                "   <dkim>\n"
                                "    <domain>example.net</domain>\n"
                                "    <selector>s2</selector>\n"
                                "    <result>none</result>\n"
                                "    <human_result>b\xc3\xbc?"
                                "?"
                                "?"
                                "?"
                                "?</human_result>\n"
                                "   </dkim>\n"
                                "   <spf>\n"
                                "    <domain>mail.example.com</domain>\n"
                                "    <scope>mfrom</scope>\n"
                                "    <result>softfail</result>\n"
                                "   </spf>\n"
                                "  </auth_results>\n"
                                " </record>\n";
static const char second_row[] = " <record>\n"
                                 "  <row>\n"
                                 "   <source_ip>192.0.2.1</source_ip>\n"
                                 "   <count>1</count>\n"
                                 "   <policy_evaluated>\n"
                                 "    <disposition>reject</disposition>\n"
                                 "    <dkim>fail</dkim>\n"
                                 "    <spf>fail</spf>\n"
                                 "   </policy_evaluated>\n"
                                 "  </row>\n"
                                 "  <identifiers>\n"
                                 "   <header_from>a.example.com</header_from>\n"
                                 "   <envelope_from>example.org</envelope_from>\n"
                                 "   <envelope_to>example.net</envelope_to>\n"
                                 "  </identifiers>\n"
                                 "  <auth_results>\n"
                                 "  </auth_results>\n"
                                 " </record>\n";
static const char end[] = "</feedback>\n";

/* What a report is within a bound: `n` rows. */
static void assert_written(size_t max, uint32_t n)
{
    char expected[10000];
    struct buf out;

    buf_init(&out, max);
    snprintf(expected, sizeof(expected), "%s%s%s%s", frame, n > 0 ? first_row : "",
             n > 1 ? second_row : "", end);
    assert_int_equal(dmarc_report_write(&out, &report), n);
    assert_false(out.overflow);
    buf_add_char(&out, '\0');
    if (!out.overflow)
        assert_string_equal(out.ptr, expected);
    buf_done(&out);
}

static void test_report(void **state)
{
    (void)state;
    assert_written(100000, 2);
}

static void test_bound(void **state)
{
    size_t whole = sizeof(frame) + sizeof(first_row) + sizeof(second_row) + sizeof(end);
    struct buf out;

    (void)state;
    assert_written(whole, 2);
    assert_written(whole - 10, 1);
    assert_written(whole - sizeof(second_row), 1);
    assert_written(sizeof(frame) + sizeof(first_row), 0);
    buf_init(&out, sizeof(frame) - 10);
    assert_int_equal(dmarc_report_write(&out, &report), 0);
    assert_true(out.overflow);
    buf_done(&out);
}

static void test_long_text_is_cut(void **state)
{
    struct dmarc_report long_one = report;
    char text[5000];
    struct buf out;

    (void)state;
    memset(text, '<', sizeof(text));
    long_one.metadata.org_name = slice_from(text, sizeof(text));
    buf_init(&out, 100000);
    dmarc_report_write(&out, &long_one);
    assert_true(out.len < sizeof(frame) + sizeof(first_row) + sizeof(second_row) + sizeof(end) +
                              4 * DMARC_REPORT_TEXT_MAX);
    buf_done(&out);
}

static void test_mail(void **state)
{
    static const struct dmarc_report_mail mail = {
        .from = SLICE_INIT("dmarc@mx.example.net"),
        .to = SLICE_INIT("reports@example.com"),
        .domain = SLICE_INIT("example.com"),
        .submitter = SLICE_INIT("mx.example.net"),
        .report_id = SLICE_INIT("2026-11-22.example.com@mx.example.net"),
        .begin = 1763769600,
        .end = 1763855999,
        .date = 1763856000,
        .message_id = 0x1234,
        .gzip = SLICE_INIT("packed"),
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100000);
    dmarc_report_mail_write(&out, &mail);
    buf_add_char(&out, '\0');
    assert_string_equal(
        out.ptr, "From: <dmarc@mx.example.net>\r\n"
                 "To: <reports@example.com>\r\n"
                 "Date: Sun, 23 Nov 2025 00:00:00 +0000\r\n"
                 "Subject: Report Domain: example.com\r\n"
                 " Submitter: mx.example.net\r\n"
                 " Report-ID: <2026-11-22.example.com@mx.example.net>\r\n"
                 "Message-ID: <dmarc.0000000000001234@mx.example.net>\r\n"
                 "Auto-Submitted: auto-generated\r\n"
                 "MIME-Version: 1.0\r\n"
                 "Content-Type: multipart/mixed;\r\n"
                 " boundary=\"=_dmarc_0000000000001234\"\r\n"
                 "\r\n"
                 "--=_dmarc_0000000000001234\r\n"
                 "Content-Type: text/plain; charset=us-ascii\r\n"
                 "\r\n"
                 "This is a DMARC aggregate report (RFC 9990) about mail that names example.com\r\n"
                 "as its author and was received by mx.example.net.\r\n"
                 "\r\n"
                 "--=_dmarc_0000000000001234\r\n"
                 "Content-Type: application/gzip\r\n"
                 "Content-Transfer-Encoding: base64\r\n"
                 "Content-Disposition: attachment;\r\n"
                 " filename=\"mx.example.net!example.com!1763769600!1763855999.xml.gz\"\r\n"
                 "\r\n"
                 "cGFja2Vk\r\n"
                 "--=_dmarc_0000000000001234--\r\n");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
