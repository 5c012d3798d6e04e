/*
 * How many sessions each client has: by IPv4 address or IPv6 /64, because a /64 is what a single
 * site has at least. Thread-safe. Memory is bounded by the number of sessions.
 */
#ifndef NUNCIO_RECEIVE_CLIENTS_H
#define NUNCIO_RECEIVE_CLIENTS_H

#include "smtp/peer.h"

struct clients;

struct clients *clients_new(void);
void clients_free(struct clients *clients);

/* Counts a session in unless there are `max` already. A client without an IP address is always
 * let in and not counted. */
bool clients_enter(struct clients *clients, const struct smtp_endpoint *client, unsigned max);
void clients_leave(struct clients *clients, const struct smtp_endpoint *client);

#endif
