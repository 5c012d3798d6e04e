/*
 * Who a message says it is from: the fields From and Sender (RFC 5322 section 3.6.2), read with
 * distrust. Whoever signs in at a submission server may write in his own name only (RFC 6409
 * section 6.1); so what counts is not what the grammar says alone, but what any reader could take
 * for an author: addresses in display names, comments and encoded words are claims as well.
 */
#ifndef NUNCIO_MAIL_AUTHOR_H
#define NUNCIO_MAIL_AUTHOR_H

#include "mail/address.h"

enum { AUTHORS_MAX = 20 };

struct author_claims {
    struct slice list[AUTHORS_MAX]; /* mailboxes, no two the same; from the arena or the header */
    uint32_t count;                 /* 0: there is no such field */
};

struct author {
    struct author_claims from, sender;
};

enum author_error {
    AUTHOR_OK = 0,
    AUTHOR_TWICE,      /* From or Sender is there twice: readers differ in which they show */
    AUTHOR_UNREADABLE, /* no list of addresses */
    AUTHOR_NOBODY,     /* a list without an address */
    AUTHOR_TOO_MANY,   /* above AUTHORS_MAX, or more than one Sender */
    AUTHOR_DISGUISED,  /* made to be read in different ways: control bytes, changes of direction,
                          pieces of addresses, a line that is nearly a From field */
};

/* `header` is a header section, folded as it is. */
enum author_error author_read(struct slice header, struct arena *arena, struct author *ret_author);
/* "there are two From fields": for people. */
const char *author_error_text(enum author_error error);

#endif
