/*
 * See report_part.h. What comes in is read as leniently as mail must be: the part is looked for
 * anywhere in the MIME tree, and its bytes say how it is packed, whatever its type does.
 */
#include "trust/report_part.h"

#include "mail/encoding.h"
#include "mail/header.h"
#include "trust/inflate.h"
#include "trust/unzip.h"

struct slice report_part_param(struct slice section, struct slice field_name, struct slice param,
                               struct arena *arena)
{
    struct header_field field;
    struct slice params, value;

    if (!header_find(section, field_name, &field))
        return SLICE_NULL;
    /* "attachment; filename=..." has no subtype, so it is not for mime_parse_type(). */
    params = header_unfold(arena, field.value);
    (void)slice_cut(&params, ';');
    return params.ptr && mime_param(arena, params, param, &value) ? value : SLICE_NULL;
}

static struct slice file_name(const struct mime_part *part, struct slice message,
                              struct arena *arena)
{
    struct slice section = slice_sub(message, part->start, part->body - part->start);
    struct slice name =
        report_part_param(section, SLICE("Content-Disposition"), SLICE("filename"), arena);

    return name.len ? name
                    : report_part_param(section, SLICE("Content-Type"), SLICE("name"), arena);
}

static void decode(const struct mime_part *part, struct slice message, struct buf *out)
{
    struct slice body = slice_sub(message, part->body, part->end - part->body);

    if (part->encoding == MIME_BASE64)
        base64_decode(out, body, NULL);
    else if (part->encoding == MIME_QUOTED_PRINTABLE)
        qp_decode(out, body, NULL);
    else
        buf_add_slice(out, body);
}

static bool is_gzip(struct slice bytes)
{
    return bytes.len > 2 && bytes.ptr[0] == '\x1f' && bytes.ptr[1] == '\x8b';
}

static const char *unpack_bytes(struct slice bytes, struct buf *out)
{
    if (is_gzip(bytes))
        return inflate_bounded(out, bytes, INFLATE_GZIP) ? NULL
                                                         : "its gzip is damaged or too large";
    if (unzip_is_meant(bytes))
        return unzip_first(out, bytes) ? NULL : "its zip is damaged or too large";
    buf_add_slice(out, bytes);
    return NULL;
}

static const char *unpack(const struct mime_part *part, struct slice message, struct buf *out)
{
    struct buf decoded;
    const char *wrong;

    buf_init(&decoded, REPORT_MAIL_MAX);
    decode(part, message, &decoded);
    wrong = unpack_bytes(buf_slice(&decoded), out);
    if (!wrong && (decoded.overflow || out->overflow))
        wrong = "it is too large";
    buf_done(&decoded);
    return wrong;
}

const char *report_part_read(struct slice message, report_is_part *is_part, struct arena *arena,
                             struct buf *out)
{
    struct mime_tree tree;

    if (message.len > REPORT_MAIL_MAX)
        return "it is too large";
    if (mime_parse(message, arena, &tree) != 0)
        return "its MIME structure is too deep";
    for (uint32_t i = 0; i < tree.n; i++) {
        const struct mime_part *part = &tree.parts[i];
        if (part->kind == MIME_LEAF && is_part(part, file_name(part, message, arena)))
            return unpack(part, message, out);
    }
    return "it has no part with a report";
}
