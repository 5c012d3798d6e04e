/*
 * Takes Authentication-Results fields that claim to be ours out of a header section while it goes
 * by (RFC 8601 section 5): whoever reads the message believes them. All of them go, wherever they
 * stand and however they are folded. What may be one is held back until its last line has come;
 * everything else goes straight through.
 */
#ifndef NUNCIO_RECEIVE_FORGED_H
#define NUNCIO_RECEIVE_FORGED_H

#include "base/buf.h"

struct forged_options {
    struct slice authserv_id;
    size_t max; /* bytes of a header section at most */
    void (*keep)(void *arg, struct slice piece);
    void *keep_arg;
    void (*removed)(void *arg, struct slice value); /* of a field that goes */
    void *removed_arg;
};

struct forged {
    struct forged_options options;
    struct buf held;
    size_t value_at; /* in it: behind the colon */
    int state;
};

void forged_init(struct forged *forged, const struct forged_options *options);
void forged_done(struct forged *forged);
/* The next piece of the header section, of any size. */
void forged_feed(struct forged *forged, struct slice piece);
/* The header section ends here: what is held back is judged. */
void forged_end(struct forged *forged);

#endif
