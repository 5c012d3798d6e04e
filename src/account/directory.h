/*
 * A directory: where the accounts and aliases of some domains are kept. One interface for our own
 * store, for files, for Dovecot, and for what comes later (SQL, LDAP, PAM). All calls are on the
 * role's loop thread; an answer comes by the callback, at once or later, exactly once, unless the
 * asker has given up (directory_cancel).
 *
 * A directory that cannot tell now says DIRECTORY_LATER, and never "no" instead.
 */
#ifndef NUNCIO_ACCOUNT_DIRECTORY_H
#define NUNCIO_ACCOUNT_DIRECTORY_H

#include "account/store_login.h"
#include "config/config.h"

struct directory;

enum directory_status {
    DIRECTORY_FOUND = 1,
    DIRECTORY_NONE,  /* no such account or alias; or the password is wrong */
    DIRECTORY_LATER, /* cannot tell now */
};

/* What an address is, without its domain's rules (catch-all, postmaster), which are resolve.c's. */
struct directory_entry {
    bool is_account;
    bool enabled;
    bool own_quota;
    uint64_t quota_bytes;
    uint32_t quota_messages;
    struct store_targets targets; /* of the alias; count 0: it is none */
};
/* Strings are the directory's, valid during the call. */
typedef void directory_on_entry(void *arg, enum directory_status status,
                                const struct directory_entry *entry);

/* How a login is verified. */
struct directory_login {
    bool enabled;
    struct store_passwords passwords; /* for us to verify */
    bool checks_itself;               /* there are none: ask directory_check() */
};
typedef void directory_on_login(void *arg, enum directory_status status,
                                const struct directory_login *login);
typedef void directory_on_check(void *arg, enum directory_status status, struct slice why);

struct directory_methods {
    const char *name; /* "store", "file", "dovecot" */
    /* Its answers change without directories_generation() changing: who keeps them forgets them by
     * himself. */
    bool fleeting;
    void (*find)(struct directory *directory, struct slice address, directory_on_entry *answer,
                 void *arg);
    void (*login)(struct directory *directory, struct slice account, directory_on_login *answer,
                  void *arg);
    /* Verifies a password; NULL where `login` gives what is needed. */
    void (*check)(struct directory *directory, struct slice account, struct slice password,
                  struct slice client_address, directory_on_check *answer, void *arg);
    /* No answer for this asker any more. */
    void (*cancel)(struct directory *directory, void *arg);
    /* What its accounts can be verified by: a set of enum mechanism. */
    unsigned (*mechanisms)(struct directory *directory);
    void (*free)(struct directory *directory);
};

struct directory {
    const struct directory_methods *methods;
};

#endif
