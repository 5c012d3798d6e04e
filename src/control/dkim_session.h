/*
 * What the actions of `nuncio dkim` share: their options, the configuration, and the folder of
 * keys, which they open themselves as its owner, whether the server runs or not. A running one sees
 * a change within seconds.
 */
#ifndef NUNCIO_CONTROL_DKIM_SESSION_H
#define NUNCIO_CONTROL_DKIM_SESSION_H

#include "config/config.h"
#include "keys/key_store.h"

enum dkim_option {
    DKIM_OPTION_SELECTOR,
    DKIM_OPTION_SENDER,
    DKIM_OPTION_ALGORITHM,
    DKIM_OPTION_BITS,
    DKIM_OPTION_FORCE,
    DKIM_OPTIONS,
};

struct dkim_options {
    const char *config, *state;
    bool json, help;
    const char *given[DKIM_OPTIONS]; /* the value, "" for one without; NULL where it is not given */
    char **arguments;                /* what is not an option */
    int n_arguments;
};
/* False after telling what is wrong. */
bool dkim_options_read(int argc, char **argv, struct dkim_options *ret_options);

struct dkim_session {
    const struct dkim_options *options;
    const char *config_path;
    struct config *config;
    struct arena arena;
    int folder, lock;     /* lock: -1 unless the action writes */
    struct key_list list; /* as it was after the lock was taken */
    uint64_t now_s;
};

/* Opens it, locked when the action `writes`. EX_OK, or another exit code after telling why; to be
 * closed in any case. */
int dkim_session_open(struct dkim_session *session, const struct dkim_options *options,
                      bool writes);
void dkim_session_close(struct dkim_session *session);

/* The domain as it is stored. EX_OK, or EX_DATAERR after telling what is wrong with it. */
int dkim_session_domain(struct dkim_session *session, const char *text, struct slice *ret_domain);
/* Tells of a failure of the folder (negative), and returns the exit code. */
int dkim_session_failed(int error);

/* Retired for so long, a key is of no use to anybody: mail that it signed has arrived or come back
 * by then, here and at the servers behind. */
uint64_t dkim_overlap_s(const struct config *config);

#endif
