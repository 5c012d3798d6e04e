/* Key records: a key that can be loaded has the size it may have, and what is written of it is read
 * as the same key. */
#include "trust/dkim.h"
#include "trust/dkim_key.h"

#include <openssl/evp.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(EVP_PKEY *key, struct slice record)
{
    struct buf written;

    if (EVP_PKEY_get_bits(key) > DKIM_RSA_BITS_MAX)
        abort();
    buf_init(&written, 8192);
    if (!dkim_key_write(&written, key) || !dkim_key_matches(record, buf_slice(&written)))
        abort();
    buf_done(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice record = slice_from(data, size);
    struct dkim_key key;
    struct arena arena;
    EVP_PKEY *loaded;

    arena_init(&arena);
    if (!dkim_key_read(record, &arena, &key)) {
        loaded = dkim_key_load(&key);
        if (loaded)
            check_key(loaded, record);
        EVP_PKEY_free(loaded);
    }
    /* The bytes of a key without the record around them. */
    key = (struct dkim_key){.kind = DKIM_KEY_RSA, .data = record};
    loaded = dkim_key_load(&key);
    if (loaded && EVP_PKEY_get_bits(loaded) > DKIM_RSA_BITS_MAX)
        abort();
    EVP_PKEY_free(loaded);
    arena_done(&arena);
    return 0;
}
