/*
 * A BIO method of our own, since OpenSSL's writes with write(2). See tls_bio.h.
 */
#include "io/tls_bio.h"

#include "base/buf.h"

#include <errno.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls_bio {
    int fd;
    bool ended;
    size_t budget;
    char *already; /* NULL: used up */
    struct slice rest;
};

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static size_t read_already(struct tls_bio *state, char *to, size_t size)
{
    size_t n = state->rest.len < size ? state->rest.len : size;

    memcpy(to, state->rest.ptr, n);
    state->rest = slice_skip(state->rest, n);
    if (state->rest.len == 0) {
        free(state->already);
        state->already = NULL;
    }
    return n;
}

static int bio_read(BIO *bio, char *to, size_t size, size_t *ret_n)
{
    struct tls_bio *state = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    *ret_n = 0;
    if (state->already) {
        *ret_n = read_already(state, to, size);
        return 1;
    }
    if (state->budget == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    do
        n = recv(state->fd, to, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    state->ended = n == 0;
    if (n < 0 && errno == EWOULDBLOCK)
        BIO_set_retry_read(bio);
    if (n <= 0)
        return 0;
    state->budget -= (size_t)n < state->budget ? (size_t)n : state->budget;
    *ret_n = (size_t)n;
    return 1;
}

static int bio_write(BIO *bio, const char *from, size_t size, size_t *ret_n)
{
    struct tls_bio *state = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    do
        n = send(state->fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EWOULDBLOCK)
        BIO_set_retry_write(bio);
    *ret_n = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_bio *state = BIO_get_data(bio);

    (void)number, (void)pointer;
    if (command == BIO_CTRL_EOF)
        return state->ended;
    return command == BIO_CTRL_FLUSH;
}

static int bio_destroy(BIO *bio)
{
    struct tls_bio *state = BIO_get_data(bio);

    if (state)
        free(state->already);
    free(state);
    return 1;
}

static void make_method(void)
{
    int type = BIO_get_new_index();

    method = type < 0 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "session");
    if (!method)
        return;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    BIO_meth_set_destroy(method, bio_destroy);
}

BIO *tls_bio_new(int fd, struct slice already)
{
    struct tls_bio *state;
    BIO *bio;

    pthread_once(&method_once, make_method);
    bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return NULL;
    state = xcalloc(1, sizeof(*state));
    state->fd = fd;
    if (already.len) {
        state->already = xslicedup(already);
        state->rest = slice_from(state->already, already.len);
    }
    BIO_set_data(bio, state);
    BIO_set_init(bio, 1);
    return bio;
}

void tls_bio_begin(BIO *bio)
{
    struct tls_bio *state = BIO_get_data(bio);

    state->budget = TLS_BIO_BUDGET;
}
