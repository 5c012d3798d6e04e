/*
 * A session by hand: over a socketpair, on one thread, with a clock that stands still until it is
 * told otherwise, a spool and an auth role in memory (fake_spool.h, fake_auth.h).
 */
#ifndef NUNCIO_TALK_HOST_H
#define NUNCIO_TALK_HOST_H

#include "receive/session.h"

struct host {
    struct server server;
    struct config *config;
    struct listener listener;
    struct session *session; /* NULL: it has ended */
    struct task_scratch scratch;
    struct task_step parked;
    uint64_t now_ms;
    bool woken;
    bool hold_commits;
    int client; /* our end */
};

/* `config` is the text of a configuration with one listener. False: it has mistakes, which were
 * printed. The session is there and has run its first step. */
bool host_open(struct host *host, struct slice config, const char *client);
/* The client has said something before that step. */
bool host_open_early(struct host *host, struct slice config, const char *client,
                     struct slice early);
/* With certificates, of which it takes a reference. */
bool host_open_tls(struct host *host, struct slice config, const char *client,
                   struct tls_server *tls);
/* Closes our end, and lets the session end. False when it does not, or leaves something behind. */
bool host_close(struct host *host);

/* The client sends; the session runs until it waits for more. */
void host_say(struct host *host, struct slice bytes);
/* Runs what is to be run. */
void host_pump(struct host *host);
/* The session's last step, as when the role ends. */
void host_stop(struct host *host);
void host_sleep(struct host *host, uint64_t ms);
/* Appends what the session has sent. */
void host_read(struct host *host, struct buf *out);

#endif
