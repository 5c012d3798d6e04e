/*
 * The keys under which session tickets are sealed (RFC 5077 section 4, RFC 8446 section 4.6.1).
 *
 * A key seals tickets for an hour and opens them for two more; a ticket is good for two hours, so
 * each dies with its key or before. Whoever gets hold of a key can read what sessions of TLS 1.2
 * resumed under it have said, so none is used longer, the first call after that wipes it, and none
 * is ever written down. The keys are the process's: they outlive renewed certificates. From any
 * thread, whose `now_ms` may be a little behind another's.
 */
#ifndef NUNCIO_IO_TLS_TICKETS_H
#define NUNCIO_IO_TLS_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TLS_TICKET_NAME_BYTES = 16,
    TLS_TICKET_SECRET_BYTES = 32,
    TLS_TICKET_SEAL_MS = 3600 * 1000,
    TLS_TICKET_OPEN_MS = 3 * TLS_TICKET_SEAL_MS, /* since the key was made */
    TLS_TICKET_SECONDS = 7200,                   /* of a ticket */
};

struct tls_ticket_key {
    unsigned char name[TLS_TICKET_NAME_BYTES];
    unsigned char cipher[TLS_TICKET_SECRET_BYTES];
    unsigned char mac[TLS_TICKET_SECRET_BYTES];
};

/* The key to seal with, made when there is none; the copy is the caller's to wipe. False when there
 * is no randomness to be had. `now_ms` is monotonic. */
bool tls_tickets_seal_key(uint64_t now_ms, struct tls_ticket_key *ret_key);

/* The key of that name. `ret_old`: it seals no more, the client should have a new ticket. */
bool tls_tickets_open_key(const unsigned char name[TLS_TICKET_NAME_BYTES], uint64_t now_ms,
                          struct tls_ticket_key *ret_key, bool *ret_old);

#endif
