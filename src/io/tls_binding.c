/* See tls_binding.h. TLS 1.2 without the extended master secret has none (RFC 9266 section 4.2). */
#include "io/tls_binding.h"

#include <openssl/ssl.h>

bool tls_binding_read(struct ssl_st *ssl, unsigned char out[TLS_BINDING_BYTES])
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
        return false;
    /* For TLS 1.2 no context and an empty one differ (RFC 5705 section 4); GnuTLS and all others
     * use none. */
    return SSL_export_keying_material(ssl, out, TLS_BINDING_BYTES, label, sizeof(label) - 1, NULL,
                                      0, 0) == 1;
}
