/*
 * Address lists of header fields (RFC 5322 section 3.4 with the obsolete forms of section 4.4,
 * UTF-8 as in RFC 6532): To, Cc, Bcc, From, Reply-To.
 *
 *     "Joe Q. Public" <john.q.public@example.com>, Mary (from home) <mary@x.test>, joe
 *     A Group: Chris Jones <c@a.test>, joe@where.test;
 *
 * Comments and folding fall away, route addresses lose their route, blanks around dots and "@"
 * are taken out, quoted local parts stay quoted. The number of addresses and the depth of comments
 * are bounded; the work is linear in the input.
 */
#ifndef NUNCIO_MAIL_ADDRLIST_H
#define NUNCIO_MAIL_ADDRLIST_H

#include "mail/address.h"

enum { ADDRLIST_MAX = 20000, ADDRLIST_COMMENT_DEPTH = 32 };

struct addrlist_entry {
    struct slice mailbox; /* local-part@domain, valid by address_parse_mailbox() */
    struct slice name;    /* display name without quotes, blanks folded; empty when there is none */
    size_t start;         /* where the entry stands in the input: first byte, */
    size_t end;           /* and the one after its last */
};

struct addrlist {
    struct addrlist_entry *entries;
    size_t n;
};

/*
 * `value` is the body of a field (folded or not) or a command-line argument. Flags are those of
 * address_parse_mailbox(). All or nothing: one bad address fails the list, with its
 * offset. An empty list (n = 0) is good, as in "undisclosed-recipients:;". Memory is the arena's.
 */
struct address_result addrlist_parse(struct slice value, unsigned flags, struct arena *arena,
                                     struct addrlist *ret_list);

#endif
