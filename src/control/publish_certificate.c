/* See publish_certificate.h. The chain is public; the key is not needed. */
#include "control/publish_certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { CHAIN_MAX = 20 };

static struct slice take_der(unsigned char *der, int len, struct arena *arena)
{
    struct slice copy = len > 0 ? arena_dup(arena, slice_from(der, (size_t)len)) : SLICE_NULL;

    OPENSSL_free(der);
    return copy;
}

static void take(X509 *x509, struct arena *arena, struct publish_certificate *certificate)
{
    unsigned char *der = NULL, *key = NULL;
    int len = i2d_X509(x509, &der);

    certificate->certificates[certificate->n] = take_der(der, len, arena);
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &key);
    certificate->keys[certificate->n++] = take_der(key, len, arena);
}

bool publish_certificate_read(const char *path, struct arena *arena,
                              struct publish_certificate *ret_certificate)
{
    struct publish_certificate certificate = {
        .certificates = arena_alloc(arena, CHAIN_MAX * sizeof(struct slice)),
        .keys = arena_alloc(arena, CHAIN_MAX * sizeof(struct slice))};
    BIO *file = BIO_new_file(path, "r");
    X509 *x509;

    while (file && certificate.n < CHAIN_MAX &&
           (x509 = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
        take(x509, arena, &certificate);
        X509_free(x509);
    }
    BIO_free(file);
    *ret_certificate = certificate;
    return certificate.n > 0;
}

bool publish_certificate_is_for(const struct publish_certificate *certificate, struct slice host)
{
    const unsigned char *der = (const unsigned char *)certificate->certificates[0].ptr;
    X509 *x509 = d2i_X509(NULL, &der, (long)certificate->certificates[0].len);
    bool fits = x509 && X509_check_host(x509, host.ptr, host.len, 0, NULL) == 1;

    X509_free(x509);
    return fits;
}
