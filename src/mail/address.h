/*
 * Mailboxes and paths as SMTP knows them (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
 *
 *     <joe@example.org>  <"joe smith"@[192.0.2.1]>  <@a.example,@b.example:joe@c.example>  <>
 *     <postmaster>  <用户@例子.example>
 *
 * All slices point into the input. Nothing is changed: local parts keep their case and their
 * quotes, domains their letters. What is to be compared or looked up goes through address_key(),
 * address_domain_to_ascii() or address_eq().
 */
#ifndef NUNCIO_MAIL_ADDRESS_H
#define NUNCIO_MAIL_ADDRESS_H

#include "base/arena.h"

/* RFC 5321 section 4.5.3.1, in octets; the path counts its angle brackets. */
enum { ADDRESS_LOCAL_MAX = 64, ADDRESS_DOMAIN_MAX = 255, ADDRESS_PATH_MAX = 256 };

enum address_kind {
    ADDRESS_NULL,       /* <>: no local part, no domain */
    ADDRESS_POSTMASTER, /* <postmaster> in any case, without a domain */
    ADDRESS_LOCAL,      /* a local part alone, which ADDRESS_UNQUALIFIED allows */
    ADDRESS_DOMAIN,     /* local-part@domain */
    ADDRESS_IPV4,       /* local-part@[192.0.2.1] */
    ADDRESS_IPV6,       /* local-part@[IPv6:2001:db8::1] */
    ADDRESS_GENERAL,    /* local-part@[tag:content]; well-formed, but we know no such tag */
};

struct address {
    enum address_kind kind;
    struct slice mailbox; /* local-part@domain without source route; empty for <> */
    struct slice local;   /* as given, quotes included */
    struct slice domain;  /* as given, with the brackets of a literal; empty when there is none */
    bool utf8;            /* a byte above 127 somewhere in the mailbox */
    bool source_route;    /* one was there, and is not part of `mailbox` */
};

enum address_flags {
    ADDRESS_UTF8 = 1,            /* SMTPUTF8 was given: UTF-8 in local part and domain */
    ADDRESS_ALLOW_NULL = 2,      /* <> as in MAIL FROM */
    ADDRESS_BARE_POSTMASTER = 4, /* <postmaster> as in RCPT TO */
    ADDRESS_UNQUALIFIED = 8,     /* "joe", as sendmail(1) takes it; the caller adds a domain */
};

enum address_error {
    ADDRESS_OK = 0,
    ADDRESS_NO_OPENING,     /* the path does not begin with "<" */
    ADDRESS_NO_CLOSING,     /* ">" is missing, or something else stands where it belongs */
    ADDRESS_EMPTY,          /* <> where it is not allowed */
    ADDRESS_BAD_ROUTE,      /* source route */
    ADDRESS_BAD_LOCAL,      /* a byte that may not stand in a local part, an empty one, or dots */
    ADDRESS_BAD_QUOTED,     /* a quoted local part that does not end or has a bad byte */
    ADDRESS_NO_DOMAIN,      /* no "@domain" */
    ADDRESS_BAD_DOMAIN,     /* an empty label, a hyphen at its end, a bad byte, not IDNA;
                               underscores are taken, since there are such hosts */
    ADDRESS_BAD_LITERAL,    /* [...] that is no address */
    ADDRESS_LONG_LOCAL,     /* above ADDRESS_LOCAL_MAX, and no address_is_srs() */
    ADDRESS_LONG_DOMAIN,    /* above ADDRESS_DOMAIN_MAX, or a label above 63 octets */
    ADDRESS_LONG_PATH,      /* above ADDRESS_PATH_MAX, without a source route */
    ADDRESS_UTF8_FORBIDDEN, /* a byte above 127 without ADDRESS_UTF8 */
    ADDRESS_BAD_UTF8,       /* not UTF-8 */
    ADDRESS_TOO_MANY,       /* address lists only: more than the bound */
    ADDRESS_BAD_LIST,       /* address lists only: the list's own syntax */
};

/* How a parse ended, and where: at the offending byte, or after the last one taken. */
struct address_result {
    enum address_error error;
    size_t at;
};

/* "the domain has an empty label": for replies and for people. */
const char *address_error_text(enum address_error error);

/*
 * The path at the beginning of `input`, "<" to ">"; what follows is for the caller (at `at`).
 * A source route is recognised and left out (RFC 5321 appendix C). *ret_address is set when
 * error is ADDRESS_OK.
 */
struct address_result address_parse_path(struct slice input, unsigned flags,
                                         struct address *ret_address);

/* `input` as a whole is a mailbox without brackets. With ADDRESS_BARE_POSTMASTER also that. */
struct address_result address_parse_mailbox(struct slice input, unsigned flags,
                                            struct address *ret_address);

/* The two sides of a mailbox that was parsed before; the domain is empty when there is none. */
struct slice address_local(struct slice mailbox);
struct slice address_domain(struct slice mailbox);

bool address_is_ascii(struct slice text);

/* Whether it begins as the Sender Rewriting Scheme writes it, quoted or not: SRS0 or SRS1 with '=',
 * '+' or '-'. Such a local part holds another address, and may be longer than others. */
bool address_is_srs(struct slice local);

/* The local part's meaning: without quotes and backslashes, case kept ("j.d" and j.d are one). */
struct slice address_local_unquote(struct arena *arena, struct slice local);
/* The other way: in quotes if it needs them. */
struct slice address_local_quote(struct arena *arena, struct slice unquoted);

/*
 * The domain as DNS wants it: A-labels, lower case (IDNA 2008 with UTS 46 mapping). A literal is
 * only lower-cased. -EINVAL when it is not a domain name.
 */
int address_domain_to_ascii(struct arena *arena, struct slice domain, struct slice *ret_ascii);

/*
 * The form under which equal mailboxes are equal bytes: local part unquoted and in ASCII lower
 * case, "@", domain by address_domain_to_ascii() (or, failing that, in ASCII lower case).
 */
struct slice address_key(struct arena *arena, struct slice mailbox);
bool address_eq(struct slice a, struct slice b);
/* The domains alone, by the same rule. */
bool address_domain_eq(struct slice a, struct slice b);

/*
 * user+tag: *ret_user is what comes before the first separator, *ret_tag what comes after. False
 * (and outputs untouched) when there is none or nothing before it. Takes an unquoted local part.
 */
bool address_split_tag(struct slice local, char separator, struct slice *ret_user,
                       struct slice *ret_tag);

#endif
