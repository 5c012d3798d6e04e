/*
 * What concerns a question but is no message's and no session's: that an account was frozen, an
 * address blocked, a server's policy could not be had. And gaps: events that the history lacks.
 */
#ifndef NUNCIO_CONTROL_WHY_BESIDE_H
#define NUNCIO_CONTROL_WHY_BESIDE_H

#include "control/why_find.h"

/* Prints what there is, under a heading, or as JSON. How much that was, gaps not counted, goes to
 * *ret_count. 0, or -errno of the archive. */
int why_beside_print(struct why_place *place, const struct why_question *question,
                     const struct why_found *found, bool json, size_t *ret_count);

#endif
