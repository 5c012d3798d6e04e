/*
 * The ARC Sets of a message (RFC 8617 section 4), gathered and read, before anything is verified.
 * Pure.
 */
#ifndef NUNCIO_TRUST_ARC_SETS_H
#define NUNCIO_TRUST_ARC_SETS_H

#include "trust/dkim_inside.h"

/* A field of a set. */
struct arc_field {
    unsigned number; /* in the header section, see dkim_fields_at() */
    struct slice raw;
    struct dkim_stamp *stamp; /* of a seal or signature */
};

struct arc_parts {
    struct arc_field seal, signature, results;
    struct slice payload; /* of `results`, behind "i=N;" */
};

struct arc_sets {
    struct arc_parts *list; /* by instance, the first at [0] */
    unsigned count;         /* 0 with no problem: there is no ARC */
    struct slice problem; /* of their structure (section 5.2 steps 1 to 3), for people; or empty */
};

/* `fields` outlive the sets. */
void arc_sets_gather(const struct dkim_fields *fields, struct arena *arena,
                     struct arc_sets *ret_sets);

#endif
