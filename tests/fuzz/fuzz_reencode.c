/* A message that was re-encoded is 7-bit, has the parts that it had, and each decodes to the bytes
 * that it decoded to before. */
#include "mail/encoding.h"
#include "mail/mime.h"
#include "mail/reencode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct buf *out, struct slice message, const struct mime_part *part)
{
    struct slice body = slice_sub(message, part->body, part->end - part->body);

    if (part->kind != MIME_LEAF)
        return;
    if (part->encoding == MIME_BASE64)
        base64_decode(out, body, NULL);
    else if (part->encoding == MIME_QUOTED_PRINTABLE)
        qp_decode(out, body, NULL);
    else
        buf_add_slice(out, body);
}

static void check_part(struct slice message, const struct mime_part *part, struct slice result,
                       const struct mime_part *result_part)
{
    struct buf before;
    struct buf after;

    buf_init(&before, message.len);
    buf_init(&after, result.len);
    decode(&before, message, part);
    decode(&after, result, result_part);
    if (part->kind != result_part->kind || part->parent != result_part->parent ||
        !slice_eq(buf_slice(&before), buf_slice(&after)))
        abort();
    buf_done(&before);
    buf_done(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_from(data, size);
    struct mime_tree before;
    struct mime_tree after;
    struct arena arena;
    struct buf out;

    buf_init(&out, 16 * size + 1000);
    arena_init(&arena);
    if (reencode_to_7bit(message, &out) == REENCODE_CHANGED) {
        if (reencode_is_needed(buf_slice(&out)) || mime_parse(message, &arena, &before) ||
            mime_parse(buf_slice(&out), &arena, &after) || before.n != after.n)
            abort();
        for (uint32_t i = 0; i < before.n; i++)
            check_part(message, &before.parts[i], buf_slice(&out), &after.parts[i]);
    } else if (out.len) {
        abort();
    }
    arena_done(&arena);
    buf_done(&out);
    return 0;
}
