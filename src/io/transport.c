/*
 * Plain sockets, and TLS over tls_bio.h. See transport.h; what is known of the other side after the
 * handshake is in tls_facts.c.
 *
 * After a failure of TLS no call but SSL_free() may be made (SSL_get_error(3)): `broken` keeps it
 * so. OpenSSL has sent its alert by then, as far as the socket took it.
 */
#include "io/transport.h"

#include "base/log.h"
#include "io/tasks.h"
#include "io/tls_bio.h"
#include "io/tls_error.h"
#include "io/tls_server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void transport_init(struct transport *transport, int fd)
{
    *transport = (struct transport){.fd = fd, .read_wants = TASK_READ, .write_wants = TASK_WRITE};
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static void begin_call(const struct transport *transport)
{
    ERR_clear_error();
    errno = 0;
    tls_bio_begin(SSL_get_rbio(transport->ssl));
}

/* What a call that did not succeed means: 0 at the end, -EAGAIN with the direction, or failure. */
static int judge(struct transport *transport, int result, unsigned *ret_wants)
{
    int error = errno;

    switch (SSL_get_error(transport->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *ret_wants = TASK_READ;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        *ret_wants = TASK_WRITE;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        transport->broken = true;
        return error ? -error : -EPROTO;
    default:
        transport->broken = true;
        return -EPROTO;
    }
}

static ssize_t tls_read(struct transport *transport, void *to, size_t size)
{
    size_t n = 0;
    int r;

    if (transport->broken || !transport->secure)
        return -EPROTO;
    begin_call(transport);
    r = SSL_read_ex(transport->ssl, to, size, &n);
    transport->read_wants = TASK_READ;
    if (r == 1)
        return (ssize_t)n;
    r = judge(transport, r, &transport->read_wants);
    if (r == -EPROTO && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return 0;
    return r;
}

static ssize_t tls_write(struct transport *transport, struct slice bytes)
{
    size_t n = 0;
    int r;

    if (transport->broken || !transport->secure)
        return -EPROTO;
    begin_call(transport);
    r = SSL_write_ex(transport->ssl, bytes.ptr, bytes.len, &n);
    transport->write_wants = TASK_WRITE;
    if (r == 1)
        return (ssize_t)n;
    r = judge(transport, r, &transport->write_wants);
    return r ? r : -EPROTO;
}

int transport_start_tls(struct transport *transport, const struct transport_tls *how)
{
    BIO *bio;

    if (!how->tls)
        return -ENOKEY;
    ERR_clear_error();
    transport->ssl =
        tls_server_open(how->tls, how->listener, how->ask_certificate, how->require_certificate);
    bio = transport->ssl ? tls_bio_new(transport->fd, how->already) : NULL;
    if (!bio) {
        SSL_free(transport->ssl);
        transport->ssl = NULL;
        return -ENOMEM;
    }
    SSL_set_bio(transport->ssl, bio, bio);
    transport->tls = tls_server_ref(how->tls);
    return 0;
}

static void tell_why(const struct transport *transport, int failure, char *why, size_t why_size)
{
    long verdict = SSL_get_verify_result(transport->ssl);
    char reason[128];

    tls_error_take(reason, sizeof(reason),
                   failure == -EPROTO ? "the client has gone" : log_strerror(failure));
    if (verdict == X509_V_OK)
        snprintf(why, why_size, "%s", reason);
    else
        snprintf(why, why_size, "%s: %s", reason, X509_verify_cert_error_string(verdict));
}

int transport_handshake(struct transport *transport, char *why, size_t why_size)
{
    int r;

    if (transport->broken)
        return -EPROTO;
    begin_call(transport);
    r = SSL_do_handshake(transport->ssl);
    transport->read_wants = TASK_READ;
    if (r == 1) {
        transport->secure = true;
        return 0;
    }
    r = judge(transport, r, &transport->read_wants);
    if (r == -EAGAIN)
        return r;
    transport->broken = true;
    tell_why(transport, r ? r : -EPROTO, why, why_size);
    return -EPROTO;
}

bool transport_has_more(const struct transport *transport)
{
    return transport->ssl && !transport->broken && SSL_has_pending(transport->ssl);
}

/* Once; without waiting for the other side's. */
static void say_goodbye(struct transport *transport)
{
    if (!transport->secure || transport->broken ||
        SSL_get_shutdown(transport->ssl) & SSL_SENT_SHUTDOWN)
        return;
    begin_call(transport);
    (void)SSL_shutdown(transport->ssl);
}

/* ---- either --------------------------------------------------------------------------------- */

static ssize_t socket_read(struct transport *transport, void *to, size_t size)
{
    ssize_t n;

    do
        n = recv(transport->fd, to, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    transport->read_wants = TASK_READ;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

ssize_t transport_read(struct transport *transport, void *to, size_t size)
{
    return transport->ssl ? tls_read(transport, to, size) : socket_read(transport, to, size);
}

ssize_t transport_write(struct transport *transport, struct slice bytes)
{
    ssize_t n;

    if (transport->ssl)
        return tls_write(transport, bytes);
    do
        n = send(transport->fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

bool transport_shut(struct transport *transport)
{
    say_goodbye(transport);
    return shutdown(transport->fd, SHUT_WR) == 0;
}

ssize_t transport_discard(struct transport *transport)
{
    char nowhere[4096];

    return socket_read(transport, nowhere, sizeof(nowhere));
}

void transport_close(struct transport *transport)
{
    say_goodbye(transport);
    ERR_clear_error();
    SSL_free(transport->ssl);
    tls_server_unref(transport->tls);
    if (transport->fd >= 0)
        close(transport->fd);
    transport_init(transport, -1);
}
