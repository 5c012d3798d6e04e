/*
 * Sessions of TLS connections to other servers, kept for resumption: a resumed handshake costs no
 * signature, and in TLS 1.2 one round trip less. In memory alone, bounded in number and in time.
 * Thread-safe.
 *
 * A key is a digest of all that a connection demanded of the other side, so that a session never
 * resumes anything that would have been judged in another way.
 */
#ifndef NUNCIO_IO_TLS_SESSIONS_H
#define NUNCIO_IO_TLS_SESSIONS_H

#include <stdint.h>

struct ssl_session_st;
struct tls_sessions;

enum {
    TLS_SESSION_KEY_BYTES = 32,
    TLS_SESSION_KEYS_MAX = 2000,        /* the one that was not added to for longest goes first */
    TLS_SESSIONS_PER_KEY = 4,           /* a server may send several tickets */
    TLS_SESSION_MAX_MS = 60 * 60 * 1000 /* after that the certificate is looked at anew */
};

struct tls_sessions *tls_sessions_new(void);
void tls_sessions_free(struct tls_sessions *sessions);
/* Takes over the caller's reference. Times are clock_mono_ms(). */
void tls_sessions_add(struct tls_sessions *sessions, const unsigned char key[TLS_SESSION_KEY_BYTES],
                      struct ssl_session_st *session, uint64_t now);
/* The newest, with a reference for the caller, or NULL. One of TLS 1.3 is given once (RFC 8446
 * appendix C.4). */
struct ssl_session_st *tls_sessions_take(struct tls_sessions *sessions,
                                         const unsigned char key[TLS_SESSION_KEY_BYTES],
                                         uint64_t now);

#endif
