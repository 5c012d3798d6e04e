/*
 * Reads DMARC aggregate reports of others: hostile XML, by expat, with bounds. Pure.
 *
 * Of RFC 9990 and of its predecessor RFC 7489, in any namespace or none, in any order; elements
 * that neither knows are passed over.
 */
#ifndef NUNCIO_TRUST_DMARC_REPORT_READ_H
#define NUNCIO_TRUST_DMARC_REPORT_READ_H

#include "base/arena.h"
#include "trust/dmarc_report.h"

enum {
    DMARC_READ_XML_MAX = 32 << 20,
    DMARC_READ_ROWS_MAX = 50000,
    DMARC_READ_COUNT_MAX = 1000000000, /* of a row: no sum of ours runs over */
    DMARC_READ_DEPTH_MAX = 32,
    DMARC_READ_ATTRIBUTES_MAX = 64,  /* of an element */
    DMARC_READ_TEXT_MAX = 1000,      /* of an element: the rest is left out */
    DMARC_READ_SIGNATURES_MAX = 100, /* of a row: likewise */
    DMARC_READ_REASONS_MAX = 20,     /* likewise */
};

/* Strings and arrays are the arena's. NULL when it is a report, else what is wrong with it, for
 * people. Rows without address or count are left out; without reporter, id, period, domain or any
 * row it says nothing. */
const char *dmarc_report_read(struct slice xml, struct arena *arena,
                              struct dmarc_report *ret_report);

#endif
