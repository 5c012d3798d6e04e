/*
 * TLS towards other servers: one context for all, and what a connection demands of the other side.
 * The handshake itself is stream_start_tls() (io/stream.h). Thread-safe; immutable and counted, so
 * that new CAs drop no connection.
 */
#ifndef NUNCIO_IO_TLS_CLIENT_H
#define NUNCIO_IO_TLS_CLIENT_H

#include "base/slice.h"

struct ssl_st;
struct tls_client;

/*
 * `ca`: PEM text of the CAs that verify; empty: the system's, which are read now. A system without
 * any verifies nobody. `only_1_3`: otherwise TLS 1.2 as well. -EINVAL: no certificate in `ca`.
 */
int tls_client_new(struct slice ca, bool only_1_3, struct tls_client **ret_client);
struct tls_client *tls_client_ref(struct tls_client *client);
void tls_client_unref(struct tls_client *client); /* NULL is fine */

enum tls_level {
    TLS_ANY,    /* encrypted, whoever it is */
    TLS_VERIFY, /* certificate from a CA for one of `names` (RFC 6125) */
    TLS_DANE,   /* one of the TLSA records fits (RFC 7672); nothing else counts */
};

/* Names of the numbers: RFC 7218. */
enum tlsa_usage { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum tlsa_selector { TLSA_CERT, TLSA_SPKI };
enum tlsa_matching { TLSA_FULL, TLSA_SHA2_256, TLSA_SHA2_512 };

struct tls_tlsa {
    uint8_t usage, selector, matching;
    struct slice data;
};
/* Usage 2 or 3, and data that a certificate could match (RFC 7672 section 3.1). */
bool tls_tlsa_is_usable(const struct tls_tlsa *tlsa);

enum { TLS_NAME_MAX = 255 };

struct tls_demand {
    enum tls_level level;
    struct slice sni;    /* a name, not an address; empty: none. Of TLS_DANE the base domain */
    struct slice *names; /* TLS_VERIFY, and DANE-TA(2): what the certificate may be for, names or
                            addresses. With TLS_ANY the certificate is looked at and not judged */
    unsigned n_names;
    const struct tls_tlsa *tlsa; /* the usable ones alone count */
    unsigned n_tlsa;
    struct slice resume; /* of whom: sessions are kept under it and under the rest of the demand */
};

/* How it came out; words for people and for RFC 8460. */
struct tls_verdict {
    const char *version; /* "TLSv1.3"; NULL: no handshake */
    const char *cipher;  /* IANA's name */
    bool resumed;
    bool verified;      /* the certificate satisfies a CA and a name, or DANE */
    const char *result; /* RFC 8460 section 4.3 result type of what failed: "certificate-expired".
                           With TLS_ANY it can stand beside a handshake that came out well */
    char why[160];      /* for people, when it failed */
};

/* For io/stream_tls.c: our end of a connection that demands this. NULL with OpenSSL's words. */
struct ssl_st *tls_client_open(struct tls_client *client, const struct tls_demand *demand,
                               char *why, size_t why_size);
/* After the handshake: `failure` is 0 or the negative errno of what ended it. */
void tls_client_judge(const struct ssl_st *ssl, const struct tls_demand *demand, int failure,
                      struct tls_verdict *ret_verdict);

#endif
