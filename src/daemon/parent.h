/*
 * The parent's state, shared by the files of this folder alone: parent.c (start, signals, end),
 * children.c (the roles' processes), admin.c (what the control socket asks of the parent),
 * status.c (its answer about all), reload.c (the configuration), watch.c (certificates, and files
 * for auth and relay).
 */
#ifndef NUNCIO_DAEMON_PARENT_H
#define NUNCIO_DAEMON_PARENT_H

#include "daemon/certificates.h"
#include "daemon/daemon.h"
#include "daemon/handed_files.h"
#include "daemon/listeners.h"
#include "daemon/privilege.h"
#include "io/loop.h"
#include "io/teller.h"

struct parent;

struct child {
    struct parent *parent;
    const struct role_entry *entry; /* NULL: this server has no such role */
    pid_t pid;                      /* 0: not running */
    int channel;                    /* -1: not running */
    struct loop_watch *watch;
    struct loop_timer *again; /* the restart that is due */
    bool waiting;             /* for it */
    bool ready;
    bool killed;         /* by us, since it broke the rules or did not stop in time */
    unsigned restarts;   /* since the server started */
    unsigned delay_ms;   /* before the next restart */
    uint64_t started_ms; /* monotonic */
    struct buf report;   /* of its lock-in */
    bool status_due;     /* it was asked and has not answered */
    struct buf status;   /* its last answer, not looked into */
    bool config_due;     /* likewise for a new configuration */
    bool metrics_due;    /* likewise for its metrics */
};

enum { ADMIN_WAITING_MAX = 16 };

/* Requests of the control socket that wait for the roles' answers. */
struct admin {
    uint32_t status_waiting[ADMIN_WAITING_MAX];
    unsigned n_status_waiting;
    uint32_t reload_waiting[ADMIN_WAITING_MAX];
    unsigned n_reload_waiting;
    struct loop_timer *status_timer, *reload_timer;
    struct buf reload_members; /* of the JSON answer */
    struct buf refusals;       /* "role":"why not", as they come in */
    bool reloading;
};

/* What web waits for. */
struct metrics {
    bool asking;
    uint32_t request;
    struct buf text; /* of the roles that have answered */
    struct loop_timer *timer;
};

/* Certificates and files that only we can open. */
struct watch {
    struct certificates certificates;
    struct handed_files handed;
    struct loop_timer *timer;
    bool certificates_due, files_due; /* they have changed, and are not read yet */
    uint64_t remind_ms;               /* of what is about to end; monotonic */
};

struct parent {
    const struct daemon_options *options;
    struct loop *loop;
    struct config *config;
    struct config *first_config; /* whose listeners are bound; kept while the server runs */
    char *state;
    struct identities identities;
    struct listeners listeners;
    int control, lock, signals;
    struct child children[ROLE_COUNT];
    struct admin admin;
    struct metrics metrics;
    struct watch watch;
    struct teller teller;
    uint64_t started_ms;
    bool ready; /* all roles were in once */
    bool stopping;
    unsigned stop_stage;
    struct loop_timer *stop_timer;
    int exit_code;
};

/* ---- children.c ---------------------------------------------------------------------------- */

void children_init(struct parent *parent);
void children_done(struct parent *parent);
/* Starts every role that the configuration needs and that does not run or wait for its restart;
 * stops those that it needs no more. */
void children_start(struct parent *parent);
/* Looks after those that have died. */
void children_reap(struct parent *parent);
/* MSG_STOP stage by stage; the loop ends when the last role is gone. */
void children_stop_begin(struct parent *parent);
void children_kill_all(struct parent *parent);
bool children_all_ready(const struct parent *parent);
/* To a running role; one that cannot take it (its channel is full for long) is killed. */
void child_send(struct child *child, uint16_t type, struct slice payload, int fd);

/* ---- parent.c ------------------------------------------------------------------------------ */

/* Begins the orderly end; the exit code of the first reason counts. */
void parent_stop(struct parent *parent, int exit_code);
/* A message of a role. */
void parent_on_message(struct child *child, struct channel_message *message);
void parent_on_ready(struct parent *parent);

/* ---- admin.c ------------------------------------------------------------------------------- */

void admin_init(struct parent *parent);
void admin_done(struct parent *parent);
void admin_on_request(struct parent *parent, const struct msg_admin *request);
void admin_on_status(struct child *child, struct slice text);
/* SIGHUP: as the request, with no one to answer to. */
void admin_reload(struct parent *parent);
void admin_on_config_taken(struct child *child, const struct msg_config_taken *taken);
/* A role that was asked has died: do not wait for it. */
void admin_on_death(struct child *child);

/* ---- metrics.c ----------------------------------------------------------------------------- */

void metrics_init(struct parent *parent);
void metrics_done(struct parent *parent);
/* Answered by MSG_ADMIN_REPLY to web. */
void metrics_ask(struct parent *parent, uint32_t request);
/* Empty: the role has died. */
void metrics_on_answer(struct child *child, struct slice text);

/* ---- status.c ------------------------------------------------------------------------------ */

/* One JSON object. */
void status_add_answer(const struct parent *parent, struct buf *out);

/* ---- watch.c ------------------------------------------------------------------------------- */

/* Timer and all; the certificates are loaded before, at the start. */
void watch_init(struct parent *parent);
void watch_done(struct parent *parent);
/* Reads what the configuration names. -EINVAL with problems: nothing has changed. */
int watch_load(struct parent *parent, const struct config *config, struct problem_list *problems);
/* MSG_TLS or MSG_FILE, if the role is one that gets them and runs. */
void watch_send(struct parent *parent, enum role to);

/* ---- reload.c ------------------------------------------------------------------------------ */

/* Reads and checks the file. On failure every problem is in the list. */
int reload_read(const char *path, struct config_bundle *ret_bundle, struct config **ret_config,
                struct problem_list *problems);
/* A sealed memfd with the stored form of the bundle, for MSG_CONFIG. -errno. */
int reload_memfd(const struct config_bundle *bundle);

#endif
