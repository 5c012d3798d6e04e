/* RDATA of a fake answer from its text, for dns_fake.c. */
#ifndef NUNCIO_DNS_FAKE_RDATA_H
#define NUNCIO_DNS_FAKE_RDATA_H

#include "dns/dns.h"

/* Aborts on text that is none: a script is a test's source. */
struct slice fake_rdata(enum dns_type type, const char *text, struct arena *arena);

#endif
