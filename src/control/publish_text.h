/*
 * TXT records of a domain about its mail, as far as: is there exactly one, and does it say what it
 * must? What others make of SPF and DMARC is in publish_sender.h. Pure.
 */
#ifndef NUNCIO_CONTROL_PUBLISH_TEXT_H
#define NUNCIO_CONTROL_PUBLISH_TEXT_H

#include "control/publish.h"

/* The texts among the answer's records that begin with "v=spf1", "v=DMARC1", "v=STSv1" or
 * "v=TLSRPTv1", followed by a blank, a semicolon or nothing. The first into *ret_text. */
unsigned publish_text_count(const struct dns_answer *answer, struct slice version,
                            struct arena *arena, struct slice *ret_text);

struct publish_finding publish_text_dmarc(struct slice text, struct arena *arena);
struct publish_finding publish_text_sts(struct slice text, struct arena *arena);
struct publish_finding publish_text_tls_rpt(struct slice text, struct arena *arena);

#endif
