/*
 * What a resolver of any kind is to dns.c: the border between the question and who answers it.
 * Included by src/dns alone.
 */
#ifndef NUNCIO_DNS_RESOLVER_H
#define NUNCIO_DNS_RESOLVER_H

#include "dns/dns.h"

/* The part of an answer that one address family gives. */
struct dns_family_answer {
    int family;
    enum dns_result result;
    struct dns_addresses addresses;
};

/* The first member of each resolver's own struct. */
struct dns {
    const struct dns_methods *methods;
};

struct dns_methods {
    /* Asks for all families at once; `family` is set, the rest is to be filled. */
    void (*lookup)(struct dns *dns, const char *name, struct dns_family_answer *answers,
                   unsigned n_answers, uint64_t deadline);
    void (*stop)(struct dns *dns);
    void (*free)(struct dns *dns);
};

#endif
