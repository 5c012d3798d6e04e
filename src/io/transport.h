/*
 * A socket for tasks of a pool (io/tasks.h): nothing blocks, a call that cannot go on says in which
 * direction to wait. Plain, or TLS behind the same calls; under TLS a read may have to wait for
 * room to write. Code with a thread of its own uses io/stream.h.
 *
 * A client that goes without close_notify is like one that does: SMTP says itself where a command
 * and where a text ends (RFC 8446 section 6.1 leaves that to the protocol).
 *
 * OpenSSL's error queue is a thread's: it is emptied before each call and read right after it.
 */
#ifndef NUNCIO_IO_TRANSPORT_H
#define NUNCIO_IO_TRANSPORT_H

#include "base/arena.h"
#include "io/tls_binding.h"

#include <sys/types.h>

struct tls_server;
struct ssl_st;

struct transport {
    int fd;
    unsigned read_wants;    /* enum task_want: for what the next read or handshake waits */
    unsigned write_wants;   /* likewise the next write */
    struct ssl_st *ssl;     /* NULL: plain */
    struct tls_server *tls; /* a reference, as long as `ssl` is there */
    bool secure;            /* the handshake is over */
    bool broken;            /* TLS failed: nothing may be sent, not even an alert */
};

/* Takes the connected, non-blocking descriptor over. */
void transport_init(struct transport *transport, int fd);

/* Bytes read, 0 at the end, or -errno (-EAGAIN: wait as `read_wants` says; -EPROTO: TLS broke). */
ssize_t transport_read(struct transport *transport, void *to, size_t size);
/* Bytes written, at least one, or -errno. After -EAGAIN (`write_wants`) the same bytes must come
 * again first; they may have moved. */
ssize_t transport_write(struct transport *transport, struct slice bytes);
/* Says close_notify where that is due, without waiting, and closes. */
void transport_close(struct transport *transport);
/* Our side is closed: close_notify, and the socket's sending half. False: there is no use. From
 * then on transport_discard() alone may read. */
bool transport_shut(struct transport *transport);
/* Reads from the socket, whatever is spoken over it, and forgets what came. As transport_read(). */
ssize_t transport_discard(struct transport *transport);

/*
 * From here on TLS is spoken, for a listener's name (whose client CAs are asked for). `already` has
 * been read from the socket and belongs to the handshake (it came behind a PROXY header); whatever
 * else was read before stays outside. 0 or -errno (-ENOKEY: no certificate, `tls` is NULL).
 */
struct transport_tls {
    struct tls_server *tls;
    struct slice listener;
    struct slice already;
    bool ask_certificate, require_certificate;
};
int transport_start_tls(struct transport *transport, const struct transport_tls *how);
/* One step: 0 when it is done, -EAGAIN (`read_wants`), or -EPROTO with OpenSSL's words in `why`. */
int transport_handshake(struct transport *transport, char *why, size_t why_size);
/* Bytes may wait in the transport itself, and epoll will not tell of them: read until -EAGAIN
 * before waiting. True for a part of a record as well. */
bool transport_has_more(const struct transport *transport);

/* After the handshake. Strings are from the arena or static. */
struct tls_facts {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* IANA's name: "TLS_AES_256_GCM_SHA384" */
    bool resumed;
    struct slice server_name;      /* SNI, or empty */
    struct slice peer;             /* subject common name of the client's verified certificate */
    struct slice peer_fingerprint; /* SHA-256 in lower-case hex, or empty: no such certificate */
    struct slice *peer_emails;     /* of its SAN: rfc822Name and SmtpUTF8Mailbox (RFC 9598) */
    uint32_t n_peer_emails;        /* SASL_CERT_EMAILS_MAX at most */
    const char *peer_refused;      /* a certificate came and does not verify: why. Or NULL */
};
void transport_tls_facts(const struct transport *transport, struct arena *arena,
                         struct tls_facts *ret_facts);
/* 32 bytes of "EXPORTER-Channel-Binding" (RFC 9266); false for TLS 1.2 without extended master
 * secret, and for plain ones. */
bool transport_tls_binding(const struct transport *transport,
                           unsigned char ret_bytes[TLS_BINDING_BYTES]);

#endif
