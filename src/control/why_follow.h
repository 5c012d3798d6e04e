/*
 * `nuncio why --follow`: what happens from now on, as it is written down.
 */
#ifndef NUNCIO_CONTROL_WHY_FOLLOW_H
#define NUNCIO_CONTROL_WHY_FOLLOW_H

#include "control/why_find.h"

/* Until interrupted, or nobody reads our output. An exit code. `found` grows with what is new. */
int why_follow(struct why_place *place, const struct why_question *question,
               struct why_found *found, bool json);

#endif
