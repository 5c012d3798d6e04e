/*
 * TLS towards other servers: one context for all, and what a connection demands of the other side.
 * The handshake itself is stream_start_tls() (io/stream.h). Thread-safe; immutable and counted, so
 * that new CAs drop no connection.
 */
#ifndef NUNCIO_IO_TLS_CLIENT_H
#define NUNCIO_IO_TLS_CLIENT_H

#include "base/slice.h"

struct tls_client;

/* `ca`: PEM text of the CAs that verify; empty: the system's. `minimum`: as tls_server's. -errno.
 */
int tls_client_new(struct slice ca, bool tls13_only, struct tls_client **ret_client);
struct tls_client *tls_client_ref(struct tls_client *client);
void tls_client_unref(struct tls_client *client); /* NULL is fine */

enum tls_level {
    TLS_ANY,    /* encrypted, whoever it is */
    TLS_VERIFY, /* certificate from a CA for one of `names` (RFC 6125) */
    TLS_DANE,   /* one of the TLSA records fits (RFC 7672); nothing else counts */
};

struct tls_tlsa {
    uint8_t usage, selector, matching;
    struct slice data;
};

struct tls_demand {
    enum tls_level level;
    struct slice sni;    /* empty: none */
    struct slice *names; /* TLS_VERIFY, and DANE-TA(2): what the certificate may be for */
    unsigned n_names;
    const struct tls_tlsa *tlsa; /* usages 2 and 3 alone count */
    unsigned n_tlsa;
    struct slice resume; /* key under which sessions are kept for resumption; empty: not */
};

/* How it came out; words for people and for RFC 8460. */
struct tls_verdict {
    const char *version; /* "TLSv1.3"; NULL: no handshake */
    const char *cipher;  /* IANA's name */
    bool resumed;
    bool verified;      /* the certificate satisfies a CA and a name, or DANE */
    const char *result; /* RFC 8460 section 4.3 result type when it failed: "certificate-expired" */
    char why[160];      /* for people, when it failed */
};

#endif
