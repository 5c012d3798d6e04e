/*
 * Logging in: the SASL conversations that receive passes on, from their first step to the verdict,
 * with everything a verdict depends on: passwords, second factors, certificates, tokens, and who
 * has guessed too often.
 *
 * Nothing here blocks: hashes and HTTP run on threads, directories answer when they can. What can
 * not be told now is 454, never 535 and never yes.
 *
 * A failure is answered a fixed while after the response that caused it (`delay_ms`, or a multiple
 * where verifying took longer), with the same words for an unknown name, a wrong password and a
 * disabled account; only `why`, for the log, tells them apart. Who is blocked gets 454 without a
 * verification: that tells him nothing but that he is blocked, it says the same for names that
 * exist and names that do not, and an owner's mail program keeps its password and tries again
 * later, where 535 would make it ask for another one.
 *
 * All calls are the loop's. The loop's wake-up (loop_on_wake) becomes ours.
 */
#ifndef NUNCIO_ACCOUNT_LOGIN_H
#define NUNCIO_ACCOUNT_LOGIN_H

#include "account/directory.h"
#include "base/exposition.h"
#include "config/config.h"
#include "io/files.h"
#include "io/login_message.h"
#include "io/loop.h"

struct login;

enum { LOGIN_CONVERSATIONS_MAX = 4096, LOGIN_IDLE_MS = 5 * 60 * 1000 };

/* What it stands on. */
struct login_host {
    void (*send)(void *arg, enum role to, uint16_t type, struct slice payload);
    /* Where an account is kept; NULL: its domain is none of ours. */
    struct directory *(*directory_of)(void *arg, struct slice account);
    /* NULL: there is none that works. Every result of a call is told to store_note. */
    struct store *(*store)(void *arg);
    void (*store_note)(void *arg, int result);
    void *arg;
};

/* NULL when a library cannot be initialised. Before lock_in; the files stay the caller's. */
struct login *login_new(const struct login_host *host, struct loop *loop, struct config *config,
                        const struct files *files);
/* After lock_in. 0 or -errno. */
int login_start(struct login *login);
void login_free(struct login *login); /* NULL is fine */

/* Takes a reference. */
void login_set_config(struct login *login, struct config *config);
void login_files_changed(struct login *login);
/* The store was opened (again). */
void login_store_opened(struct login *login);

void login_peer_up(struct login *login, enum role peer);
void login_peer_down(struct login *login, enum role peer);
/* MSG_SASL. The payload may hold secrets, and is the caller's to wipe. */
void login_sasl(struct login *login, enum role from, struct slice payload);

/* Members of a JSON object. */
void login_status(struct login *login, struct buf *json);
void login_metrics(struct login *login, struct exposition *exposition);

#endif
