/*
 * SPF (RFC 7208): may this client send in the name of that domain? Pure, see names.h.
 *
 * Bounds: 10 mechanisms and modifiers that ask the DNS, 2 void lookups, 10 MX and PTR names, the
 * length of names and of every expansion; recursion is bounded by the first of them.
 */
#ifndef NUNCIO_TRUST_SPF_H
#define NUNCIO_TRUST_SPF_H

#include "trust/names.h"

/* Section 2.6. */
enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
};
const char *spf_result_name(enum spf_result result); /* "softfail" */

enum spf_identity { SPF_MAILFROM, SPF_HELO };

struct spf_question {
    enum spf_identity identity;
    struct trust_ip client;
    struct slice helo;     /* as the client said it */
    struct slice sender;   /* reverse-path without brackets; empty, or with SPF_HELO:
                              postmaster@HELO (section 2.4) */
    struct slice receiver; /* our host name, for %{r} */
    int64_t seconds;       /* wall time, for %{t} */
};

/* Strings are from the arena or the question. */
struct spf_verdict {
    enum spf_result result;
    enum spf_identity identity;
    struct slice domain;      /* that was judged, in A-labels */
    struct slice term;        /* the mechanism that decided, as it stands: "-all",
                                 "include:_spf.example.net"; or empty */
    struct slice record;      /* the domain's record, or empty */
    struct slice explanation; /* SPF_FAIL: exp= expanded, printable ASCII (section 6.2); or empty */
    struct slice problem;     /* SPF_PERMERROR, SPF_TEMPERROR, and what made it none: what is wrong,
                                 and in whose record, for people */
    unsigned lookups, void_lookups;
};

/* check_host() of section 4 with its initial processing. 0, or -EAGAIN. */
int spf_check(const struct spf_question *question, const struct trust_names *names,
              struct arena *arena, struct spf_verdict *ret_verdict);

#endif
