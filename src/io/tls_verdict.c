/*
 * What a handshake has shown, in words: result types of RFC 8460 section 4.3 and reasons for
 * people; and which TLSA records can be of use. See io/tls_client.h.
 *
 * A certificate that does not match the TLSA records is "tlsa-invalid": none of the records was
 * found to be valid. One that is not yet valid is merely not trusted: "certificate-expired" would
 * send its owner looking for the wrong fault.
 */
#include "base/log.h"
#include "io/tls_client.h"
#include "io/tls_error.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

enum { SHA256_BYTES = 32, SHA512_BYTES = 64 };

static bool is_whole_certificate(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    bool whole = certificate && at == (const unsigned char *)der.ptr + der.len;

    X509_free(certificate);
    ERR_clear_error();
    return whole;
}

static bool is_whole_key(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
    bool whole = key && at == (const unsigned char *)der.ptr + der.len;

    EVP_PKEY_free(key);
    ERR_clear_error();
    return whole;
}

bool tls_tlsa_is_usable(const struct tls_tlsa *tlsa)
{
    if ((tlsa->usage != TLSA_DANE_TA && tlsa->usage != TLSA_DANE_EE) || tlsa->selector > TLSA_SPKI)
        return false;
    switch (tlsa->matching) {
    case TLSA_FULL:
        return tlsa->selector == TLSA_CERT ? is_whole_certificate(tlsa->data)
                                           : is_whole_key(tlsa->data);
    case TLSA_SHA2_256:
        return tlsa->data.len == SHA256_BYTES;
    case TLSA_SHA2_512:
        return tlsa->data.len == SHA512_BYTES;
    default:
        return false;
    }
}

static const char *result_type(long verification)
{
    switch (verification) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "certificate-host-mismatch";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "certificate-expired";
    case X509_V_ERR_DANE_NO_MATCH:
        return "tlsa-invalid";
    default:
        return "certificate-not-trusted";
    }
}

static void tell_certificate(long verification, struct tls_verdict *verdict)
{
    verdict->result = result_type(verification);
    snprintf(verdict->why, sizeof(verdict->why), "%s%s",
             verification == X509_V_ERR_DANE_NO_MATCH ? "" : "certificate: ",
             verification == X509_V_ERR_DANE_NO_MATCH
                 ? "certificate fits none of the TLSA records"
                 : X509_verify_cert_error_string(verification));
}

void tls_client_judge(const SSL *ssl, const struct tls_demand *demand, int failure,
                      struct tls_verdict *ret_verdict)
{
    long verification = SSL_get_verify_result(ssl);
    bool judged = demand->level == TLS_DANE || demand->n_names > 0;

    *ret_verdict = (struct tls_verdict){0};
    if (failure == 0) {
        ret_verdict->version = SSL_get_version(ssl);
        ret_verdict->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
        ret_verdict->resumed = SSL_session_reused(ssl);
        ret_verdict->verified = judged && verification == X509_V_OK;
        if (judged && verification != X509_V_OK)
            tell_certificate(verification, ret_verdict);
    } else if (demand->level != TLS_ANY && verification != X509_V_OK) {
        tell_certificate(verification, ret_verdict);
    } else {
        ret_verdict->result = "validation-failure";
        tls_error_take(ret_verdict->why, sizeof(ret_verdict->why),
                       failure == -EPROTO ? "the server has gone" : log_strerror(failure));
    }
}
