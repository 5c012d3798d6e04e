/* What the checks of a sender found (SPF, DKIM, DMARC, ARC, iprev, HELO), in words. */
#ifndef NUNCIO_CONTROL_WHY_WORDS_CHECKS_H
#define NUNCIO_CONTROL_WHY_WORDS_CHECKS_H

#include "base/buf.h"
#include "history/event.h"

/* False: it is no event of theirs. */
bool why_words_checks(struct buf *out, const struct event *event);

#endif
