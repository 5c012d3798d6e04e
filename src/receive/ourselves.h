/*
 * Mail for us under the host's own name or address: postmaster@hostname (RFC 5321 section 4.5.1)
 * and user@[address at which the client found us] (RFC 1123 section 5.2.17) belong to a domain of
 * ours, though the configuration names neither as one.
 */
#ifndef NUNCIO_RECEIVE_OURSELVES_H
#define NUNCIO_RECEIVE_OURSELVES_H

#include "mail/address.h"
#include "receive/session.h"

/* Rewrites *address to our own domain where it means ourselves: our hostname if that is a domain of
 * ours, else the first one that is. Strings are from the arena. */
void ourselves_localise(const struct session *session, struct address *address,
                        struct arena *arena);

#endif
