/*
 * Body hashes. See dkim_body.h.
 *
 * Each canonicalisation has one running SHA-256 and the lengths at which somebody wants to know it,
 * in ascending order. When the text reaches one of them the state is copied and finished, so
 * sixty signatures with sixty different l= cost sixty copies of a hundred bytes, not sixty times
 * the body. Behind the last length nothing is hashed any more, only counted.
 */
#include "trust/dkim_body.h"

#include "trust/dkim.h"
#include "trust/dkim_hash.h"

#include <openssl/evp.h>

#include <string.h>

struct wanted {
    uint64_t length;
    uint8_t digest[DKIM_HASH];
};

struct stream {
    EVP_MD_CTX *hash; /* NULL: nothing is wanted */
    EVP_MD_CTX *spare;
    struct dkim_canon_body *canon;
    uint64_t hashed;
    struct wanted wanted[DKIM_BODY_HASHES_MAX]; /* by length, DKIM_WHOLE last */
    unsigned n_wanted, n_done;
};

struct dkim_body {
    struct stream streams[2]; /* by enum dkim_canon */
    unsigned n_wanted;        /* of both */
};

struct dkim_body *dkim_body_new(void)
{
    return xcalloc(1, sizeof(struct dkim_body));
}

void dkim_body_free(struct dkim_body *body)
{
    for (size_t i = 0; body && i < 2; i++) {
        EVP_MD_CTX_free(body->streams[i].hash);
        EVP_MD_CTX_free(body->streams[i].spare);
        free(body->streams[i].canon);
    }
    free(body);
}

/* Finishes the digests of the length that was reached. */
static void settle(struct stream *stream, uint64_t length)
{
    while (stream->n_done < stream->n_wanted && stream->wanted[stream->n_done].length == length)
        dkim_hash_peek(stream->hash, stream->spare, stream->wanted[stream->n_done++].digest);
}

static void take(void *arg, struct slice text)
{
    struct stream *stream = arg;

    while (text.len && stream->n_done < stream->n_wanted) {
        uint64_t room = stream->wanted[stream->n_done].length - stream->hashed;
        size_t n = text.len < room ? text.len : (size_t)room;
        dkim_hash_add(stream->hash, slice_sub(text, 0, n));
        stream->hashed += n;
        text = slice_skip(text, n);
        settle(stream, stream->hashed);
    }
}

static void start(struct stream *stream, enum dkim_canon canon)
{
    stream->hash = dkim_hash_new();
    stream->spare = dkim_hash_new();
    stream->canon = xmalloc(sizeof(*stream->canon));
    dkim_canon_body_init(stream->canon, canon, take, stream);
}

bool dkim_body_want(struct dkim_body *body, enum dkim_canon canon, uint64_t length)
{
    struct stream *stream = &body->streams[canon];
    unsigned at = 0;

    while (at < stream->n_wanted && stream->wanted[at].length < length)
        at++;
    if (at < stream->n_wanted && stream->wanted[at].length == length)
        return true;
    if (body->n_wanted == DKIM_BODY_HASHES_MAX)
        return false;
    if (!stream->hash)
        start(stream, canon);
    memmove(&stream->wanted[at + 1], &stream->wanted[at],
            (stream->n_wanted - at) * sizeof(stream->wanted[0]));
    stream->wanted[at].length = length;
    stream->n_wanted++;
    body->n_wanted++;
    return true;
}

void dkim_body_feed(struct dkim_body *body, struct slice piece)
{
    for (size_t i = 0; i < 2; i++) {
        struct stream *stream = &body->streams[i];
        if (!stream->hash)
            continue;
        settle(stream, 0);
        dkim_canon_body_feed(stream->canon, piece);
    }
}

void dkim_body_end(struct dkim_body *body)
{
    for (size_t i = 0; i < 2; i++) {
        struct stream *stream = &body->streams[i];
        if (!stream->hash)
            continue;
        settle(stream, 0);
        dkim_canon_body_end(stream->canon);
        if (stream->n_done < stream->n_wanted &&
            stream->wanted[stream->n_wanted - 1].length == DKIM_WHOLE)
            dkim_hash_peek(stream->hash, stream->spare,
                           stream->wanted[stream->n_wanted - 1].digest);
    }
}

const uint8_t *dkim_body_hash(const struct dkim_body *body, enum dkim_canon canon, uint64_t length)
{
    const struct stream *stream = &body->streams[canon];

    for (unsigned i = 0; i < stream->n_wanted; i++) {
        if (stream->wanted[i].length == length)
            return length == DKIM_WHOLE || i < stream->n_done ? stream->wanted[i].digest : NULL;
    }
    return NULL;
}

uint64_t dkim_body_size(const struct dkim_body *body, enum dkim_canon canon)
{
    const struct stream *stream = &body->streams[canon];

    return stream->canon ? stream->canon->size : 0;
}
