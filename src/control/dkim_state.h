/*
 * What a key is good for now, as far as its facts tell. Pure.
 */
#ifndef NUNCIO_CONTROL_DKIM_STATE_H
#define NUNCIO_CONTROL_DKIM_STATE_H

#include "keys/key_store.h"

enum dkim_state {
    DKIM_STATE_REFUSED,   /* it cannot be read, or must not be used */
    DKIM_STATE_UNSEEN,    /* its record is not in the DNS */
    DKIM_STATE_IN_USE,    /* it signs */
    DKIM_STATE_REPLACED,  /* seen, but a newer one signs */
    DKIM_STATE_RETIRED,   /* its record must stay for mail that is under way */
    DKIM_STATE_REMOVABLE, /* and that time is over */
};
const char *dkim_state_name(enum dkim_state state); /* "in-use" */
const char *dkim_state_text(enum dkim_state state); /* "in use": for people */

enum dkim_state dkim_state_of(const struct key_list *list, const struct key_entry *entry,
                              uint64_t now_s, uint64_t overlap_s);
/* Does another key of the same domain, sender and kind sign, or could it without this one? */
bool dkim_state_has_other(const struct key_list *list, const struct key_entry *entry);

#endif
