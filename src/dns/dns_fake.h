/*
 * A resolver that answers from a script, for tests and the simulator: no network, and no thread
 * but one that a delayed dns_ask() starts.
 */
#ifndef NUNCIO_DNS_DNS_FAKE_H
#define NUNCIO_DNS_DNS_FAKE_H

#include "dns/dns.h"

/*
 * Three kinds:
 *   {"mx.example", .address = "192.0.2.1"}                   an A or AAAA record
 *   {"example", .type = DNS_MX, .data = "10 mx.example"}     a record of that type, as in a zone
 *                                                            file: TXT without quotes, TLSA in hex
 *   {"broken.example", .result = DNS_FAILED}                 no records; of all types, or of .type
 * A CNAME record is followed for questions of other types.
 */
struct dns_fake_entry {
    const char *name;       /* compared without case */
    const char *address;    /* an IPv4 or IPv6 address */
    enum dns_result result; /* when there is no address and no data */
    unsigned delay_ms;      /* the answer takes so long; beyond the deadline it is DNS_TIMEOUT */
    enum dns_type type;     /* 0: all */
    const char *data;
    enum dns_security security; /* of the answer: of all entries that take part in it, CNAMEs too */
    uint32_t ttl_s;             /* 0: 300 */
    const char *why;
};

/* The script stays the caller's. Names that are not in it do not exist; a name of the script that
 * lacks the type has no data. Freed by dns_free(). */
struct dns *dns_fake_new(const struct dns_fake_entry *script, size_t n_entries);

#endif
