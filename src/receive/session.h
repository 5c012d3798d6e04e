/*
 * A session: one client's connection from its first byte to its last (RFC 5321, RFC 2033).
 *
 * It is an object that a pool's thread runs for a step (session_run) and that is parked between
 * steps; parked and idle it is this struct, a small arena and nothing else. Phases say what the
 * next bytes are; `state` says which commands are in order. Files:
 *
 *   session.c    the phases, reading, writing, parking, deadlines
 *   dispatch.c   from a command line to its handler and back
 *   cmd_*.c      the handlers, which return a reply and never write; cmd_auth.c also has what
 *                comes behind AUTH (auth.h)
 *   text.c       DATA and BDAT octets
 *   commit.c     from the end of the text to the reply
 *   checks*.c    whose mail it is (checks.h)
 *   gate.c       what comes before the banner: limits, PROXY, early talkers
 *   handshake.c  the beginning of TLS
 */
#ifndef NUNCIO_RECEIVE_SESSION_H
#define NUNCIO_RECEIVE_SESSION_H

#include "base/log.h"
#include "io/tasks.h"
#include "io/transport.h"
#include "policy/relay.h"
#include "receive/intake.h"
#include "receive/recipients.h"
#include "receive/server.h"
#include "smtp/command.h"
#include "smtp/line.h"
#include "smtp/param.h"
#include "smtp/peer.h"

/* A listening socket. Its settings are those with which the role was started: listeners do not
 * change without a restart. */
struct listener {
    struct server *server;
    struct tasks *pool; /* where its sessions live */
    const struct config_listener *settings;
    int fd;
    int spare; /* a descriptor to give up when there are no more */
    struct task *task;
};

enum session_phase {
    PHASE_NEW,
    PHASE_PROXY,     /* the PROXY header of a proxy */
    PHASE_TLS,       /* the handshake; nothing else is said meanwhile */
    PHASE_BANNER,    /* the delay before the banner; bytes now come too early */
    PHASE_COMMANDS,  /* command lines */
    PHASE_AUTH,      /* the auth role thinks about what the client said */
    PHASE_AUTH_LINE, /* the response to a challenge */
    PHASE_DATA,      /* the text behind 354 */
    PHASE_BDAT,      /* octets of a chunk */
    PHASE_CHECKS,    /* the text is complete, verdicts about it are under way */
    PHASE_COMMIT,    /* the disk has the word */
    PHASE_HELD,      /* it is on disk; the reply waits, because the queue is behind */
    PHASE_LINGER,    /* the last reply is out; the client's bytes are thrown away for a moment */
    PHASE_END,
};

/* Which commands are in order. Bits, for the dispatch table. */
enum session_state {
    STATE_START = 1, /* no EHLO yet */
    STATE_READY = 2,
    STATE_MAIL = 4, /* a reverse-path, no recipient yet */
    STATE_RCPT = 8,
    STATE_BDAT = 16, /* chunks have come, the last has not */
    STATE_ANY = 31,
};

struct checks;
struct checks_message;

struct transaction {
    struct envelope envelope; /* recipients are filled in at the end */
    struct recipients recipients;
    struct policy_sender sender;
    struct intake intake;
    bool has_intake;
    uint32_t *lmtp_replies; /* LMTP: recipient of each RCPT that was accepted */
    uint32_t n_lmtp_replies, lmtp_replies_size;
    struct checks_message *checks; /* NULL: it is not checked */
    struct spool_body *body;       /* PHASE_CHECKS: the whole text */
    struct slice verdicts;         /* which rule accepted whom, for the envelope */
    bool foreign_author; /* From names somebody of another domain than who has logged in */
    uint64_t chunk_size; /* octets of the current BDAT chunk */
    uint64_t chunk_left;
    bool chunk_last;
    uint64_t text_started_ms; /* monotonic, for the minimum rate */
};

/* Who has logged in. */
struct login {
    struct slice account;  /* canonical address; empty: nobody */
    const char *mechanism; /* by which it was done */
    uint64_t message_size; /* the account's own limit, 0: none */
};

struct session {
    struct server *server;
    const struct listener *listener;
    struct config *config; /* a reference; exchanged between transactions */
    struct task *task;
    struct transport transport;
    struct tls_facts *tls; /* NULL: plain */
    enum session_phase phase;
    enum session_state state;
    struct smtp_lines lines;
    struct buf pending; /* read, not yet processed */
    struct buf unsent;  /* written, not yet taken by the socket */
    struct arena arena; /* lives as long as the session */
    struct arena transaction_arena;
    struct transaction *transaction; /* NULL: none under way */

