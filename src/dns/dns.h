/*
 * Names to addresses behind one call with a deadline. Thread-safe: any number of threads may ask
 * at a time; each waits for its own answer.
 */
#ifndef NUNCIO_DNS_DNS_H
#define NUNCIO_DNS_DNS_H

#include "base/slice.h"

enum dns_result {
    DNS_FOUND = 0,
    DNS_NO_NAME = 1, /* NXDOMAIN: the name does not exist */
    DNS_NO_DATA = 2, /* the name exists, and has no such records */
    DNS_FAILED = 3,  /* no resolver gave an answer that can be trusted: try later */
    DNS_TIMEOUT = 4, /* the deadline came first: try later */
};
/* "no such name": for people. */
const char *dns_result_text(enum dns_result result);

struct dns_address {
    int family; /* AF_INET or AF_INET6 */
    unsigned char bytes[16];
};

/* More than these are dropped. */
enum { DNS_ADDRESSES_MAX = 16 };

struct dns_addresses {
    struct dns_address list[DNS_ADDRESSES_MAX];
    unsigned count;
};

struct dns;

/*
 * The system's own view: /etc/hosts first, then the resolvers of /etc/resolv.conf; if that names
 * none, recursing from the root. Both files are read now; threads start with the first question,
 * so that a role can lock itself in between. -errno.
 */
int dns_new(struct dns **ret_dns);
/* No call may be under way; NULL is fine. */
void dns_free(struct dns *dns);
/* All questions, under way and to come, are answered DNS_FAILED at once: the role is stopping. */
void dns_stop(struct dns *dns);

/*
 * The IPv6 and IPv4 addresses of a host name, taking turns, IPv6 first, in the order of the answer.
 * An enum dns_result. One family's failure does not hide what the other has found. `deadline` is
 * absolute, clock_mono_ms().
 */
int dns_lookup_addresses(struct dns *dns, struct slice name, uint64_t deadline,
                         struct dns_addresses *ret_addresses);

#endif
