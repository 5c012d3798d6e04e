/*
 * Reading message text with pread(), so that any number of attempts can share a descriptor of the
 * same segment. A short read is damage or a wrong length, never the end of a message: what would
 * go out cut off must not go out at all.
 */
#include "relay/text.h"

#include "mail/headerscan.h"
#include "mail/reencode.h"

#include <errno.h>
#include <unistd.h>

void text_init(struct text *text, int fd, uint64_t offset, uint64_t length, char *chunk)
{
    *text = (struct text){.fd = fd, .offset = offset, .length = length, .chunk = chunk};
}

void text_done(struct text *text)
{
    buf_done(&text->reencoded);
}

void text_rewind(struct text *text, struct slice prefix, bool reencoded)
{
    text->prefix = prefix;
    text->use_reencoded = reencoded && text->reencoded.len;
    text->at = 0;
    text->prefix_given = prefix.len == 0;
}

static uint64_t source_length(const struct text *text)
{
    return text->use_reencoded ? text->reencoded.len : text->length;
}

uint64_t text_size(const struct text *text)
{
    return text->prefix.len + source_length(text);
}

static int read_at(const struct text *text, char *to, size_t len, uint64_t at)
{
    while (len) {
        ssize_t n = pread(text->fd, to, len, (off_t)(text->offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int text_next(struct text *text, struct slice *ret_piece)
{
    uint64_t left = source_length(text) - text->at;
    size_t len = left < TEXT_CHUNK ? (size_t)left : TEXT_CHUNK;
    struct slice piece = slice_from(text->chunk, len);

    if (!text->prefix_given) {
        text->prefix_given = true;
        *ret_piece = text->prefix;
        return 0;
    }
    if (text->use_reencoded) {
        piece.ptr = text->reencoded.ptr + text->at;
    } else {
        int r = read_at(text, text->chunk, len, text->at);
        if (r < 0)
            return r;
    }
    text->at += len;
    *ret_piece = piece;
    return 0;
}

bool text_at_end(const struct text *text)
{
    return text->prefix_given && text->at == source_length(text);
}

static bool has_eightbit(struct slice s)
{
    uint64_t word, all = 0;
    size_t i = 0;

    for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        all |= word;
    }
    for (; i < s.len; i++)
        all |= (unsigned char)s.ptr[i];
    return all & UINT64_C(0x8080808080808080);
}

int text_has_eightbit(struct text *text, bool *ret_has)
{
    struct slice piece;
    int r;

    text_rewind(text, SLICE_NULL, false);
    do {
        r = text_next(text, &piece);
        if (r < 0)
            return r;
    } while (piece.len && !has_eightbit(piece));
    *ret_has = piece.len > 0;
    return 0;
}

int text_has_eightbit_header(struct text *text, bool *ret_has)
{
    struct headerscan scan;
    struct slice piece;
    int r;

    headerscan_init(&scan);
    text_rewind(text, SLICE_NULL, false);
    do {
        r = text_next(text, &piece);
        if (r < 0)
            return r;
        headerscan_feed(&scan, piece);
    } while (piece.len && !scan.done);
    *ret_has = scan.eight_bit;
    return 0;
}

int text_reencode(struct text *text, size_t max)
{
    enum reencode_outcome outcome;
    char *whole;
    int r;

    if (text->reencoded.len)
        return 0;
    if (text->length > max)
        return REENCODE_TOO_LARGE;
    whole = xmalloc(text->length);
    r = read_at(text, whole, text->length, 0);
    if (r == 0) {
        buf_init(&text->reencoded, max);
        outcome = reencode_to_7bit(slice_from(whole, text->length), &text->reencoded);
        r = outcome > REENCODE_CHANGED ? (int)outcome : 0;
    }
    free(whole);
    return r;
}
