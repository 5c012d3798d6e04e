/*
 * See dmarc_report_mail.h. What others send is recognised by either of two signs, since each is
 * missing somewhere: the Subject's "Report Domain:" (in any case, with words in front, or as an
 * encoded word), or a file named "receiver!domain!begin!end" on the message itself.
 */
#include "trust/dmarc_report_mail.h"

#include "mail/encoding.h"
#include "mail/header.h"
#include "trust/report_part.h"

enum { SUBJECT_MAX = 4096 };

/* ---- recognising ---------------------------------------------------------------------------- */

static bool contains_nocase(struct slice text, struct slice part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (slice_starts_with_nocase(slice_skip(text, i), part))
            return true;
    }
    return false;
}

/* "=?utf-8?B?...?=": its text, whatever its charset, since what is looked for is ASCII. */
static void decode_word(struct slice word, struct buf *out)
{
    struct slice text;
    char kind;

    word = slice_skip(word, 2);
    (void)slice_cut(&word, '?');
    text = slice_cut(&word, '?');
    kind = text.len == 1 ? ascii_lower(text.ptr[0]) : 0;
    text = slice_cut(&word, '?');
    if (kind == 'b')
        base64_decode(out, text, NULL);
    for (size_t i = 0; i < text.len && kind == 'q'; i++)
        buf_add_char(out, text.ptr[i] == '_' ? ' ' : text.ptr[i]);
}

/* Words with their encoding undone; blanks between encoded ones fall away as they must. */
static void decode_words(struct slice text, struct buf *out)
{
    while (text.ptr) {
        struct slice word = slice_cut(&text, ' ');
        if (slice_starts_with_nocase(word, SLICE("=?"))) {
            decode_word(word, out);
            continue;
        }
        buf_add_slice(out, word);
        buf_add_char(out, ' ');
    }
}

static bool has_subject(struct slice message, struct arena *arena)
{
    struct header_field field;
    struct buf plain;
    bool has;

    if (!header_find(message, SLICE("Subject"), &field))
        return false;
    buf_init(&plain, SUBJECT_MAX);
    decode_words(header_unfold(arena, slice_sub(field.value, 0, SUBJECT_MAX / 2)), &plain);
    has = contains_nocase(buf_slice(&plain), SLICE("Report Domain:"));
    buf_done(&plain);
    return has;
}

static bool is_number(struct slice text)
{
    uint64_t number;
    return slice_parse_u64(text, UINT64_MAX, &number);
}

/* receiver "!" policy-domain "!" begin "!" end [ "!" unique-id ] "." extension */
static bool is_file_name(struct slice name)
{
    struct slice receiver = slice_cut(&name, '!'), domain = slice_cut(&name, '!');
    struct slice begin = slice_cut(&name, '!'), end = slice_cut(&name, '!');

    return receiver.len && domain.len && is_number(begin) && is_number(slice_cut(&end, '.'));
}

static bool has_file_name(struct slice message, struct slice field_name, struct slice param,
                          struct arena *arena)
{
    struct slice name = report_part_param(message, field_name, param, arena);

    return is_file_name(name);
}

bool dmarc_report_mail_is_meant(struct slice message, struct arena *arena)
{
    return has_subject(message, arena) ||
           has_file_name(message, SLICE("Content-Type"), SLICE("name"), arena) ||
           has_file_name(message, SLICE("Content-Disposition"), SLICE("filename"), arena);
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool is_part(const struct mime_part *part, struct slice file_name)
{
    static const char *const subtypes[] = {"gzip", "x-gzip", "zip", "x-zip-compressed", "xml"};

    for (size_t i = 0; i < sizeof(subtypes) / sizeof(subtypes[0]); i++) {
        if (mime_type_is(part, "application", subtypes[i]))
            return true;
    }
    return mime_type_is(part, "text", "xml") || slice_ends_with_nocase(file_name, SLICE(".xml")) ||
           slice_ends_with_nocase(file_name, SLICE(".xml.gz")) ||
           slice_ends_with_nocase(file_name, SLICE(".zip")) || is_file_name(file_name);
}

const char *dmarc_report_mail_read(struct slice message, struct arena *arena, struct buf *out)
{
    return report_part_read(message, is_part, arena, out);
}