    struct smtp_endpoint peer;   /* who connected */
    struct smtp_endpoint client; /* the same, or whom a proxy spoke for */
    bool counted;                /* in server->clients, as `client` */
    char client_text[46];        /* address of the client; empty for a unix socket */
    struct slice client_name;    /* from XCLIENT */
    bool introduced;             /* XCLIENT has said who the client is */
    struct slice helo;
    bool extended;         /* EHLO or LHLO */
    bool auth_tried;       /* AUTH was said, whatever came of it */
    struct checks *checks; /* NULL: this client's mail is not checked */
    struct login login;
    struct exchange *exchange; /* with the auth role, or NULL */
    enum mechanism mechanism;  /* of it */
    bool ended_by_peer;
    bool quit;
    bool shut; /* our side of the connection is closed */

    uint64_t deadline_ms;            /* of the present wait, monotonic */
    uint64_t refused_left;           /* octets of a refused chunk that are yet to be thrown away */
    struct smtp_reply refused_reply; /* to be sent behind them; its text is a literal */
    pthread_mutex_t commit_lock;     /* guards the two */
    bool committed;                  /* the committer has said something, */
    int commit_result;               /* and this */
    struct config_source refused_by; /* the line that the present command fell foul of, or none */
    unsigned errors, idle_commands, transactions, messages;
    char id[20];
    struct log_context log_service;
    struct log_context log;
};

/* A step's room and its account, lent to the functions of a session. */
struct step {
    struct task_scratch *scratch;
    uint64_t started_ms;
    unsigned commands;
};

/* Takes the connected, non-blocking descriptor over; the server's session count is the caller's
 * to raise, and the session's to lower at its end. */
struct session *session_new(const struct listener *listener, int fd,
                            const struct smtp_endpoint *peer);
task_run session_run;

/* For the files of the session only. */

bool session_is_lmtp(const struct session *session);
bool session_is_mx(const struct session *session);
/* What a message may have, in bytes: for everybody, and for the account that is logged in. */
uint64_t session_message_size(const struct session *session);
/* Writes a reply into the step's output and does what it asks for: counts errors, ends. */
void session_reply(struct session *session, struct step *step, const struct smtp_reply *reply);
/* The end, once what is written has gone out. */
void session_end(struct session *session);
/* Something came as it should: the present wait's deadline starts anew. */
void session_progress(struct session *session);
/* Gives up the transaction, if there is one. */
void session_reset_transaction(struct session *session);
/* Is the client in these networks? */
bool session_is_among(const struct session *session, const struct config_networks *networks);
/* client_text, and what logs say of it. */
void session_set_client(struct session *session, const struct smtp_endpoint *client);

/* Is the peer in these networks of its listener? */
bool session_may_proxy(const struct session *session, const struct config_networks *networks);
/* What the relay rules must know of the client. */
struct policy_sender session_sender(const struct session *session);

/* dispatch.c: one command line; false when no whole one is there. */
bool dispatch_line(struct session *session, struct step *step, struct slice *input);
/* A refusal counts, and one too many is the last. */
void dispatch_count_error(struct session *session, struct smtp_reply *reply);

/* commit.c: notes the rule that accepted a recipient, once for each rule. */
void transaction_add_verdict(struct session *session, const char *class,
                             const struct config_source *source);

/* text.c */
void text_begin(struct session *session, bool dots, struct arena *scratch);
void text_take_data(struct session *session, struct step *step, struct slice *input);
void text_take_chunk(struct session *session, struct step *step, struct slice *input);
/* The moment at which the client will have been too slow, monotonic. */
uint64_t text_deadline(const struct session *session);
bool text_is_too_slow(const struct session *session);

/* commit.c */
void commit_start(struct session *session, struct step *step);
/* PHASE_CHECKS: goes on if the verdicts are there, or patience is over. */
void commit_check(struct session *session, struct step *step);
/* PHASE_COMMIT: false when the disk has not answered yet. */
bool commit_finish(struct session *session, struct step *step);
/* The reply that was held back. */
void commit_release(struct session *session, struct step *step);

#endif
