/*
 * A verifier's parts, for the files that make it up: dkim_verifier.c and dkim_judge.c. Others
 * include dkim.h, ARC dkim_inside.h.
 */
#ifndef NUNCIO_TRUST_DKIM_VERIFIER_H
#define NUNCIO_TRUST_DKIM_VERIFIER_H

#include "trust/dkim_body.h"
#include "trust/dkim_inside.h"
#include "trust/dkim_section.h"

/* A DKIM-Signature field that is looked at. */
struct dkim_found {
    struct dkim_stamp stamp;
    unsigned field;
};

struct dkim_verifier {
    struct dkim_section section;
    struct dkim_fields *fields; /* when the section is whole; NULL when it was too large */
    struct dkim_body *body;
    struct arena arena;       /* what follows is of it */
    struct dkim_found *found; /* the first DKIM_SIGNATURES_MAX, when the section is whole */
    unsigned n_signatures;    /* DKIM-Signature fields, those that are not looked at too */
};

/* False: a field of this name carries no signature. */
bool dkim_form_of(struct slice name, enum dkim_form *ret_form);

#endif
