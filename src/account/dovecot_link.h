/*
 * A connection to one of Dovecot's unix sockets that comes back by itself: lines in, lines out, on
 * the role's loop, never waiting.
 *
 * It is opened when it is wanted (dovecot_link_want) and then stays. After a failure the next
 * attempts keep a growing distance: LINK_PAUSE_MIN_MS to LINK_PAUSE_MAX_MS.
 */
#ifndef NUNCIO_ACCOUNT_DOVECOT_LINK_H
#define NUNCIO_ACCOUNT_DOVECOT_LINK_H

#include "base/buf.h"
#include "io/loop.h"

enum { LINK_PAUSE_MIN_MS = 100, LINK_PAUSE_MAX_MS = 5000 };

struct dovecot_link;

struct dovecot_link_events {
    /* There is a connection; nothing was said yet. */
    void (*up)(void *arg);
    /* Without its LF. False: that is not Dovecot's protocol; the connection is dropped. */
    bool (*line)(void *arg, struct slice line);
    /* The connection is gone. */
    void (*down)(void *arg);
};

struct dovecot_link *dovecot_link_new(struct loop *loop, struct slice path,
                                      const struct dovecot_link_events *events, void *arg);
void dovecot_link_free(struct dovecot_link *link); /* without `down` */
/* True: there is a connection, perhaps only now (`up` was called). */
bool dovecot_link_want(struct dovecot_link *link);
/* The other side speaks sense: the next failure is a new one. */
void dovecot_link_is_good(struct dovecot_link *link);
/* A line without its LF, which may hold a secret: no copy of it stays. */
void dovecot_link_say(struct dovecot_link *link, struct slice line);
/* `down` is called when it was up; `why` is for the log. */
void dovecot_link_drop(struct dovecot_link *link, const char *why);

#endif
