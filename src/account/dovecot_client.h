/*
 * Numbered requests to one of Dovecot's auth sockets, each with one answer: a line of Dovecot, or
 * none when it is away, slow or talks nonsense. What is asked before Dovecot has said hello is sent
 * then.
 */
#ifndef NUNCIO_ACCOUNT_DOVECOT_CLIENT_H
#define NUNCIO_ACCOUNT_DOVECOT_CLIENT_H

#include "account/dovecot_line.h"
#include "io/loop.h"

enum { DOVECOT_REQUESTS_MAX = 2048 };

struct dovecot_client;

enum dovecot_hello { HELLO_BAD, HELLO_MORE, HELLO_READY };

/* The two protocols, that for clients and that for masters. */
struct dovecot_protocol {
    /* What is said first, one line or two with an LF between. Of the arena. */
    struct slice (*hello)(struct arena *arena);
    /* One line of Dovecot's hello. */
    enum dovecot_hello (*greet)(const struct dovecot_line *line, unsigned *seen);
    unsigned patience_ms; /* of one request */
};

/* NULL: later. The line is valid during the call. */
typedef void dovecot_on_answer(void *arg, const struct dovecot_line *line);

struct dovecot_client *dovecot_client_new(struct loop *loop, struct slice path,
                                          const struct dovecot_protocol *protocol);
/* Answers all that waits. */
void dovecot_client_free(struct dovecot_client *client);
/* Sends "`verb` TAB number TAB `rest`". The answer may come during the call. */
void dovecot_client_ask(struct dovecot_client *client, const char *verb, struct slice rest,
                        dovecot_on_answer *on_answer, void *arg);
/* No answers for this one. */
void dovecot_client_cancel(struct dovecot_client *client, const void *arg);

#endif
