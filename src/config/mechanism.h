/*
 * SASL mechanisms (RFC 4422) by name, as sets of bits: what a listener offers is an intersection of
 * what the configuration allows, what the accounts can verify, and what the connection is good for.
 */
#ifndef NUNCIO_CONFIG_MECHANISM_H
#define NUNCIO_CONFIG_MECHANISM_H

#include "base/slice.h"

enum mechanism {
    MECHANISM_SCRAM_SHA_256_PLUS = 1,
    MECHANISM_SCRAM_SHA_256 = 2,
    MECHANISM_SCRAM_SHA_1_PLUS = 4,
    MECHANISM_SCRAM_SHA_1 = 8,
    MECHANISM_EXTERNAL = 16,
    MECHANISM_OAUTHBEARER = 32,
    MECHANISM_XOAUTH2 = 64,
    MECHANISM_PLAIN = 128,
    MECHANISM_LOGIN = 256,
    MECHANISM_CRAM_MD5 = 512,
    MECHANISM_ALL = 1023,
    /* They need a channel binding, that is TLS. */
    MECHANISM_PLUS = MECHANISM_SCRAM_SHA_256_PLUS | MECHANISM_SCRAM_SHA_1_PLUS,
    /* In a set of the configuration, no mechanism: -PLUS is there for who asks, and not offered.
     * mutt with GNU SASL takes it wherever it is offered, has no binding to tls-exporter, and then
     * gives up. */
    MECHANISM_QUIET_PLUS = 1024,
    /* SHA-1 only where the administrator asks for it. */
    MECHANISM_DEFAULT = (MECHANISM_ALL & ~(MECHANISM_SCRAM_SHA_1_PLUS | MECHANISM_SCRAM_SHA_1)) |
                        MECHANISM_QUIET_PLUS,
};

/* "SCRAM-SHA-256" and so on, in any case; 0: no mechanism that we know. */
enum mechanism mechanism_parse(struct slice name);
/* Of one bit. */
const char *mechanism_name(enum mechanism mechanism);
/* The bits of a set in the order of preference: the first one of `set`, 0 when it is empty. */
enum mechanism mechanism_first(unsigned set);

#endif
