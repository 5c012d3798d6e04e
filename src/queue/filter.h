/*
 * Which messages and recipients a request means. All that is given must fit:
 *
 *   "id"         a message
 *   "sender"     the reverse-path, or the account that handed the message in; "" or "<>" is the
 * null reverse-path "recipient", "domain" "lane"       where it waits or would go now: see
 * lane_name.h "state"      as filter_state_name() says "reply"      words that the last reply has
 * in it "older_ms", "newer_ms"  the message's age "all"        true: everything
 *
 * Addresses, domains and lanes are patterns (pattern.h). A message fits when one of its recipients
 * that are not over does; a sender alone means all of them.
 */
#ifndef NUNCIO_QUEUE_FILTER_H
#define NUNCIO_QUEUE_FILTER_H

#include "queue/state.h"

#include <jansson.h>

struct filter {
    bool has_id, all;
    uint64_t id;
    bool has_sender;
    struct slice sender, recipient, domain, lane, reply; /* empty: any, but for the sender */
    struct slice state;                                  /* as filter_state_name() says, or empty */
    bool has_older, has_newer;
    uint64_t older_ms, newer_ms;
};

/* Slices point into the request. NULL, or what is wrong with it. */
const char *filter_read(const json_t *request, struct filter *ret_filter);
/* Does it name anything? What changes mail asks for that. */
bool filter_is_given(const struct filter *filter);
/* Must the envelope be read to decide? */
bool filter_needs_envelope(const struct filter *filter);
/* What the ledger alone says: does the message's age fit, and a recipient's state and reply? `now`
 * is queue time. */
bool filter_may_take(const struct filter *filter, const struct queue *queue,
                     struct message *message, uint64_t now);
bool filter_takes_message(const struct filter *filter, const struct envelope *envelope);
/* `envelope` may be NULL when it is not needed. */
bool filter_takes_recipient(const struct filter *filter, struct queue *queue,
                            struct message *message, const struct envelope *envelope,
                            uint32_t index);

/* "waiting", "ready", "sending", "failed", "held", "suspended", and "delivered" and so on when
 * over.
 */
const char *filter_state_name(const struct ledger_recipient *recipient);

#endif
