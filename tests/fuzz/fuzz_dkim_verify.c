/* Whole messages: the verdict does not depend on the size of pieces, nothing passes without a key,
 * and the signer takes what it takes. Keys are those of RFC 8463's example, which is a seed. */
#include "trust/dkim.h"
#include "trust/dkim_sign.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int answer(void *arg, struct slice name, enum trust_type type,
                  const struct trust_answer **ret_answer)
{
    static const struct trust_record records[] = {
        {.bytes = SLICE_INIT("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")},
        {.bytes =
             SLICE_INIT("v=DKIM1; k=rsa; "
                        "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08"
                        "a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/"
                        "8uBsCR+yz1Lxj+PL6lHvqMKr"
                        "M3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB")},
    };
    static const struct trust_answer keys = {TRUST_FOUND, records, 2, false, {NULL, 0}};
    static const struct trust_answer none = {TRUST_NO_NAME, NULL, 0, false, {NULL, 0}};

    if (type != TRUST_TXT || name.len == 0 || name.len > TRUST_NAME_MAX)
        abort();
    *ret_answer = *(const bool *)arg ? &keys : &none;
    return 0;
}

static enum dkim_result judge(struct slice text, size_t piece, bool has_keys)
{
    const struct trust_names names = {.ask = answer, .arg = &has_keys};
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct dkim_verdict verdict;
    struct arena arena;

    arena_init(&arena);
    for (size_t at = 0; at < text.len; at += piece)
        dkim_verifier_feed(verifier, slice_sub(text, at, piece));
    dkim_verifier_end(verifier);
    dkim_verifier_prefetch(verifier, &names);
    if (dkim_verifier_judge(verifier, &names, 1600000000, &arena, &verdict) != 0)
        abort();
    for (unsigned i = 0; i < verdict.count; i++) {
        if ((verdict.list[i].result == DKIM_PASS) != (verdict.list[i].problem.len == 0))
            abort();
    }
    dkim_verifier_free(verifier);
    arena_done(&arena);
    return verdict.result;
}

static void sign(struct slice text)
{
    const struct dkim_signing signing = {
        .kind = DKIM_KEY_RSA, .domain = SLICE("example.org"), .selector = SLICE("s"), .seconds = 1};
    struct dkim_signer *signer = dkim_signer_new();
    uint8_t digest[DKIM_DIGEST];
    struct buf field;

    buf_init(&field, 1 << 20);
    dkim_signer_feed(signer, text);
    if (dkim_signer_end(signer)) {
        dkim_signer_field(signer, &signing, &field, digest);
        dkim_signer_finish(&field, slice_from(digest, sizeof(digest)));
        if (field.overflow || dkim_signer_author(signer).len == 0)
            abort();
    }
    buf_done(&field);
    dkim_signer_free(signer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_from(data, size);

    if (judge(text, size + 1, true) != judge(text, 1 + size % 61, true))
        abort();
    if (judge(text, size + 1, false) == DKIM_PASS)
        abort();
    sign(text);
    return 0;
}
