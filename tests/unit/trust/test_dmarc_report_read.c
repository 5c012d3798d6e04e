#include "trust/dmarc_report_read.h"

#include "../cmocka_all.h"
#include "../mail/corpora.h"
#include "trust/dmarc_report_mail.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define META(period)                                                                               \
    "<report_metadata><org_name>o</org_name><report_id>1</report_id><date_range>" period           \
    "</date_range></report_metadata>"
#define PERIOD "<begin>1</begin><end>2</end>"
#define DOMAIN "<policy_published><domain>example.com</domain><p>none</p></policy_published>"
#define ROW                                                                                        \
    "<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>"              \
    "<disposition>none</disposition></policy_evaluated></row><identifiers><envelope_from/>"        \
    "<header_from>example.com</header_from></identifiers></record>"

/* ---- forms ---------------------------------------------------------------------------------- */

static void test_forms(void **state)
{
    static const struct {
        const char *xml, *wrong;
    } cases[] = {
        {"<feedback>" META(PERIOD) DOMAIN ROW "</feedback>", NULL},
        {"\r\n<?xml version=\"1.0\"?>\n<feedback>" META(PERIOD) DOMAIN ROW "</feedback>\n\n", NULL},
        {"\xef\xbb\xbf<feedback>" META(PERIOD) DOMAIN ROW "</feedback>", NULL},
        {"<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">" META(PERIOD) DOMAIN ROW
         "</feedback>",
         NULL},
        {"<n:feedback xmlns:n=\"http://dmarc.org/dmarc-xml/0.1\">" META(PERIOD) DOMAIN ROW
         "</n:feedback>",
         NULL},
        {"<feedback>" ROW DOMAIN META(PERIOD) "</feedback>", NULL},
        {"<feedback>" META(PERIOD) DOMAIN "<record/>" ROW "</feedback>", NULL},
        {"<feedback>" META(PERIOD) DOMAIN ROW, "no element found"},
        {"<feedback>" META("<begin>1</begin>") DOMAIN ROW "</feedback>", "its period is none"},
        {"<feedback>" META("<begin>3</begin><end>2</end>") DOMAIN ROW "</feedback>",
         "its period is none"},
        {"<feedback>" META(PERIOD) DOMAIN "</feedback>", "it has no rows"},
        {"<feedback>" META(PERIOD) ROW "</feedback>", "it does not name a domain"},
        {"<feedback>" DOMAIN ROW "</feedback>", "it does not name its reporter or its id"},
        {"<rss/>", "its root is not a DMARC report's"},
        {"", "it is empty"},
        {"{}", "not well-formed (invalid token)"},
        {"<!DOCTYPE feedback><feedback>" META(PERIOD) DOMAIN ROW "</feedback>",
         "it has a document type declaration"},
        {"<!DOCTYPE f [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><feedback>&b;</feedback>",
         "it has a document type declaration"},
        {"<!DOCTYPE f SYSTEM \"file:///etc/passwd\"><feedback/>",
         "it has a document type declaration"},
        {"<feedback>&nbsp;</feedback>", "undefined entity"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dmarc_report report;
        struct arena arena;
        arena_init(&arena);
        const char *wrong = dmarc_report_read(slice_from_cstr(cases[i].xml), &arena, &report);
        if (cases[i].wrong) {
            assert_non_null(wrong);
            assert_string_equal(wrong, cases[i].wrong);
        } else {
            assert_null(wrong);
            assert_int_equal(report.n_rows, 1);
            assert_int_equal(report.rows[0].count, 3);
            assert_true(report.rows[0].null_envelope_from);
        }
        arena_done(&arena);
    }
}

/* Each octet as two, the great one first or last. */
static void widen(struct buf *out, const char *text, bool great_first)
{
    for (; *text; text++) {
        buf_add_char(out, great_first ? '\0' : *text);
        buf_add_char(out, great_first ? *text : '\0');
    }
}

static void test_utf16(void **state)
{
    static const char xml[] =
        "<?xml version=\"1.0\"?><feedback>" META(PERIOD) DOMAIN ROW "</feedback>";

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct dmarc_report report;
        struct arena arena;
        struct buf wide;
        arena_init(&arena);
        buf_init(&wide, 1 << 20);
        if (i & 1)
            buf_add_slice(&wide, i & 2 ? SLICE("\xfe\xff") : SLICE("\xff\xfe"));
        widen(&wide, xml, i & 2);
        widen(&wide, i & 4 ? "\r\n" : "", i & 2);
        assert_null(dmarc_report_read(buf_slice(&wide), &arena, &report));
        assert_int_equal(report.n_rows, 1);
        buf_done(&wide);
        arena_done(&arena);
    }
}

