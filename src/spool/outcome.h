/*
 * The stored form of an outcome, and several outcomes of one message made into one.
 */
#ifndef NUNCIO_SPOOL_OUTCOME_H
#define NUNCIO_SPOOL_OUTCOME_H

#include "spool/spool.h"

/* Appends; fails by the buffer's overflow alone. The id is not part of it. */
void outcome_encode(struct buf *out, const struct outcome *outcome);
/* Strings point into input, arrays are from the arena. -EBADMSG. */
int outcome_decode(struct slice input, struct arena *arena, struct outcome *ret_outcome);
/* Whether the message is finished, without decoding the rest. */
bool outcome_is_finished(struct slice input);
/* False: it keeps no signature. Likewise without decoding. */
bool outcome_may_be_signed(struct slice input);

/* The state of one message, grown outcome by outcome. Everything is copied to the arena. */
struct outcome_state {
    struct outcome_recipient *recipients; /* by index, ascending */
    uint32_t n_recipients, room_recipients;
    struct recipient *added;
    uint32_t n_added, room_added, first_added;
    struct slice signature;
};
void outcome_merge(struct outcome_state *state, struct arena *arena, const struct outcome *outcome);

#endif
