/*
 * The walk up the tree of names (RFC 9989 section 4.10), by which DMARC finds policy records and
 * organizational domains. Pure, see names.h.
 */
#ifndef NUNCIO_TRUST_DMARC_TREE_H
#define NUNCIO_TRUST_DMARC_TREE_H

#include "trust/dmarc.h"

enum { DMARC_QUERIES_MAX = 8 };

struct dmarc_found {
    struct slice domain; /* part of the tree's `start` */
    struct slice text;
    struct dmarc_record record;
};

struct dmarc_tree {
    struct slice start;                          /* lower case, no final dot */
    struct dmarc_found found[DMARC_QUERIES_MAX]; /* the longest name first */
    unsigned n_found;
    bool failed, start_failed; /* an answer could not be had: of any name, of the first */
    struct slice why;          /* of a failure, for people */
    struct slice organisation; /* section 4.10.2; empty after a failure */
};

/* `domain` in A-labels. 0, or -EAGAIN, with all questions under way. */
int dmarc_tree_walk(struct slice domain, const struct trust_names *names, struct arena *arena,
                    struct dmarc_tree *ret_tree);

/* The record that applies to the tree's start as an author domain (section 4.10.1), or NULL. */
const struct dmarc_found *dmarc_tree_policy(const struct dmarc_tree *tree);

/* Is `domain` the same as `above` or below it? Both in lower case. */
bool dmarc_is_within(struct slice domain, struct slice above);

/* In lower case, without a final dot. */
struct slice dmarc_plain_name(struct arena *arena, struct slice domain);

#endif
