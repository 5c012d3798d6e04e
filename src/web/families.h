/*
 * Puts the metrics of several processes together: Prometheus's text format wants all samples of one
 * name in one group with one HELP and one TYPE.
 */
#ifndef NUNCIO_WEB_FAMILIES_H
#define NUNCIO_WEB_FAMILIES_H

#include "base/buf.h"

enum { FAMILIES_MAX = 500 };

/*
 * `text` is one exposition after another, as base/exposition.h writes them. Appends them grouped,
 * in the order in which the names came first. Lines before the first HELP, and families beyond
 * FAMILIES_MAX, are left out.
 */
void families_merge(struct buf *out, struct slice text);

#endif
