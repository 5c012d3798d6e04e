/*
 * The XML of aggregate reports, by the schema of RFC 9990 appendix A (namespace dmarc-2.0), and
 * their mail. See dmarc_report_write.h.
 *
 * Elements come in the order of the tables in section 3.1, which fits the schema whether it asks
 * for an order or not. No library: it is a handful of elements, and the one thing that must be
 * right, the escaping, is twenty lines.
 */
#include "trust/dmarc_report_write.h"

#include "trust/report_mail.h"

#include "base/utf8.h"

#include <inttypes.h>

static const char close_feedback[] = "</feedback>\n";

/* ---- elements ------------------------------------------------------------------------------- */

static bool is_xml_char(uint32_t value)
{
    if (value < ' ')
        return value == '\t' || value == '\n' || value == '\r';
    return value != 127 && value != 0xfffe && value != 0xffff;
}

static void add_escaped(struct buf *out, struct slice character)
{
    switch (character.ptr[0]) {
    case '&':
        buf_add_cstr(out, "&amp;");
        break;
    case '<':
        buf_add_cstr(out, "&lt;");
        break;
    case '>':
        buf_add_cstr(out, "&gt;");
        break;
    case '\r':
        buf_add_cstr(out, "&#13;");
        break;
    default:
        buf_add_slice(out, character);
    }
}

static void add_text(struct buf *out, struct slice text)
{
    for (size_t taken = 0; text.len;) {
        size_t len = utf8_char_len(text);
        if (len && !is_xml_char(utf8_char_value(text)))
            len = 0;
        taken += len ? len : 1;
        if (taken > DMARC_REPORT_TEXT_MAX)
            return;
        if (len)
            add_escaped(out, slice_sub(text, 0, len));
        else
            buf_add_char(out, '?');
        text = slice_skip(text, len ? len : 1);
    }
}

static void element(struct buf *out, const char *indent, const char *name, struct slice text)
{
    buf_printf(out, "%s<%s>", indent, name);
    add_text(out, text);
    buf_printf(out, "</%s>\n", name);
}

static void optional(struct buf *out, const char *indent, const char *name, struct slice text)
{
    if (text.len)
        element(out, indent, name, text);
}

static void number(struct buf *out, const char *indent, const char *name, uint64_t value)
{
    buf_printf(out, "%s<%s>%" PRIu64 "</%s>\n", indent, name, value, name);
}

/* `word` if it is one of the words between blanks in `known`, else `otherwise`. */
static struct slice one_of(struct slice word, const char *known, const char *otherwise)
{
    struct slice rest = slice_from_cstr(known);

    while (rest.ptr) {
        struct slice one = slice_cut(&rest, ' ');
        if (slice_eq_nocase(one, word))
            return one;
    }
    return slice_from_cstr(otherwise);
}

/* The same of an element that need not be there. */
static struct slice one_of_or_none(struct slice word, const char *known, const char *otherwise)
{
    return word.len ? one_of(word, known, otherwise) : SLICE_NULL;
}

/* ---- the frame ------------------------------------------------------------------------------ */

static const char policies[] = "none quarantine reject";

static void write_metadata(struct buf *out, const struct dmarc_report_metadata *metadata)
{
    buf_add_cstr(out, " <report_metadata>\n");
    element(out, "  ", "org_name", metadata->org_name);
    element(out, "  ", "email", metadata->email);
    optional(out, "  ", "extra_contact_info", metadata->extra_contact_info);
    element(out, "  ", "report_id", metadata->report_id);
    buf_add_cstr(out, "  <date_range>\n");
    number(out, "   ", "begin", metadata->begin < 0 ? 0 : (uint64_t)metadata->begin);
    number(out, "   ", "end", metadata->end < 0 ? 0 : (uint64_t)metadata->end);
    buf_add_cstr(out, "  </date_range>\n");
    optional(out, "  ", "error", metadata->error);
    optional(out, "  ", "generator", metadata->generator);
    buf_add_cstr(out, " </report_metadata>\n");
}

static void write_policy(struct buf *out, const struct dmarc_report_policy *policy)
{
    buf_add_cstr(out, " <policy_published>\n");
    element(out, "  ", "domain", policy->domain);
    optional(out, "  ", "discovery_method",
             one_of_or_none(policy->discovery_method, "psl treewalk", "treewalk"));
    element(out, "  ", "p", one_of(policy->p, policies, "none"));
    optional(out, "  ", "sp", one_of_or_none(policy->sp, policies, "none"));
    optional(out, "  ", "np", one_of_or_none(policy->np, policies, "none"));
    optional(out, "  ", "fo", policy->fo);
    optional(out, "  ", "adkim", one_of_or_none(policy->adkim, "r s", "r"));
    optional(out, "  ", "aspf", one_of_or_none(policy->aspf, "r s", "r"));
    optional(out, "  ", "testing", one_of_or_none(policy->testing, "n y", "n"));
    buf_add_cstr(out, " </policy_published>\n");
}

/* ---- a row ---------------------------------------------------------------------------------- */

