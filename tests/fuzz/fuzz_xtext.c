/* Encoding and decoding are inverse, and no ORCPT brings a control byte along. */
#include "base/utf8.h"
#include "mail/xtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inverse(struct slice text, void (*encode)(struct buf *, struct slice),
                          bool (*decode)(struct buf *, struct slice))
{
    struct buf encoded;
    struct buf decoded;

    buf_init(&encoded, 16 * text.len + 16);
    buf_init(&decoded, text.len);
    encode(&encoded, text);
    if (!decode(&decoded, buf_slice(&encoded)) || !slice_eq(buf_slice(&decoded), text) ||
        !utf8_is_ascii(buf_slice(&encoded)))
        abort();
    buf_done(&encoded);
    buf_done(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_from(data, size);
    struct slice type;
    struct buf out;

    check_inverse(text, xtext_encode, xtext_decode);
    if (utf8_is_valid(text))
        check_inverse(text, xtext_encode_utf8, xtext_decode_utf8);
    buf_init(&out, size);
    if (orcpt_decode(text, &type, &out)) {
        for (size_t i = 0; i < out.len; i++) {
            if ((unsigned char)out.ptr[i] < ' ' || out.ptr[i] == 127)
                abort();
        }
    } else if (out.len) {
        abort();
    }
    buf_done(&out);
    return 0;
}
