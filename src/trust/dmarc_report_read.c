/*
 * A table says which element may stand in which, and where its text goes; a stack of contexts says
 * where we are. See dmarc_report_read.h.
 *
 * - A document type declaration ends it: without one there are no entities, internal or external,
 *   and nothing that grows; expat's own limit on amplification is never reached.
 * - The text comes in one call, so that no token is looked at twice however long it is.
 * - In which charset it is, its bytes say: declarations are wrong in the wild ("utf-16" in front of
 *   ASCII, "windows-1252", none in front of Latin-1).
 * - Elements of another namespace than the root's are extensions; those of none are the root's
 *   children, too, because the schema of RFC 7489 has them unqualified.
 */
#include "trust/dmarc_report_read.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <expat.h>
#include <stddef.h>
#include <string.h>

enum context {
    NOWHERE, /* above the root */
    FEEDBACK,
    METADATA,
    DATE_RANGE,
    POLICY,
    RECORD,
    ROW,
    EVALUATED,
    REASON,
    IDENTIFIERS,
    RESULTS,
    DKIM,
    SPF,
    LEAF, /* text of interest */
    PASSED_OVER,
};

/* All texts of a report that are not text there, or not yet. */
struct numbers {
    struct slice begin, end, count;
};
struct spf {
    struct slice domain, scope, result, human_result;
};

struct reader {
    XML_Parser parser;
    struct arena *arena;
    struct dmarc_report report;
    struct numbers numbers;
    struct dmarc_report_row row;
    struct dmarc_report_reason reason;
    struct dmarc_report_dkim dkim;
    struct spf spf;
    uint32_t rows_room, reasons_room, signatures_room;
    enum context stack[DMARC_READ_DEPTH_MAX];
    unsigned depth;
    char space[256]; /* the root's namespace */
    struct slice *target;
    struct buf text;
    const char *wrong;
};

static const struct {
    enum context in;
    const char *name;
    enum context is;
} groups[] = {
    {NOWHERE, "feedback", FEEDBACK},
    {FEEDBACK, "report_metadata", METADATA},
    {METADATA, "date_range", DATE_RANGE},
    {FEEDBACK, "policy_published", POLICY},
    {FEEDBACK, "record", RECORD},
    {RECORD, "row", ROW},
    {ROW, "policy_evaluated", EVALUATED},
    {EVALUATED, "reason", REASON},
    {RECORD, "identifiers", IDENTIFIERS},
    {RECORD, "identities", IDENTIFIERS}, /* drafts before RFC 7489 */
    {RECORD, "auth_results", RESULTS},
    {RESULTS, "dkim", DKIM},
    {RESULTS, "spf", SPF},
};

#define AT(member) offsetof(struct reader, member)

static const struct {
    enum context in;
    const char *name;
    size_t at;
} leaves[] = {
    {FEEDBACK, "version", AT(report.version)},
    {METADATA, "org_name", AT(report.metadata.org_name)},
    {METADATA, "email", AT(report.metadata.email)},
    {METADATA, "extra_contact_info", AT(report.metadata.extra_contact_info)},
    {METADATA, "report_id", AT(report.metadata.report_id)},
    {METADATA, "error", AT(report.metadata.error)},
    {METADATA, "generator", AT(report.metadata.generator)},
    {DATE_RANGE, "begin", AT(numbers.begin)},
    {DATE_RANGE, "end", AT(numbers.end)},
    {POLICY, "domain", AT(report.policy.domain)},
    {POLICY, "p", AT(report.policy.p)},
    {POLICY, "sp", AT(report.policy.sp)},
    {POLICY, "np", AT(report.policy.np)},
    {POLICY, "adkim", AT(report.policy.adkim)},
    {POLICY, "aspf", AT(report.policy.aspf)},
    {POLICY, "discovery_method", AT(report.policy.discovery_method)},
    {POLICY, "fo", AT(report.policy.fo)},
    {POLICY, "testing", AT(report.policy.testing)},
    {POLICY, "pct", AT(report.policy.pct)},
    {ROW, "source_ip", AT(row.source_ip)},
    {ROW, "count", AT(numbers.count)},
    {EVALUATED, "disposition", AT(row.disposition)},
    {EVALUATED, "dkim", AT(row.dkim)},
    {EVALUATED, "spf", AT(row.spf)},
    {REASON, "type", AT(reason.type)},
    {REASON, "comment", AT(reason.comment)},
    {IDENTIFIERS, "header_from", AT(row.header_from)},
    {IDENTIFIERS, "envelope_from", AT(row.envelope_from)},
    {IDENTIFIERS, "envelope_to", AT(row.envelope_to)},
    {DKIM, "domain", AT(dkim.domain)},
    {DKIM, "selector", AT(dkim.selector)},
    {DKIM, "result", AT(dkim.result)},
    {DKIM, "human_result", AT(dkim.human_result)},
    {SPF, "domain", AT(spf.domain)},
    {SPF, "scope", AT(spf.scope)},
    {SPF, "result", AT(spf.result)},
    {SPF, "human_result", AT(spf.human_result)},
};

