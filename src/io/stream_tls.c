/*
 * OpenSSL's client under a stream. See stream_tls.h.
 *
 * After a failure of TLS no call but SSL_free() may be made (SSL_get_error(3)): `broken` keeps it
 * so. OpenSSL's error queue is the thread's, and an idle connection goes from one thread to
 * another, so it is emptied before each call. A peer that closes without close_notify is like one
 * that says it: SMTP itself says where a reply ends.
 */
#include "io/stream_tls.h"

#include "base/buf.h"
#include "io/tls_bio.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>

struct stream_tls {
    SSL *ssl;
    struct tls_client *client;
    bool secure; /* the handshake is over */
    bool broken;
};

int stream_tls_new(int fd, struct tls_client *client, const struct tls_demand *demand,
                   struct stream_tls **ret_tls, struct tls_verdict *ret_verdict)
{
    SSL *ssl = tls_client_open(client, demand, ret_verdict->why, sizeof(ret_verdict->why));
    BIO *bio;

    if (!ssl)
        return -EINVAL;
    bio = tls_bio_new(fd, SLICE_NULL);
    if (!bio) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    SSL_set_bio(ssl, bio, bio);
    *ret_tls = xcalloc(1, sizeof(**ret_tls));
    (*ret_tls)->ssl = ssl;
    (*ret_tls)->client = tls_client_ref(client);
    return 0;
}

static void begin_call(const struct stream_tls *tls)
{
    ERR_clear_error();
    errno = 0;
    tls_bio_begin(SSL_get_rbio(tls->ssl));
}

/* What a call that did not succeed means: 0 at the end, -EAGAIN with the direction, or failure. */
static int judge(struct stream_tls *tls, int result, short *ret_wait)
{
    int error = errno;

    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *ret_wait = POLLIN;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        *ret_wait = POLLOUT;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        tls->broken = true;
        return error ? -error : -EPROTO;
    default:
        tls->broken = true;
        return -EPROTO;
    }
}

int stream_tls_handshake(struct stream_tls *tls, short *ret_wait)
{
    int r;

    begin_call(tls);
    r = SSL_do_handshake(tls->ssl);
    tls->secure = r == 1;
    if (r == 1)
        return 0;
    r = judge(tls, r, ret_wait);
    return r ? r : -EPROTO;
}

void stream_tls_judge(const struct stream_tls *tls, const struct tls_demand *demand, int failure,
                      struct tls_verdict *ret_verdict)
{
    tls_client_judge(tls->ssl, demand, failure, ret_verdict);
}

ssize_t stream_tls_read(struct stream_tls *tls, char *to, size_t size, short *ret_wait)
{
    size_t n = 0;
    int r;

    if (tls->broken || !tls->secure)
        return -EPROTO;
    begin_call(tls);
    r = SSL_read_ex(tls->ssl, to, size, &n);
    return r == 1 ? (ssize_t)n : judge(tls, r, ret_wait);
}

ssize_t stream_tls_write(struct stream_tls *tls, struct slice bytes, short *ret_wait)
{
    size_t n = 0;
    int r;

    if (tls->broken || !tls->secure)
        return -EPROTO;
    begin_call(tls);
    r = SSL_write_ex(tls->ssl, bytes.ptr, bytes.len, &n);
    if (r == 1)
        return (ssize_t)n;
    r = judge(tls, r, ret_wait);
    return r ? r : -EPIPE;
}

bool stream_tls_is_quiet(struct stream_tls *tls)
{
    size_t n = 0;
    short wait;
    char byte;
    int r;

    if (tls->broken || !tls->secure)
        return false;
    begin_call(tls);
    r = SSL_peek_ex(tls->ssl, &byte, 1, &n);
    return r != 1 && judge(tls, r, &wait) == -EAGAIN;
}

bool stream_tls_read_binding(struct stream_tls *tls, unsigned char out[TLS_BINDING_BYTES])
{
    if (tls->broken || !tls->secure)
        return false;
    begin_call(tls);
    return tls_binding_read(tls->ssl, out);
}

void stream_tls_free(struct stream_tls *tls)
{
    if (!tls)
        return;
    if (tls->secure && !tls->broken) {
        begin_call(tls);
        (void)SSL_shutdown(tls->ssl);
    }
    ERR_clear_error();
    SSL_free(tls->ssl);
    tls_client_unref(tls->client);
    free(tls);
}