static void write_evaluated(struct buf *out, const struct dmarc_report_row *row)
{
    buf_add_cstr(out, " <record>\n  <row>\n");
    element(out, "   ", "source_ip", row->source_ip);
    number(out, "   ", "count", row->count);
    buf_add_cstr(out, "   <policy_evaluated>\n");
    element(out, "    ", "disposition",
            one_of(row->disposition, "none pass quarantine reject", "none"));
    element(out, "    ", "dkim", one_of(row->dkim, "pass fail", "fail"));
    element(out, "    ", "spf", one_of(row->spf, "pass fail", "fail"));
    for (uint32_t i = 0; i < row->n_reasons; i++) {
        buf_add_cstr(out, "    <reason>\n");
        element(out, "     ", "type",
                one_of(row->reasons[i].type,
                       "local_policy mailing_list other policy_test_mode trusted_forwarder",
                       "other"));
        optional(out, "     ", "comment", row->reasons[i].comment);
        buf_add_cstr(out, "    </reason>\n");
    }
    buf_add_cstr(out, "   </policy_evaluated>\n  </row>\n");
}

static void write_identifiers(struct buf *out, const struct dmarc_report_row *row)
{
    buf_add_cstr(out, "  <identifiers>\n");
    element(out, "   ", "header_from", row->header_from);
    if (row->envelope_from.len || row->null_envelope_from)
        element(out, "   ", "envelope_from", row->envelope_from);
    optional(out, "   ", "envelope_to", row->envelope_to);
    buf_add_cstr(out, "  </identifiers>\n");
}

static void write_signature(struct buf *out, const struct dmarc_report_dkim *signature)
{
    buf_add_cstr(out, "   <dkim>\n");
    element(out, "    ", "domain", signature->domain);
    element(out, "    ", "selector", signature->selector);
    element(out, "    ", "result",
            one_of(signature->result, "none pass fail policy neutral temperror permerror", "none"));
    optional(out, "    ", "human_result", signature->human_result);
    buf_add_cstr(out, "   </dkim>\n");
}

static void write_row(struct buf *out, const struct dmarc_report_row *row)
{
    write_evaluated(out, row);
    write_identifiers(out, row);
    buf_add_cstr(out, "  <auth_results>\n");
    for (uint32_t i = 0; i < row->n_signatures && i < DMARC_REPORT_SIGNATURES_MAX; i++)
        write_signature(out, &row->signatures[i]);
    if (row->spf_result.len) {
        buf_add_cstr(out, "   <spf>\n");
        element(out, "    ", "domain", row->spf_domain);
        optional(out, "    ", "scope", one_of_or_none(row->spf_scope, "mfrom", ""));
        element(out, "    ", "result",
                one_of(row->spf_result,
                       "none pass fail softfail policy neutral temperror permerror", "none"));
        optional(out, "    ", "human_result", row->spf_human_result);
        buf_add_cstr(out, "   </spf>\n");
    }
    buf_add_cstr(out, "  </auth_results>\n </record>\n");
}

/* Rows as long as they fit, with room for the end. */
static uint32_t write_rows(struct buf *out, const struct dmarc_report *report)
{
    size_t room = out->len + sizeof(close_feedback) < out->max
                      ? out->max - out->len - sizeof(close_feedback)
                      : 0;
    struct buf one;
    uint32_t i;

    buf_init(&one, room);
    for (i = 0; i < report->n_rows; i++) {
        buf_reset(&one);
        write_row(&one, &report->rows[i]);
        if (one.overflow || one.len > room)
            break;
        buf_add_slice(out, buf_slice(&one));
        room -= one.len;
    }
    buf_done(&one);
    return i;
}

uint32_t dmarc_report_write(struct buf *out, const struct dmarc_report *report)
{
    uint32_t written;

    buf_add_cstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                      "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
                      " <version>1.0</version>\n");
    write_metadata(out, &report->metadata);
    write_policy(out, &report->policy);
    written = write_rows(out, report);
    buf_add_cstr(out, close_feedback);
    return written;
}

/* ---- its mail ------------------------------------------------------------------------------- */

void dmarc_report_mail_write(struct buf *out, const struct dmarc_report_mail *mail)
{
    struct report_mail written = {
        .kind = "dmarc",
        .from = mail->from,
        .to = mail->to,
        .domain = mail->domain,
        .submitter = mail->submitter,
        .report_id = mail->report_id,
        .begin = mail->begin,
        .end = mail->end,
        .date = mail->date,
        .message_id = mail->message_id,
        .multipart = "multipart/mixed",
        .type = "application/gzip",
        .extension = "xml.gz",
        .gzip = mail->gzip,
    };
    struct buf text;

    buf_init(&text, 4096);
    buf_printf(&text,
               "This is a DMARC aggregate report (RFC 9990) about mail that names %.*s\r\n"
               "as its author and was received by %.*s.\r\n",
               SLICE_ARG(mail->domain), SLICE_ARG(mail->submitter));
    written.text = buf_slice(&text);
    report_mail_write(out, &written);
    buf_done(&text);
}
