/*
 * The certificate that the server makes for itself when none is configured, so that STARTTLS always
 * works: ECDSA P-256, for `hostname`, signed by its own key. Kept in state/tls/self-signed.pem, key
 * and certificate in one file, so that they can never be of different ages.
 */
#ifndef NUNCIO_DAEMON_SELF_SIGNED_H
#define NUNCIO_DAEMON_SELF_SIGNED_H

#include "daemon/key_pair.h"

#define SELF_SIGNED_NAME "self-signed"
#define SELF_SIGNED_FILE "tls/self-signed.pem"

enum { SELF_SIGNED_SIZE_MAX = 16 * 1024, SELF_SIGNED_DAYS = 3650, SELF_SIGNED_RENEW_DAYS = 30 };

/* Whether the kept one will do: for this host, and good for a while yet. */
bool self_signed_will_do(const struct key_pair *pair, struct slice hostname, uint64_t now_ms);

/* A new one, PEM, in place of the file at `path` (mode 0600, synced). *ret_pem is from the arena
 * and holds the key. 0 or -errno. */
int self_signed_make(const char *path, struct slice hostname, uint64_t now_ms, struct arena *arena,
                     struct slice *ret_pem);

#endif
