/*
 * The MIME structure of a message in memory (RFC 2045, 2046), as offsets into it; nothing is
 * decoded or copied but parameter values.
 *
 * Lenient as readers of mail must be: a multipart without a boundary or without a closing delimiter
 * is still one; the caller sees it by flags. Depth and number of parts are bounded, work is linear
 * in the message (times the depth for lines that begin with "--").
 */
#ifndef NUNCIO_MAIL_MIME_H
#define NUNCIO_MAIL_MIME_H

#include "base/arena.h"

enum { MIME_DEPTH_MAX = 30, MIME_PARTS_MAX = 10000, MIME_BOUNDARY_MAX = 200 };

enum mime_encoding {
    MIME_7BIT, /* also when there is no such field */
    MIME_8BIT,
    MIME_BINARY,
    MIME_QUOTED_PRINTABLE,
    MIME_BASE64,
    MIME_UNKNOWN, /* an x-token: the bytes are not ours to touch */
};

enum mime_kind {
    MIME_LEAF,
    MIME_MULTIPART, /* with a usable boundary */
    MIME_MESSAGE,   /* message/rfc822, not itself encoded: its one child is the message inside */
};

#define MIME_NO_PART UINT32_MAX

struct mime_part {
    enum mime_kind kind;
    enum mime_encoding encoding;
    struct slice type;     /* "text" for "text/plain", as given; "text" by default */
    struct slice subtype;  /* "plain"; "rfc822" by default within multipart/digest */
    struct slice boundary; /* of a multipart */
    struct slice charset;  /* unquoted; empty when not given */
    size_t start;          /* offset of the part's header section in the message */
    size_t body;           /* offset of its body, behind the empty line */
    size_t end;            /* offset behind its last byte; the line end before a delimiter is not
                              the part's but the delimiter's */
    uint32_t parent;       /* index, MIME_NO_PART for the message itself */
    uint32_t depth;
    bool unterminated; /* a multipart whose closing delimiter is missing */
};

/* In the order of the message: each parent before its children. parts[0] is the message. */
struct mime_tree {
    struct mime_part *parts;
    uint32_t n;
};

enum mime_error { MIME_TOO_DEEP = 1, MIME_TOO_MANY };

/* 0 or enum mime_error. Memory is the arena's. */
int mime_parse(struct slice message, struct arena *arena, struct mime_tree *ret_tree);

/* "type/subtype" and the parameters of a Content-Type or Content-Disposition value. */
struct mime_type {
    struct slice type;
    struct slice subtype;
    struct slice params; /* behind the first ";" */
};
bool mime_parse_type(struct slice value, struct mime_type *ret_type);
/* The value of a parameter, unquoted (RFC 2231 continuations are not put together). */
bool mime_param(struct arena *arena, struct slice params, struct slice name,
                struct slice *ret_value);
/* All of them, one after the other: cuts the first off *params, false when there is none left. What
 * is no "name=value" has an empty name. */
struct mime_param_text {
    struct slice name;
    struct slice value; /* as it stands, with its quotes */
};
bool mime_next_param(struct slice *params, struct mime_param_text *ret_param);
/* A Content-Transfer-Encoding value. */
enum mime_encoding mime_parse_encoding(struct slice value);
bool mime_type_is(const struct mime_part *part, const char *type, const char *subtype);

#endif
