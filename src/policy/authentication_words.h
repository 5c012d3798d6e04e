/* The reply and the reason of a decision, for authentication.c alone. */
#ifndef NUNCIO_POLICY_AUTHENTICATION_WORDS_H
#define NUNCIO_POLICY_AUTHENTICATION_WORDS_H

#include "policy/authentication.h"

/* Fills in code, status and text by action and check. */
void authentication_words(const struct trust_verdicts *verdicts, struct arena *arena,
                          struct authentication *result);

#endif