static void test_the_bytes_say_the_charset(void **state)
{
    static const struct {
        const char *declared, *name, *read;
    } cases[] = {
        {"utf-16", "Mail", "Mail"},
        {"utf8", "M\xc3\xa4il", "M\xc3\xa4il"},
        {"windows-1252", "M\xe4il", "M\xc3\xa4il"},
        {"UTF-8", "M\xe4il", "M\xc3\xa4il"},
        {"us-ascii", "M\xc3\xa4il", "M\xc3\xa4il"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dmarc_report report;
        struct arena arena;
        arena_init(&arena);
        struct slice xml = arena_printf(
            &arena,
            "<?xml version=\"1.0\" encoding=\"%s\"?><feedback><report_metadata><org_name>%s"
            "</org_name><report_id>1</report_id><date_range>" PERIOD
            "</date_range></report_metadata>" DOMAIN ROW "</feedback>",
            cases[i].declared, cases[i].name);
        assert_null(dmarc_report_read(xml, &arena, &report));
        assert_true(slice_eq(report.metadata.org_name, slice_from_cstr(cases[i].read)));
        arena_done(&arena);
    }
}

static void test_extensions_and_strange_values_do_no_harm(void **state)
{
    static const char xml[] = "<feedback xmlns:e=\"x:y\">" META(PERIOD) DOMAIN
        "<e:record><row><source_ip>1.1.1.1</source_ip><count>9</count></row></e:record>"
        "<record><row><e:source_ip>2.2.2.2</e:source_ip><source_ip> 192.0.2.1 </source_ip>"
        "<source_ip>3.3.3.3</source_ip><count>1</count><policy_evaluated><reason><type>sampled_out"
        "</type></reason><reason/></policy_evaluated></row><auth_results>"
        "<spf><domain>h</domain><scope>helo</scope><result>none</result></spf>"
        "<spf><domain>m</domain><scope>mfrom</scope><result>Pass</result></spf>"
        "<spf><domain>h</domain><scope>helo</scope><result>fail</result></spf></auth_results>"
        "</record>"
        "<record><row><source_ip>192.0.2.2</source_ip><count>-5</count></row></record>"
        "<record><row><source_ip>192.0.2.2</source_ip><count>0</count></row></record>"
        "<record><row><count>5</count></row></record></feedback>";
    struct dmarc_report report;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_null(dmarc_report_read(slice_from_cstr(xml), &arena, &report));
    assert_int_equal(report.n_rows, 1);
    assert_true(slice_eq(report.rows[0].source_ip, SLICE("192.0.2.1")));
    assert_int_equal(report.rows[0].n_reasons, 1);
    assert_true(slice_eq(report.rows[0].spf_domain, SLICE("m")));
    assert_true(slice_eq(report.rows[0].spf_result, SLICE("Pass")));
    arena_done(&arena);
}

/* ---- bounds --------------------------------------------------------------------------------- */

static const char *read_repeated(const char *start, const char *middle, size_t times,
                                 const char *end, struct dmarc_report *report, struct arena *arena)
{
    struct buf xml;
    const char *wrong;

    buf_init(&xml, 64 << 20);
    buf_add_cstr(&xml, start);
    for (size_t i = 0; i < times; i++)
        buf_add_cstr(&xml, middle);
    buf_add_cstr(&xml, end);
    wrong = dmarc_report_read(buf_slice(&xml), arena, report);
    buf_done(&xml);
    return wrong;
}

static void test_bounds(void **state)
{
    static const char start[] = "<feedback>" META(PERIOD) DOMAIN;
    static const char end[] = ROW "</feedback>";
    struct dmarc_report report;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_null(read_repeated(start, ROW, DMARC_READ_ROWS_MAX - 1, end, &report, &arena));
    assert_int_equal(report.n_rows, DMARC_READ_ROWS_MAX);
    assert_string_equal(read_repeated(start, ROW, DMARC_READ_ROWS_MAX, end, &report, &arena),
                        "it has too many rows");
    assert_non_null(read_repeated("<feedback>", "<a>", DMARC_READ_DEPTH_MAX, "", &report, &arena));
    assert_string_equal(
        read_repeated(start, "          ", DMARC_READ_XML_MAX / 10, end, &report, &arena),
        "it is too large");
    arena_done(&arena);
}

static void test_long_text_is_cut_between_characters(void **state)
{
    struct dmarc_report report;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_null(read_repeated("<feedback><version>x", "\xc3\xa4", 5000,
                              "</version>" META(PERIOD) DOMAIN ROW "</feedback>", &report, &arena));
    assert_int_equal(report.version.len, DMARC_READ_TEXT_MAX - 1);
    arena_done(&arena);
}

/* ---- what others collected ------------------------------------------------------------------ */

static const char *json_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void check_row(const struct dmarc_report_row *row, json_t *record)
{
    json_t *json = json_object_get(record, "row");
    json_t *evaluated = json_object_get(json, "policy_evaluated");
    json_t *results = json_object_get(record, "auth_results");
    json_t *names = json_object_get(record, "identifiers");

    assert_true(slice_eq(row->source_ip, slice_from_cstr(json_at(json, "source_ip"))));
    assert_int_equal(row->count, json_integer_value(json_object_get(json, "count")));
    assert_true(
        slice_eq_nocase(row->disposition, slice_from_cstr(json_at(evaluated, "disposition"))));
    assert_true(slice_eq_nocase(row->dkim, slice_from_cstr(json_at(evaluated, "dkim"))));
    assert_true(slice_eq_nocase(row->spf, slice_from_cstr(json_at(evaluated, "spf"))));
    assert_int_equal(row->n_reasons, json_array_size(json_object_get(evaluated, "reason")));
    assert_true(slice_eq(row->header_from, slice_from_cstr(json_at(names, "header_from"))));
    assert_true(slice_eq(row->envelope_from, slice_from_cstr(json_at(names, "envelope_from"))));
    assert_int_equal(row->n_signatures, json_array_size(json_object_get(results, "dkim")));
    for (uint32_t i = 0; i < row->n_signatures; i++) {
        json_t *dkim = json_array_get(json_object_get(results, "dkim"), i);
        assert_true(
            slice_eq(row->signatures[i].selector, slice_from_cstr(json_at(dkim, "selector"))));
        assert_true(slice_eq(row->signatures[i].domain, slice_from_cstr(json_at(dkim, "domain"))));
    }
}

static void check_report(const struct dmarc_report *report, const char *path)
{
    json_t *json = json_load_file(path, 0, NULL);
    json_t *metadata = json_object_get(json, "report_metadata");
    json_t *period = json_object_get(metadata, "date_range");
    json_t *records = json_object_get(json, "record");

    assert_non_null(json);
    assert_true(
        slice_eq(report->metadata.org_name, slice_from_cstr(json_at(metadata, "org_name"))));
    assert_true(
        slice_eq(report->metadata.report_id, slice_from_cstr(json_at(metadata, "report_id"))));
    assert_int_equal(report->metadata.begin, json_integer_value(json_object_get(period, "begin")));
    assert_int_equal(report->metadata.end, json_integer_value(json_object_get(period, "end")));
    assert_int_equal(report->n_rows, json_array_size(records));
    for (uint32_t i = 0; i < report->n_rows; i++)
        check_row(&report->rows[i], json_array_get(records, i));
    json_decref(json);
}

static void visit(const char *path, struct slice content)
{
    struct slice name = slice_from_cstr(path);
    char other[4096];
    struct dmarc_report report;
    struct arena arena;
    struct buf xml;

    arena_init(&arena);
    buf_init(&xml, DMARC_READ_XML_MAX);
    snprintf(other, sizeof(other), "%.*s.json", (int)(name.len - 4), path);
    if (slice_ends_with_nocase(name, SLICE(".eml"))) {
        assert_true(dmarc_report_mail_is_meant(slice_sub(content, 0, 16384), &arena));
        assert_null(dmarc_report_mail_read(content, &arena, &xml));
        assert_null(dmarc_report_read(buf_slice(&xml), &arena, &report));
        check_report(&report, other);
    } else if (slice_ends_with_nocase(name, SLICE(".xml"))) {
        assert_null(dmarc_report_read(content, &arena, &report));
        check_report(&report, other);
    }
    buf_done(&xml);
    arena_done(&arena);
}

static void test_reports_that_others_collected(void **state)
{
    (void)state;
    if (corpora_visit("dmarc/mail-auth-reports/dmarc-feedback", visit) == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_the_bytes_say_the_charset),
        cmocka_unit_test(test_extensions_and_strange_values_do_no_harm),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_long_text_is_cut_between_characters),
        cmocka_unit_test(test_reports_that_others_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
