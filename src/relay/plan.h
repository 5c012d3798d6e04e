/*
 * How a message goes to a server that offers this and not that: which extensions are used, whether
 * the text has to be re-encoded first, and who cannot be served at all (RFC 6152 section 3, RFC
 * 6531 section 3.2, RFC 1870 section 6.2).
 */
#ifndef NUNCIO_RELAY_PLAN_H
#define NUNCIO_RELAY_PLAN_H

#include "relay/outcome.h"
#include "relay/text.h"
#include "smtp/ehlo_parse.h"

struct plan {
    bool reencoded; /* send the text's 7-bit form */
    bool body_8bitmime;
    bool smtputf8;
};

/*
 * Decides in `outcome` those recipients that this server cannot serve; if all, the plan is of no
 * use. `server` is its name for people; `max` bounds the re-encoded form.
 */
struct plan plan_make(const struct ehlo_offer *offer, struct slice server, size_t max,
                      struct text *text, struct outcome *outcome);

#endif