static void fail(struct reader *reader, const char *wrong)
{
    if (!reader->wrong)
        reader->wrong = wrong;
    XML_StopParser(reader->parser, XML_FALSE);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Room for one more in an array of the arena: twice as much when it is used up. */
static void *grow(struct arena *arena, void *list, uint32_t n, uint32_t *room, size_t size)
{
    void *wider;

    if (n < *room)
        return list;
    *room = n ? n * 2 : 4;
    wider = arena_alloc(arena, *room * size);
    if (n)
        memcpy(wider, list, n * size);
    return wider;
}

static void end_reason(struct reader *reader)
{
    struct dmarc_report_row *row = &reader->row;

    if (row->n_reasons == DMARC_READ_REASONS_MAX || reader->reason.type.len == 0)
        return;
    row->reasons = grow(reader->arena, row->reasons, row->n_reasons, &reader->reasons_room,
                        sizeof(*row->reasons));
    row->reasons[row->n_reasons++] = reader->reason;
}

static void end_dkim(struct reader *reader)
{
    struct dmarc_report_row *row = &reader->row;

    if (row->n_signatures == DMARC_READ_SIGNATURES_MAX || reader->dkim.domain.len == 0)
        return;
    row->signatures = grow(reader->arena, row->signatures, row->n_signatures,
                           &reader->signatures_room, sizeof(*row->signatures));
    row->signatures[row->n_signatures++] = reader->dkim;
}

/* RFC 7489 allows several: MAIL FROM's counts. */
static void end_spf(struct reader *reader)
{
    struct dmarc_report_row *row = &reader->row;
    const struct spf *spf = &reader->spf;

    if (spf->result.len == 0 || (row->spf_result.len && !slice_eq(spf->scope, SLICE("mfrom"))))
        return;
    row->spf_domain = spf->domain;
    row->spf_scope = spf->scope;
    row->spf_result = spf->result;
    row->spf_human_result = spf->human_result;
}

static void end_record(struct reader *reader)
{
    struct dmarc_report *report = &reader->report;

    if (reader->row.source_ip.len == 0 ||
        !slice_parse_u64(reader->numbers.count, DMARC_READ_COUNT_MAX, &reader->row.count) ||
        reader->row.count == 0)
        return;
    if (report->n_rows == DMARC_READ_ROWS_MAX) {
        fail(reader, "it has too many rows");
        return;
    }
    report->rows = grow(reader->arena, report->rows, report->n_rows, &reader->rows_room,
                        sizeof(*report->rows));
    report->rows[report->n_rows++] = reader->row;
}

static void begin_group(struct reader *reader, enum context context)
{
    switch (context) {
    case RECORD:
        reader->row = (struct dmarc_report_row){0};
        reader->numbers.count = SLICE_NULL;
        reader->reasons_room = reader->signatures_room = 0;
        break;
    case REASON:
        reader->reason = (struct dmarc_report_reason){0};
        break;
    case DKIM:
        reader->dkim = (struct dmarc_report_dkim){0};
        break;
    case SPF:
        reader->spf = (struct spf){0};
        break;
    default:
        break;
    }
}

static void end_group(struct reader *reader, enum context context)
{
    switch (context) {
    case RECORD:
        end_record(reader);
        break;
    case REASON:
        end_reason(reader);
        break;
    case DKIM:
        end_dkim(reader);
        break;
    case SPF:
        end_spf(reader);
        break;
    default:
        break;
    }
}

/* ---- elements ------------------------------------------------------------------------------- */

/* expat's "namespace name" or "name"; NULL: not of the report. */
static const char *local_name(struct reader *reader, const char *name)
{
    const char *blank = strrchr(name, ' ');
    size_t len = blank ? (size_t)(blank - name) : 0;

    if (!blank)
        return name;
    if (reader->depth == 0 && len < sizeof(reader->space))
        memcpy(reader->space, name, len); /* it was all zeros */
    if (len != strlen(reader->space) || memcmp(reader->space, name, len) != 0)
        return NULL;
    return blank + 1;
}

static enum context find_group(enum context in, const char *name)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (groups[i].in == in && strcmp(groups[i].name, name) == 0)
            return groups[i].is;
    }
    return PASSED_OVER;
}

static struct slice *find_leaf(struct reader *reader, enum context in, const char *name)
{
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        if (leaves[i].in == in && strcmp(leaves[i].name, name) == 0)
            return (struct slice *)(void *)((char *)reader + leaves[i].at);
    }
    return NULL;
}

static enum context enter(struct reader *reader, enum context in, const char *name)
{
    enum context context;

    if (!name || in == LEAF || in == PASSED_OVER)
        return PASSED_OVER;
    context = find_group(in, name);
    if (context != PASSED_OVER) {
        begin_group(reader, context);
        return context;
    }
    reader->target = find_leaf(reader, in, name);
    buf_reset(&reader->text);
    return reader->target ? LEAF : PASSED_OVER;
}

