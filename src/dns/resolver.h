/*
 * What a resolver of any kind is to dns.c: the border between the question and who answers it.
 * Included by src/dns alone.
 */
#ifndef NUNCIO_DNS_RESOLVER_H
#define NUNCIO_DNS_RESOLVER_H

#include "dns/dns.h"

/* The first member of each resolver's own struct. */
struct dns {
    const struct dns_methods *methods;
    _Atomic uint64_t asked, known,
        failed; /* struct dns_numbers; the resolver counts the last two */
};

/* An answer of the network's. */
void dns_count_answer(struct dns *dns, enum dns_result result);

struct dns_methods {
    /* As dns_ask(); `name` is a name of dns_name_clean()'s form. */
    void (*ask)(struct dns *dns, const char *name, enum dns_type type, uint64_t deadline,
                dns_answered *answered, void *arg);
    void (*stop)(struct dns *dns);
    void (*free)(struct dns *dns);
};

#endif
