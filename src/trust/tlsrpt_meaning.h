/*
 * What the result types of RFC 8460 section 4.3 mean for the domain that they are reported to, and
 * what to do about them: for people. Pure.
 */
#ifndef NUNCIO_TRUST_TLSRPT_MEANING_H
#define NUNCIO_TRUST_TLSRPT_MEANING_H

#include "base/slice.h"

struct tlsrpt_meaning {
    const char *means, *remedy;
};
/* Never empty; a type that the RFC does not know has a meaning of its own. */
struct tlsrpt_meaning tlsrpt_meaning(struct slice result);

#endif
