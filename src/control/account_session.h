/*
 * What `nuncio account` and `nuncio alias` share: their options, the configuration, the store, and
 * the addresses that belong to this server.
 *
 * The commands open the store themselves, so they work whether the server runs or not; a running
 * one sees the change by itself. Called by root they become the owner of the accounts folder for
 * good before they touch it, so that nothing in it is ever root's.
 */
#ifndef NUNCIO_CONTROL_ACCOUNT_SESSION_H
#define NUNCIO_CONTROL_ACCOUNT_SESSION_H

#include "account/store_login.h"
#include "config/config.h"
#include "control/account_options.h"

#include <stdio.h>

struct account_session {
    const struct account_options *options;
    const char *config_path;
    struct config *config;
    struct slice state;
    struct store *store;
    struct arena arena;
    FILE *file; /* the action's, or NULL and why */
    int file_error;
};

/* `nuncio account add` and the like. */
struct account_action {
    const char *name;
    /* Returns the exit code. `arguments` are those behind the name. */
    int (*run)(struct account_session *session, char **arguments, int n);
    int least, most;  /* arguments */
    unsigned options; /* TAKES(OPTION_...) | ... */
    int file; /* which argument is a file to read; 0: none. A missing one is no failure yet */
    const char *help; /* its own, or NULL */
};

/* Reads the options, does the action that is named first, returns the exit code. */
int account_session_run(int argc, char **argv, const char *help,
                        const struct account_action *actions, size_t n_actions);

/* The canonical form of an address; with `ours` it must be one that can be an account or alias
 * under the present configuration. EX_OK, or another exit code after telling why not. */
int account_session_address(struct account_session *session, const char *text, bool ours,
                            struct slice *ret_address);

/* The canonical form of an address that is an account, here or in a directory elsewhere. */
int account_session_account(struct account_session *session, const char *text,
                            struct slice *ret_address);
/* Are the accounts of its domain kept in an `accounts` section? */
bool account_session_elsewhere(struct account_session *session, struct slice address,
                               struct slice *ret_name);
/* EX_OK, or EX_USAGE after telling where instead: an entry of ours in a domain whose accounts are
 * in such a section would never be asked for. `alias`: the entry is no account but an alias. */
int account_session_counts(struct account_session *session, struct slice address, bool alias);
/* Says that there is none, and returns the exit code. */
int account_session_no_account(struct slice address);

/* Tells about a failure of the store (negative), and returns the exit code. */
int account_session_failed(struct account_session *session, int error);

/* The object on a line of standard output; takes it over. */
struct json_t;
void account_session_print(struct json_t *object);

#endif
