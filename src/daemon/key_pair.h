/*
 * A certificate chain with its private key: do they belong together, and what are they good for?
 * Bytes in, facts out; OpenSSL reads the PEM. To be called in a process of its own (aside.h), since
 * OpenSSL leaves copies of the key behind in memory that it has freed.
 */
#ifndef NUNCIO_DAEMON_KEY_PAIR_H
#define NUNCIO_DAEMON_KEY_PAIR_H

#include "base/arena.h"

enum { KEY_PAIR_CHAIN_MAX = 20, KEY_PAIR_WHY_SIZE = 240 };

struct key_pair {
    struct slice kind;              /* "ECDSA P-256", "RSA 2048", "ED25519" */
    struct slice *hosts;            /* DNS names of the SAN, lower case */
    uint32_t n_hosts;               /* at most TLS_HOSTS_MAX */
    uint64_t not_before, not_after; /* milliseconds since 1970 */
};

/* 0; -EINVAL with what is wrong, and what instead, in `why`. A certificate whose time is over is
 * good here: that is the caller's to judge. */
int key_pair_read(struct slice chain, struct slice key, struct arena *arena,
                  struct key_pair *ret_pair, char why[KEY_PAIR_WHY_SIZE]);

/* Whether it holds certificates at all, for a file of CAs. 0 or -EINVAL with `why`. */
int key_pair_check_cas(struct slice cas, char why[KEY_PAIR_WHY_SIZE]);

#endif
