/*
 * The domains in From, as DMARC asks about them (RFC 9989 section 4.7 and 5.1): of all mailboxes of
 * all From fields. Pure.
 *
 * Unlike mail/author.h, which judges what one's own users may write, an address in a display name
 * is no author here: mailing lists put their members' there.
 */
#ifndef NUNCIO_TRUST_AUTHORS_H
#define NUNCIO_TRUST_AUTHORS_H

#include "base/arena.h"

/* One more than DMARC judges, so that it can tell. */
enum { TRUST_AUTHORS_MAX = 21 };

struct trust_authors {
    struct slice list[TRUST_AUTHORS_MAX]; /* no two the same; as they stand, from the arena */
    unsigned count;
};

/* `header` is a header section, folded as it is. Of a field that the grammar cannot read, whatever
 * stands behind an "@" is taken. */
void trust_authors_read(struct slice header, struct arena *arena,
                        struct trust_authors *ret_authors);

#endif
