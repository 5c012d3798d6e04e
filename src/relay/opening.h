/*
 * From a connected socket to a session that may carry mail: banner, EHLO, TLS as the host's
 * security demands it. An opportunistic handshake that fails is not the end: the server is
 * connected to once more and spoken to in the clear, as RFC 7672 section 2.2 allows for hosts
 * without TLSA records and as other mail servers do.
 */
#ifndef NUNCIO_RELAY_OPENING_H
#define NUNCIO_RELAY_OPENING_H

#include "relay/client.h"
#include "relay/counts.h"
#include "relay/session_report.h"

struct opening {
    const struct security *security;
    struct tls_client *tls; /* NULL: TLS cannot be had */
    bool implicit;          /* TLS from the first byte */
    struct slice helo;
    struct socket_address to, source; /* for the second connection */
    int cancel_fd;
    const struct session_report *report; /* or NULL */
    struct relay_counts *counts;         /* or NULL */
    uint64_t message_id; /* of the mail for which it is opened, for the log; 0: none */
};

enum opening_result {
    OPENING_READY = 0,
    OPENING_REFUSED = 1,       /* client->reply says why */
    OPENING_INSECURE = 2,      /* the host does not meet its security; client->tls says why */
    OPENING_NO_REQUIRETLS = 3, /* it does, but does not offer REQUIRETLS, which is needed */
};
/* "TLSv1.3 TLS_AES_256_GCM_SHA384 dane", from the arena; empty: in the clear. */
struct slice opening_facts(const struct client *client, struct arena *arena);
/*
 * `client` is connected and has nothing said or heard. 0, another result, or the negative errno
 * with *ret_stage, what was waited for: "banner". `client` stays the caller's to close.
 * client->tls.version tells whether there is TLS, and when there is not, client->tls.why (if
 * anything) why.
 */
int opening_run(struct client *client, const struct opening *opening, const char **ret_stage);

/* What is said of recipients when OPENING_INSECURE or OPENING_NO_REQUIRETLS was the result. */
struct verdict opening_verdict(const struct client *client, const struct opening *opening,
                               int result, const struct outcome *outcome);

#endif
