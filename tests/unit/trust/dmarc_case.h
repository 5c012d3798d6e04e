/*
 * A message in a few words, for tests of DMARC: "pass example.com" is SPF's verdict, and one such
 * pair for each signature, parted by ";". Verdicts come back as one line.
 */
#ifndef NUNCIO_TESTS_TRUST_DMARC_CASE_H
#define NUNCIO_TESTS_TRUST_DMARC_CASE_H

#include "trust/dmarc.h"

struct dmarc_case {
    struct spf_verdict spf;
    struct dkim_signature signatures[DKIM_SIGNATURES_MAX];
    struct dkim_verdict dkim;
    struct slice authors[DMARC_AUTHORS_MAX + 1];
    struct dmarc_question question;
};

/* `authors` are parted by blanks. */
void dmarc_case_make(struct dmarc_case *made, const char *authors, const char *spf,
                     const char *dkim);

/* "fail reject by p, record at example.com, organization example.com, spf, dkim"; or
 * "permerror, who is unclear" */
struct slice dmarc_case_line(const struct dmarc_verdict *verdict, struct arena *arena);

#endif
