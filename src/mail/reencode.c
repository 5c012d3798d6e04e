/*
 * A whole message into 7 bits, part by part, in one walk in the order of its text. See reencode.h.
 *
 * What is not a header section or a leaf's body (delimiters, preambles, epilogues) is copied. Only
 * what must change is changed: header fields that are ASCII, and bodies that are 7-bit with short
 * lines, keep every byte, but labels "8bit" and "binary" become "7bit", since that is what the peer
 * would be promised otherwise.
 *
 * A body is encoded so that decoding gives exactly the bytes that it had; bodies that were base64
 * or quoted-printable already and only have over-long lines are wrapped anew. Preambles and
 * epilogues belong to no part and cannot be encoded: no reader shows them, so 8-bit bytes there
 * become "?".
 *
 * A multipart/signed is copied as a whole below its own header section, or refused. multipart/
 * encrypted likewise: its parts are opaque to everybody on the way (RFC 1847 section 2.2).
 */
#include "mail/reencode.h"
#include "base/utf8.h"
#include "mail/encoding.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/reencode_header.h"

enum { SHORT_TEXT = 1000 };

struct job {
    struct slice message;
    struct mime_tree tree;
    struct buf *out;
    size_t done; /* the message is written up to here */
};

/* What became of a leaf: the label that its header section must have. */
enum treatment { KEEP, LABEL_7BIT, TO_QUOTED_PRINTABLE, TO_BASE64, WRAP_BASE64, WRAP_QP };

const char *reencode_outcome_text(enum reencode_outcome outcome)
{
    static const char *const texts[] = {
        [REENCODE_UNCHANGED] = "the message is 7-bit already",
        [REENCODE_CHANGED] = "the message was converted to 7-bit",
        [REENCODE_SIGNED] = "a signed or encrypted part has 8-bit text or over-long lines",
        [REENCODE_HEADER] = "a header field has 8-bit text that cannot be encoded",
        [REENCODE_STRUCTURE] = "the MIME structure does not allow conversion to 7-bit",
        [REENCODE_ENCODING] = "a part has 8-bit text against its own transfer encoding",
        [REENCODE_TOO_LARGE] = "the converted message is too large",
    };

    return texts[outcome];
}

static bool has_eight_bit(struct slice text)
{
    unsigned char all = 0;

    /* No way out in the middle, so that the compiler makes wide steps of it. */
    for (size_t i = 0; i < text.len; i++)
        all |= (unsigned char)text.ptr[i];
    return all > 127 || slice_find(text, '\0') >= 0;
}

static bool has_long_line(struct slice text)
{
    while (text.len > REENCODE_LINE_MAX) {
        ptrdiff_t lf = slice_find(text, '\n');
        size_t len = lf < 0 ? text.len : (size_t)lf;
        if (len && text.ptr[len - 1] == '\r')
            len--;
        if (len > REENCODE_LINE_MAX)
            return true;
        text = slice_skip(text, (size_t)lf + 1);
    }
    return false;
}

bool reencode_is_needed(struct slice message)
{
    return has_eight_bit(message) || has_long_line(message);
}

static struct slice part_header(const struct job *job, const struct mime_part *part)
{
    return slice_sub(job->message, part->start, part->body - part->start);
}

static struct slice part_body(const struct job *job, const struct mime_part *part)
{
    return slice_sub(job->message, part->body, part->end - part->body);
}

/* What lies between parts. */
static enum reencode_outcome put_gap(struct job *job, size_t until)
{
    struct slice gap = slice_sub(job->message, job->done, until - job->done);

    if (has_long_line(gap))
        return REENCODE_STRUCTURE;
    for (size_t i = 0; i < gap.len; i++) {
        bool bad = (unsigned char)gap.ptr[i] > 127 || gap.ptr[i] == '\0';
        buf_add_char(job->out, bad ? '?' : gap.ptr[i]);
    }
    job->done = until;
    return REENCODE_CHANGED;
}

static struct slice label_of(enum treatment treatment)
{
    switch (treatment) {
    case TO_QUOTED_PRINTABLE:
    case WRAP_QP:
        return SLICE("quoted-printable");
    case TO_BASE64:
    case WRAP_BASE64:
        return SLICE("base64");
    case KEEP:
    case LABEL_7BIT:
        break;
    }
    return SLICE("7bit");
}

