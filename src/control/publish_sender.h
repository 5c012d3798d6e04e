/*
 * What a domain publishes about who sends for it, judged by the evaluators that other servers'
 * checks go by: SPF for our own addresses, DKIM for our own keys, DMARC with its reports.
 */
#ifndef NUNCIO_CONTROL_PUBLISH_SENDER_H
#define NUNCIO_CONTROL_PUBLISH_SENDER_H

#include "control/publish.h"
#include "trust/names.h"

/* Each is called with the one text of its kind that was found. `names` must wait. */
struct publish_finding publish_sender_spf(const struct publish_site *site, struct slice text,
                                          const struct trust_names *names, struct arena *arena);
struct publish_finding publish_sender_dmarc(const struct publish_site *site, struct slice text,
                                            const struct trust_names *names, struct arena *arena);
/* There is no record of its own: does one above apply? False: none does. */
bool publish_sender_dmarc_above(const struct publish_site *site, const struct trust_names *names,
                                struct arena *arena, struct publish_finding *ret_finding);

/* The answer to the question for a key's record. */
struct publish_finding publish_sender_dkim(const struct publish_record *record,
                                           const struct dns_answer *answer, struct arena *arena);

#endif
