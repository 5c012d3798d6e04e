/*
 * What every role starts with: its loop, its channel to the parent, and the channels to its peers
 * as they come and go. src/daemon forks, drops privileges, then calls the role's main function
 * (receive_main, auth_main, queue_main, relay_main, local_main, program_main) with this.
 */
#ifndef NUNCIO_IO_ROLE_H
#define NUNCIO_IO_ROLE_H

#include "base/exposition.h"
#include "io/channel.h"
#include "io/loop.h"
#include "io/message.h"

struct config;

struct role_context;

/* Given by each role to role_run(); all are called on the loop's thread. NULL where not wanted. */
struct role_handlers {
    /* A message of a peer. Its descriptors are the handler's to close. */
    void (*message)(void *arg, enum role from, struct channel_message *message);
    /* A channel to this peer is there (again); what was under way with it is lost. */
    void (*peer_up)(void *arg, enum role peer);
    void (*peer_down)(void *arg, enum role peer);
    /* The peer has room again; once after each role_want_writable(). */
    void (*peer_writable)(void *arg, enum role peer);
    /* A new configuration: take it over (config_ref it) or refuse with a text. */
    bool (*config)(void *arg, struct config *config, struct buf *why_not);
    /* Append the members of a JSON object: "\"sessions\":12,". May be NULL. */
    void (*status)(void *arg, struct buf *json);
    /* What the role counts, for MSG_METRICS. May be NULL. */
    void (*metrics)(void *arg, struct exposition *exposition);
    /* Finish what must be finished and call loop_stop(). NULL: loop_stop() at once. */
    void (*stop)(void *arg);
    void *arg;
};

struct role_context {
    enum role self;
    struct loop *loop;
    struct config *config; /* the one in force; role_run() holds the reference */
    int parent;            /* channel */
    int peers[ROLE_COUNT]; /* channels, -1 while absent */
    const int *listeners; /* receive: bound sockets, in the order of config->listeners' addresses */
    unsigned n_listeners;
    int control; /* queue: the listening control socket, else -1 */
    const struct role_handlers *handlers;
    /* Called once by the role when it has opened all it needs and before its first thread and
     * before any byte from the network: enters Landlock and seccomp, tries what must fail, tells
     * the parent. 0, or -errno when a protection that the kernel has could not be put in force. */
    int (*lock_in)(struct role_context *role);
};

/* Sets the handlers and runs the loop until stop. */
int role_run(struct role_context *role, const struct role_handlers *handlers);

/* To a peer, from any thread; never waits. -ENOTCONN while it is absent, -EAGAIN when it is behind
 * (role_want_writable() tells when it has
 * room again), else as channel_send(). */
int role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
              const int *fds, unsigned n_fds);

/* On the loop's thread only. */
void role_want_writable(struct role_context *role, enum role peer);

#endif
