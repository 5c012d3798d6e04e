/* Macros in SPF records and explanations (RFC 7208 section 7): their grammar and expansion. */
#ifndef NUNCIO_TRUST_SPF_MACRO_H
#define NUNCIO_TRUST_SPF_MACRO_H

#include "base/slice.h"

/* NULL, or what is wrong with it, static, for people. */
const char *
spf_domain_spec_check(struct slice text); /* domain-spec: letters c, r, t are not in it */
const char *spf_macro_string_check(struct slice text);   /* macro-string, all letters */
const char *spf_explain_string_check(struct slice text); /* explain-string: blanks, too */

/* What a letter stands for, in lower case (one of "slodipvhcrt"). 0, or whatever ends the
 * expansion. */
typedef int spf_macro_value(void *arg, char letter, struct slice *ret_value);

/* Room for an expansion. Of a name the end is kept, as much as a name needs: an expansion that is
 * too long loses labels at its left side (section 7.3). An explanation that is too long is none. */
enum { SPF_EXPANSION_MAX = 2048, SPF_NAME_MAX = 253 };
struct spf_expansion {
    char bytes[SPF_EXPANSION_MAX];
    size_t len;
    bool overflow; /* of a name too: an expansion that no honest record has */
    bool is_name;
    size_t total;
};

/* The text must have passed its check. Both return 0 or what `value` returned. */
int spf_expand_name(struct slice text, spf_macro_value *value, void *arg,
                    struct spf_expansion *room, struct slice *ret_name);
/* Printable ASCII: what is not comes out as "?". */
int spf_expand_text(struct slice text, spf_macro_value *value, void *arg,
                    struct spf_expansion *room, struct slice *ret_text);

#endif