static void put_label(struct job *job, enum treatment treatment)
{
    buf_printf(job->out, "Content-Transfer-Encoding: %.*s\r\n", SLICE_ARG(label_of(treatment)));
}

/* Fields that a message from before MIME lacks, and cannot do without once it is encoded. */
static void put_missing_fields(struct job *job, const struct mime_part *part,
                               enum treatment treatment, bool labelled)
{
    struct slice header = part_header(job, part);
    struct header_field field;

    if (part->parent == MIME_NO_PART && !header_find(header, SLICE("MIME-Version"), &field))
        buf_add_cstr(job->out, "MIME-Version: 1.0\r\n");
    /* RFC 1428: nobody knows which charset it is; but what is UTF-8 is hardly anything else. */
    if (mime_type_is(part, "text", NULL) && has_eight_bit(part_body(job, part)) &&
        !header_find(header, SLICE("Content-Type"), &field))
        buf_printf(job->out, "Content-Type: text/plain; charset=%s\r\n",
                   utf8_is_valid(part_body(job, part)) ? "utf-8" : "unknown-8bit");
    if (!labelled)
        put_label(job, treatment);
}

static bool is_label(const struct header_field *field)
{
    return slice_eq_nocase(field->name, SLICE("Content-Transfer-Encoding"));
}

/* The last line of a part without a body may lack its end; a new one would make an empty line with
 * the delimiter behind it. */
static void end_like(struct buf *out, struct slice raw)
{
    if (raw.ptr[raw.len - 1] != '\n' && slice_ends_with_nocase(buf_slice(out), SLICE("\r\n")))
        out->len -= 2;
}

static enum reencode_outcome put_header(struct job *job, const struct mime_part *part,
                                        enum treatment treatment)
{
    struct slice header = part_header(job, part);
    struct header_iter iter = header_iterate(header);
    struct header_field field;
    bool labelled = false;

    while (header_next(&iter, &field)) {
        if (is_label(&field) && treatment != KEEP) {
            if (!labelled)
                put_label(job, treatment);
            labelled = true;
            end_like(job->out, field.raw);
        } else if (!reencode_is_needed(field.raw)) {
            buf_add_slice(job->out, field.raw);
        } else if (!reencode_header_field(job->out, &field)) {
            return REENCODE_HEADER;
        } else {
            end_like(job->out, field.raw);
        }
    }
    if (treatment > LABEL_7BIT)
        put_missing_fields(job, part, treatment, labelled);
    buf_add_slice(job->out, slice_skip(header, iter.at));
    job->done = part->body;
    return REENCODE_CHANGED;
}

/* RFC 2045 section 6.4, RFC 2046 section 5.2: encodings that these types may not have. */
static bool may_be_encoded(const struct mime_part *part)
{
    return !mime_type_is(part, "multipart", NULL) && !mime_type_is(part, "message", "rfc822") &&
           !mime_type_is(part, "message", "partial") &&
           !mime_type_is(part, "message", "external-body");
}

static enum treatment choose_encoding(const struct mime_part *part, struct slice body)
{
    size_t quoted = qp_encoded_size(body);
    bool text = mime_type_is(part, "text", NULL) || mime_type_is(part, "message", NULL);

    /* Text stays readable as long as that does not make it more than twice as long. */
    if (text)
        return quoted <= 2 * body.len + SHORT_TEXT ? TO_QUOTED_PRINTABLE : TO_BASE64;
    return quoted < body.len + body.len / 3 ? TO_QUOTED_PRINTABLE : TO_BASE64;
}

static enum reencode_outcome choose_treatment(const struct job *job, const struct mime_part *part,
                                              enum treatment *ret_treatment)
{
    struct slice body = part_body(job, part);
    bool eight_bit = has_eight_bit(body);
    bool needed = eight_bit || has_long_line(body);
    bool promised = part->encoding == MIME_8BIT || part->encoding == MIME_BINARY;

    *ret_treatment = promised ? LABEL_7BIT : KEEP;
    if (!needed)
        return REENCODE_CHANGED;
    if (!may_be_encoded(part))
        return REENCODE_STRUCTURE;
    if (part->encoding == MIME_UNKNOWN)
        return REENCODE_ENCODING;
    if (part->encoding == MIME_BASE64 || part->encoding == MIME_QUOTED_PRINTABLE) {
        *ret_treatment = part->encoding == MIME_BASE64 ? WRAP_BASE64 : WRAP_QP;
        return eight_bit ? REENCODE_ENCODING : REENCODE_CHANGED;
    }
    *ret_treatment = choose_encoding(part, body);
    return REENCODE_CHANGED;
}

