/* Terms of an SPF record: directives and modifiers (RFC 7208 sections 4.6.1, 5, 6, 12). */
#ifndef NUNCIO_TRUST_SPF_TERM_H
#define NUNCIO_TRUST_SPF_TERM_H

#include "trust/spf.h"

enum spf_kind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_EXISTS,
    SPF_IP4,
    SPF_IP6,
    SPF_REDIRECT,
    SPF_EXP,
    SPF_OTHER, /* an unknown modifier, which does nothing */
};

struct spf_term {
    enum spf_kind kind;
    enum spf_result qualifier; /* of a mechanism: pass, fail, softfail, neutral */
    struct slice text;         /* as it stands */
    struct slice spec;         /* domain-spec, macros and all; empty: the current domain */
    uint8_t bytes[16];         /* SPF_IP4, SPF_IP6: the network */
    uint8_t prefix4, prefix6;  /* of A, MX both, of the networks theirs */
};

/* NULL, or what is wrong with it, static, for people. */
const char *spf_term_read(struct slice text, struct spf_term *ret_term);

/* "v=spf1" and a blank or nothing (section 4.5). */
bool spf_record_is(struct slice text);

/* Terms of a record one after the other: false at its end. `rest` begins as the whole record. */
void spf_terms_begin(struct slice record, struct slice *ret_rest);
bool spf_terms_next(struct slice *rest, struct slice *ret_text);

/* The modifiers that do something: domain-specs, empty when they are not there. */
struct spf_modifiers {
    struct slice redirect_text, redirect, exp;
};

/* All of it: each term, and that modifiers stand there once at most. NULL, or what is wrong, and
 * in which term. */
const char *spf_record_check(struct slice record, struct slice *ret_term,
                             struct spf_modifiers *ret_modifiers);

#endif
