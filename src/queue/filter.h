/*
 * Which messages and recipients a request means: {"id":..} or any of {"sender":..,"recipient":..,
 * "domain":..,"state":..}, all of which must fit; {"all":true} for everything.
 *
 * A message fits when one of its recipients that are not over does; a sender alone means all of
 * them. A sender is the reverse-path or the account that handed the message in. Addresses are
 * compared as whole addresses, without regard to ASCII case; the null reverse-path is "" or "<>".
 */
#ifndef NUNCIO_QUEUE_FILTER_H
#define NUNCIO_QUEUE_FILTER_H

#include "queue/state.h"

#include <jansson.h>

struct filter {
    bool has_id, all;
    uint64_t id;
    bool has_sender;
    struct slice sender, recipient, domain; /* empty: any, but for the sender */
    struct slice state;                     /* as filter_state_name() says, or empty */
};

/* Slices point into the request. NULL, or what is wrong with it. */
const char *filter_read(const json_t *request, struct filter *ret_filter);
/* Does it name anything? What changes mail asks for that. */
bool filter_is_given(const struct filter *filter);
/* Must the envelope be read to decide? */
bool filter_needs_envelope(const struct filter *filter);
bool filter_takes_message(const struct filter *filter, const struct envelope *envelope);
/* `envelope` may be NULL when it is not needed. */
bool filter_takes_recipient(const struct filter *filter, struct message *message,
                            const struct envelope *envelope, uint32_t index);

/* "waiting", "ready", "sending", "failed", "held", and "delivered" and so on when over.
 */
const char *filter_state_name(const struct ledger_recipient *recipient);

#endif
