/*
 * A client's connection to one server: commands out, replies in, and what the server offers.
 *
 * Knows the protocol's plumbing, nothing of messages: transaction.h is about those. Used by one
 * thread at a time. All calls that wait return 0, or the negative errno of stream.h, or -EBADMSG
 * when the server says something that is no reply; the connection is `broken` then.
 */
#ifndef NUNCIO_RELAY_CLIENT_H
#define NUNCIO_RELAY_CLIENT_H

#include "io/stream.h"
#include "io/tls_client.h"
#include "relay/slots.h"
#include "smtp/ehlo_parse.h"
#include "smtp/reply_parse.h"

/* RFC 5321 section 4.5.3.2, and for connecting what other mail servers do. */
enum client_timeout {
    CLIENT_CONNECT_MS = 30 * 1000,
    CLIENT_BANNER_MS = 5 * 60 * 1000,
    CLIENT_TLS_MS = 60 * 1000,
    CLIENT_COMMAND_MS = 5 * 60 * 1000,
    CLIENT_DATA_MS = 2 * 60 * 1000,
    CLIENT_BLOCK_MS = 3 * 60 * 1000,
    CLIENT_FINAL_MS = 10 * 60 * 1000,
};

/* Shows a conversation: what we send (`sent`) and what the server says. */
typedef void client_trace(void *arg, bool sent, struct slice text);

struct client {
    struct stream stream;
    struct reply_parse reply; /* the last one read */
    struct ehlo_offer offer;
    struct tls_verdict tls; /* of the handshake; version NULL: there is no TLS */
    const char *grade;      /* of the session, set by opening.h: "dane"; NULL: in the clear */
    bool may_requiretls;    /* likewise: the server keeps REQUIRETLS, and is who it should be */
    bool lmtp;
    bool broken;       /* of no further use: close it */
    bool needs_reset;  /* a transaction was begun and not ended: RSET before the next MAIL */
    uint32_t carried;  /* messages until now */
    uint64_t end;      /* no wait goes beyond this; UINT64_MAX: no such end */
    struct slice name; /* "mx.example.org[192.0.2.1]:25" */
    struct socket_address address; /* of the server */
    struct socket_address source;  /* ours */
    struct slice key;              /* what security it was opened with, see security_key() */
    struct slots *slots;           /* NULL, or where its place among the address's connections is
                                      given back */
    client_trace *trace;           /* or NULL */
    void *trace_arg;
};

/* On a connected, non-blocking descriptor, which is the client's from now on; `name` is copied. */
void client_adopt(struct client *ret_client, int fd, int cancel_fd,
                  const struct socket_address *address, struct slice name);
/* Copies the key. */
void client_keep_key(struct client *client, struct slice key);
/* Closes and connects again, with everything that the server said forgotten. */
int client_reconnect(struct client *client, const struct socket_address *to,
                     const struct socket_address *source, int cancel_fd);
/* Closes without a word. */
void client_done(struct client *client);
/* Says QUIT if the connection is good, waits for no answer, closes. */
void client_quit(struct client *client);

enum client_greeting {
    CLIENT_GREETED = 0,
    CLIENT_REFUSED = 1, /* the server does not want us (now): client->reply says why */
    CLIENT_NO_TLS = 2,  /* not offered, or refused: client->tls says why. In the clear the
                           connection is as good as before */
    CLIENT_BAD_TLS = 3, /* the handshake failed, client->tls says why; the connection is broken */
};
/*
 * Banner, EHLO (HELO if that is not known) or LHLO. 0, CLIENT_REFUSED or a failure; `*ret_stage` is
 * what was waited for, for people: "banner".
 */
int client_greet(struct client *client, struct slice helo, const char **ret_stage);

/*
 * After client_greet(): STARTTLS (RFC 3207), and EHLO again, since what was said before is not to
 * be believed. CLIENT_GREETED when all of it went well, else any of the others, or a failure. A
 * connection that is lost before EHLO is answered under TLS is CLIENT_BAD_TLS as well.
 */
int client_start_tls(struct client *client, struct slice helo, struct tls_client *tls,
                     const struct tls_demand *demand);
/* Before client_greet(): TLS from the first byte (RFC 8314). 0, CLIENT_BAD_TLS or -ECANCELED. */
int client_begin_with_tls(struct client *client, struct tls_client *tls,
                          const struct tls_demand *demand);

/* Sends all. The last `n_text` bytes are text of a message, of which a trace shows the size alone.
 */
int client_send(struct client *client, struct slice bytes, size_t n_text, unsigned timeout_ms);
/* The next reply into client->reply. 421 makes the connection broken (RFC 5321 section 3.8). */
int client_read_reply(struct client *client, unsigned timeout_ms);
/* More has come than was read. When no reply is due, it was said before it was asked for. */
bool client_has_spoken(const struct client *client);

#endif
