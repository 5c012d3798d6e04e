/*
 * Who a proxy says the client is: the PROXY protocol, versions 1 and 2 (of HAProxy), and Postfix's
 * XCLIENT command. Whether the proxy may say so is the caller's to decide.
 */
#ifndef NUNCIO_SMTP_PEER_H
#define NUNCIO_SMTP_PEER_H

#include "base/arena.h"
#include "smtp/reply.h"

enum smtp_family { SMTP_FAMILY_NONE, SMTP_FAMILY_IPV4, SMTP_FAMILY_IPV6 };

struct smtp_endpoint {
    enum smtp_family family;
    uint8_t address[16]; /* the first 4 for IPv4; network order */
    uint16_t port;
};

enum smtp_proxy {
    SMTP_PROXY_DONE = 0, /* *ret_used bytes were the header */
    SMTP_PROXY_MORE,     /* what came may be the beginning of one */
    SMTP_PROXY_BAD,
};

/* No header is longer: version 1 has 107 octets at most, version 2 is bounded here. */
enum { SMTP_PROXY_MAX = 4096 };

/* *ret_client has family NONE for LOCAL and UNKNOWN: the connection is the proxy's own. */
enum smtp_proxy smtp_proxy_parse(struct slice input, size_t *ret_used,
                                 struct smtp_endpoint *ret_client);

/* What an XCLIENT command changes. Slices are decoded xtext in the arena; NULL: not given; empty:
 * [UNAVAILABLE] or [TEMPUNAVAIL]. */
struct smtp_xclient {
    bool has_address;
    struct smtp_endpoint address; /* family NONE: unavailable */
    struct slice name;
    struct slice helo;
    struct slice proto;
    struct slice login;
};

#define SMTP_XCLIENT_ATTRIBUTES "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"

/* As the parsers of smtp/param.h. */
struct smtp_reply smtp_xclient_parse(struct slice argument, struct arena *arena,
                                     struct smtp_xclient *ret_xclient);

#endif