/* Decoded and encoded again, into lines that are short enough. */
static enum reencode_outcome put_wrapped(struct job *job, struct slice body, bool base64)
{
    struct buf plain;
    size_t strange;

    buf_init(&plain, body.len);
    if (base64) {
        base64_decode(&plain, body, &strange);
        base64_encode(job->out, buf_slice(&plain));
    } else {
        qp_decode(&plain, body, &strange);
        qp_encode(job->out, buf_slice(&plain));
    }
    buf_done(&plain);
    return strange ? REENCODE_ENCODING : REENCODE_CHANGED;
}

static enum reencode_outcome put_body(struct job *job, const struct mime_part *part,
                                      enum treatment treatment)
{
    struct slice body = part_body(job, part);
    enum reencode_outcome outcome = REENCODE_CHANGED;

    switch (treatment) {
    case KEEP:
    case LABEL_7BIT:
        buf_add_slice(job->out, body);
        break;
    case TO_QUOTED_PRINTABLE:
        qp_encode(job->out, body);
        break;
    case TO_BASE64:
        base64_encode(job->out, body);
        break;
    case WRAP_BASE64:
    case WRAP_QP:
        outcome = put_wrapped(job, body, treatment == WRAP_BASE64);
        break;
    }
    job->done = part->end;
    return outcome;
}

static enum reencode_outcome put_leaf(struct job *job, const struct mime_part *part)
{
    enum treatment treatment;
    enum reencode_outcome outcome = choose_treatment(job, part, &treatment);

    if (outcome == REENCODE_CHANGED)
        outcome = put_header(job, part, treatment);
    return outcome == REENCODE_CHANGED ? put_body(job, part, treatment) : outcome;
}

static bool is_sealed(const struct mime_part *part)
{
    return mime_type_is(part, "multipart", "signed") ||
           mime_type_is(part, "multipart", "encrypted");
}

/* A part with parts within: its header section, and if it is sealed, all of it. */
static enum reencode_outcome put_container(struct job *job, const struct mime_part *part)
{
    bool promised = part->encoding == MIME_8BIT || part->encoding == MIME_BINARY;
    enum reencode_outcome outcome;

    if (part->encoding != MIME_7BIT && !promised)
        return REENCODE_ENCODING;
    outcome = put_header(job, part, promised ? LABEL_7BIT : KEEP);
    if (outcome != REENCODE_CHANGED || !is_sealed(part))
        return outcome;
    if (reencode_is_needed(part_body(job, part)))
        return REENCODE_SIGNED;
    buf_add_slice(job->out, part_body(job, part));
    job->done = part->end;
    return REENCODE_CHANGED;
}

static enum reencode_outcome put_parts(struct job *job)
{
    enum reencode_outcome outcome = REENCODE_CHANGED;

    for (uint32_t i = 0; i < job->tree.n && outcome == REENCODE_CHANGED; i++) {
        const struct mime_part *part = &job->tree.parts[i];
        /* Within a sealed part, which is written. */
        if (part->start < job->done)
            continue;
        outcome = put_gap(job, part->start);
        if (outcome == REENCODE_CHANGED)
            outcome = part->kind == MIME_LEAF ? put_leaf(job, part) : put_container(job, part);
    }
    return outcome == REENCODE_CHANGED ? put_gap(job, job->message.len) : outcome;
}

enum reencode_outcome reencode_to_7bit(struct slice message, struct buf *out)
{
    struct job job = {.message = message, .out = out};
    size_t before = out->len;
    enum reencode_outcome outcome = REENCODE_STRUCTURE;
    struct arena arena;

    if (!reencode_is_needed(message))
        return REENCODE_UNCHANGED;
    arena_init(&arena);
    if (mime_parse(message, &arena, &job.tree) == 0)
        outcome = put_parts(&job);
    arena_done(&arena);
    if (out->overflow)
        outcome = REENCODE_TOO_LARGE;
    if (outcome != REENCODE_CHANGED)
        out->len = before;
    return outcome;
}
