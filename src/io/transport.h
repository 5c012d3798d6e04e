/*
 * A socket for tasks of a pool (io/tasks.h): nothing blocks, a call that cannot go on says in which
 * direction to wait. Plain, or TLS behind the same calls; under TLS a read may have to wait for
 * room to write. Code with a thread of its own uses io/stream.h.
 *
 * OpenSSL's error queue is a thread's: it is emptied before each call and read right after it.
 */
#ifndef NUNCIO_IO_TRANSPORT_H
#define NUNCIO_IO_TRANSPORT_H

#include "base/arena.h"

#include <sys/types.h>

struct tls_server;
struct ssl_st;

struct transport {
    int fd;
    unsigned want;      /* enum task_want: the direction after -EAGAIN */
    struct ssl_st *ssl; /* NULL: plain */
    bool secure;        /* the handshake is over */
    bool broken;        /* TLS failed: nothing may be sent, not even an alert */
};

/* Bytes read, 0 at the end, or -errno (-EAGAIN: wait as `want` says; -EPROTO: TLS broke). */
ssize_t transport_read(struct transport *transport, void *to, size_t size);
/* Bytes written, at least one, or -errno. After -EAGAIN the same bytes must come again first; they
 * may have moved. */
ssize_t transport_write(struct transport *transport, struct slice bytes);
/* Says close_notify where that is due, without waiting, and closes. */
void transport_close(struct transport *transport);
/* Our side is closed: close_notify, and the socket's sending half. False: there is no use. */
bool transport_shut(struct transport *transport);

/*
 * From here on TLS is spoken, for a listener's name (whose client CAs are asked for). What was read
 * from the socket before stays outside. 0 or -errno (-ENOKEY: no certificate).
 */
int transport_start_tls(struct transport *transport, struct tls_server *tls, struct slice listener,
                        bool ask_certificate, bool require_certificate);
/* One step: 0 when it is done, -EAGAIN, or -EPROTO with OpenSSL's words in `why`. */
int transport_handshake(struct transport *transport, char *why, size_t why_size);
/* Decrypted bytes wait in the transport: epoll will not tell of them. */
bool transport_has_more(const struct transport *transport);

/* After the handshake. Strings are from the arena or static. */
struct tls_facts {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
    bool resumed;
    struct slice server_name;      /* SNI, or empty */
    struct slice peer;             /* subject common name of the client's verified certificate */
    struct slice peer_fingerprint; /* SHA-256 in lower-case hex, or empty */
    struct slice *peer_emails;     /* of its SAN */
    uint32_t n_peer_emails;
};
void transport_tls_facts(const struct transport *transport, struct arena *arena,
                         struct tls_facts *ret_facts);
/* 32 bytes of "EXPORTER-Channel-Binding" (RFC 9266); false for TLS 1.2 without extended master
 * secret, and for plain ones. */
enum { TLS_BINDING_BYTES = 32 };
bool transport_tls_binding(const struct transport *transport,
                           unsigned char ret_bytes[TLS_BINDING_BYTES]);

#endif
