/* What libunbound answers in our words, for unbound.c. */
#ifndef NUNCIO_DNS_UNBOUND_ANSWER_H
#define NUNCIO_DNS_UNBOUND_ANSWER_H

#include "dns/dns.h"

#include <unbound.h>

/* `result` may be NULL, with an `error`. What is returned points into `result` and the arena. */
struct dns_answer unbound_answer(int error, const struct ub_result *result, const char *name,
                                 struct arena *arena);

#endif
