/*
 * What an event can be found by: the terms in its fields. Pure.
 */
#ifndef NUNCIO_HISTORY_TERMS_H
#define NUNCIO_HISTORY_TERMS_H

#include "history/archive.h"

typedef void terms_on_term(void *arg, enum term_kind kind, struct slice text);

/* Calls on_term for each term, in the form that is stored and asked for; some may come twice. The
 * text is good during the call. */
void terms_of_event(const struct event *event, terms_on_term *on_term, void *arg);

/* "joe+tag@Example.org" gives the address, the same without the tag, and the domain. */
void terms_of_address(struct slice address, terms_on_term *on_term, void *arg);
/* As inet_ntop writes it, without brackets, "IPv6:" or a mapped prefix. False: not an address. */
bool terms_normalise_ip(struct slice text, char *out, size_t size);

#endif