static void XMLCALL on_start(void *arg, const char *name, const char **attributes)
{
    struct reader *reader = arg;
    enum context in = reader->depth ? reader->stack[reader->depth - 1] : NOWHERE, context;
    unsigned n = 0;

    while (attributes[n])
        n++;
    if (reader->depth == DMARC_READ_DEPTH_MAX || n / 2 > DMARC_READ_ATTRIBUTES_MAX) {
        fail(reader, "its elements are nested too deeply or have too many attributes");
        return;
    }
    context = enter(reader, in, local_name(reader, name));
    if (in == NOWHERE && context != FEEDBACK) {
        fail(reader, "its root is not a DMARC report's");
        return;
    }
    reader->stack[reader->depth++] = context;
}

/* No character is cut in two. */
static struct slice cut_text(struct slice text)
{
    size_t len = DMARC_READ_TEXT_MAX;

    if (text.len <= len)
        return text;
    while (len && (text.ptr[len] & 0xc0) == 0x80)
        len--;
    return slice_sub(text, 0, len);
}

static void end_leaf(struct reader *reader)
{
    struct slice text = slice_trim(cut_text(buf_slice(&reader->text)));

    if (reader->target == &reader->row.envelope_from)
        reader->row.null_envelope_from = text.len == 0 || slice_eq(text, SLICE("<>"));
    /* An element that comes twice is what it was the first time. */
    if (reader->target->len == 0)
        *reader->target = arena_dup(reader->arena, text);
}

static void XMLCALL on_end(void *arg, const char *name)
{
    struct reader *reader = arg;
    enum context context;

    (void)name;
    if (reader->wrong)
        return;
    context = reader->stack[--reader->depth];
    if (context == LEAF)
        end_leaf(reader);
    else
        end_group(reader, context);
}

static void XMLCALL on_text(void *arg, const char *text, int len)
{
    struct reader *reader = arg;
    size_t room = DMARC_READ_TEXT_MAX + 8 - reader->text.len;

    if (reader->depth && reader->stack[reader->depth - 1] == LEAF)
        buf_add_slice(&reader->text, slice_sub(slice_from(text, (size_t)len), 0, room));
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public,
                               int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    fail(arg, "it has a document type declaration");
}

/* ---- the whole ------------------------------------------------------------------------------ */

static const char *finish(struct reader *reader)
{
    struct dmarc_report_metadata *metadata = &reader->report.metadata;
    uint64_t begin, end;

    if (metadata->org_name.len == 0)
        metadata->org_name = metadata->email;
    if (metadata->org_name.len == 0 || metadata->report_id.len == 0)
        return "it does not name its reporter or its id";
    if (!slice_parse_u64(reader->numbers.begin, UINT32_MAX, &begin) ||
        !slice_parse_u64(reader->numbers.end, UINT32_MAX, &end) || end < begin)
        return "its period is none";
    if (reader->report.policy.domain.len == 0)
        return "it does not name a domain";
    if (reader->report.n_rows == 0)
        return "it has no rows";
    metadata->begin = (int64_t)begin;
    metadata->end = (int64_t)end;
    return NULL;
}

static const char *parse(struct reader *reader, struct slice xml)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    XML_SetParamEntityParsing(reader->parser, XML_PARAM_ENTITY_PARSING_NEVER);
    if (XML_Parse(reader->parser, xml.ptr, (int)xml.len, XML_TRUE) == XML_STATUS_OK)
        return finish(reader);
    return reader->wrong ? reader->wrong : XML_ErrorString(XML_GetErrorCode(reader->parser));
}

/* By its mark, or by the "<" that it begins with. */
static bool is_utf16(struct slice xml)
{
    struct slice first = slice_sub(xml, 0, 2);

    return slice_eq(first, SLICE("\xff\xfe")) || slice_eq(first, SLICE("\xfe\xff")) ||
           slice_eq(first, SLICE("<\0")) || slice_eq(first, SLICE("\0<"));
}

/* What goes before the declaration or behind the root in spite of all. */
static struct slice trim(struct slice xml)
{
    while (xml.len && xml.ptr[xml.len - 1] == '\0')
        xml.len--;
    return slice_trim(xml);
}

/* For expat: in place of what is declared. */
static const char *charset_of(struct slice xml)
{
    if (is_utf16(xml))
        return NULL;
    return utf8_is_valid(xml) ? "UTF-8" : "ISO-8859-1";
}

const char *dmarc_report_read(struct slice xml, struct arena *arena,
                              struct dmarc_report *ret_report)
{
    struct reader reader = {.arena = arena};
    const char *wrong;

    if (!is_utf16(xml))
        xml = trim(xml);
    if (xml.len == 0 || xml.len > DMARC_READ_XML_MAX)
        return xml.len ? "it is too large" : "it is empty";
    reader.parser = XML_ParserCreateNS(charset_of(xml), ' ');
    if (!reader.parser)
        abort();
    buf_init(&reader.text, DMARC_READ_TEXT_MAX + 8);
    wrong = parse(&reader, xml);
    buf_done(&reader.text);
    XML_ParserFree(reader.parser);
    if (!wrong)
        *ret_report = reader.report;
    return wrong;
}
