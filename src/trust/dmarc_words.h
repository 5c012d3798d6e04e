/* DMARC's reasons in words. Pure. */
#ifndef NUNCIO_TRUST_DMARC_WORDS_H
#define NUNCIO_TRUST_DMARC_WORDS_H

#include "trust/dmarc.h"

/* One sentence without a full stop: which identifiers were tried, and what each lacks. */
struct slice dmarc_words_failure(const struct dmarc_verdict *verdict,
                                 const struct dmarc_question *question, struct arena *arena);

#endif
