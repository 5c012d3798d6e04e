/*
 * A resolver that answers from a script, for tests and the simulator: no network, no threads.
 */
#ifndef NUNCIO_DNS_DNS_FAKE_H
#define NUNCIO_DNS_DNS_FAKE_H

#include "dns/dns.h"

struct dns_fake_entry {
    const char *name;       /* compared without case */
    const char *address;    /* an IPv4 or IPv6 address, or NULL: `result` for both families */
    enum dns_result result; /* when there is no address */
    unsigned delay_ms;      /* the answer takes so long; beyond the deadline it is DNS_TIMEOUT */
};

/* The script stays the caller's. Names that are not in it do not exist; a name with an address of
 * one family only has no data in the other. Freed by dns_free(). */
struct dns *dns_fake_new(const struct dns_fake_entry *script, size_t n_entries);

#endif
