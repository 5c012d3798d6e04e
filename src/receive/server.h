/*
 * What all sessions of the receive role share. The seams for tests are here: how a recipient is
 * resolved, and how a session is woken when its message is on disk.
 */
#ifndef NUNCIO_RECEIVE_SERVER_H
#define NUNCIO_RECEIVE_SERVER_H

#include "config/config.h"
#include "io/message.h"
#include "io/tasks.h"
#include "io/tls_server.h"
#include "receive/clients.h"
#include "receive/exchange.h"
#include "spool/spool.h"

#include <pthread.h>
#include <stdatomic.h>

/* Counters for `nuncio status`; each only grows. */
struct server_counts {
    _Atomic uint64_t connections;
    _Atomic uint64_t refused_connections; /* by a limit, or as early talkers */
    _Atomic uint64_t messages;            /* committed */
    _Atomic uint64_t recipients;
    _Atomic uint64_t refused_recipients;
    _Atomic uint64_t refused_messages; /* after their text had come */
    _Atomic uint64_t checked;          /* messages whose sender was checked; of these: */
    _Atomic uint64_t junk;
    _Atomic uint64_t unauthenticated; /* refused */
    _Atomic uint64_t put_off;
    _Atomic uint64_t saved;   /* by a trusted sealer */
    _Atomic uint64_t dropped; /* collected from the maildrop */
    _Atomic uint64_t logins;
    _Atomic uint64_t refused_logins;
    _Atomic uint64_t tls_sessions; /* whose handshake succeeded */
    _Atomic uint64_t tls_failures;
};

struct dns;
struct deferrals;

struct server {
    struct spool_writer *spool;
    struct clients *clients;
    struct dns *dns; /* what checks ask; NULL: nothing is checked */
    struct deferrals *deferrals;
    /* Sends a message to history, or drops it; from any thread. May be NULL. */
    void (*tell_history)(void *arg, enum message_type type, struct slice payload);
    void *history_arg;
    enum resolve_status (*resolve)(void *arg, struct slice address);
    /* May the account send as the address? RESOLVE_OWN, RESOLVE_LATER, or no. */
    enum resolve_status (*owns)(void *arg, struct slice account, struct slice address);
    /* See lookup_ask_submission(). */
    void (*submission)(void *arg, const struct msg_submission *question, struct arena *arena,
                       struct msg_submission_reply *ret_reply);
    void *resolve_arg; /* of the three */
    void (*wake)(struct task *task);
    struct exchanges *exchanges;
    atomic_uint mechanisms; /* set of enum mechanism that auth can verify; 0: not told yet */

    pthread_mutex_t config_lock; /* guards these against a change while they are being taken */
    struct config *config;       /* the one in force */
    struct tls_server *tls;      /* NULL: no certificate has come */

    atomic_uint sessions;
    _Atomic uint64_t unread; /* bytes of our log that the queue is behind, see pressure.h */
    _Atomic uint64_t last_session;
    struct server_counts counts;
};

void server_init(struct server *server, struct config *config);
void server_done(struct server *server);
/* A new configuration: what begins from now on uses it. */
void server_set_config(struct server *server, struct config *config);
/* With a reference for the caller. */
struct config *server_take_config(struct server *server);
/* Exchanges *config, which the caller holds, for the one in force if that is another. */
void server_refresh_config(struct server *server, struct config **config);

/* Takes the reference over: handshakes that begin from now on use it. */
void server_set_tls(struct server *server, struct tls_server *tls);
/* With a reference for the caller; NULL when there is none. */
struct tls_server *server_take_tls(struct server *server);
bool server_has_tls(struct server *server);

unsigned server_session_limit(struct server *server);
/* Nine tenths of the sessions that there may be are there: time to be short with the idle. */
bool server_is_under_pressure(struct server *server, const struct config *config);

#endif
