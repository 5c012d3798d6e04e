/*
 * The part of the store that logging in is about: passwords, second factors, granted senders,
 * limits, freezes and blocks. The rules of store.h hold: canonical addresses, 0, a positive enum
 * store_result, or -errno. Strings read are from the arena.
 */
#ifndef NUNCIO_ACCOUNT_STORE_LOGIN_H
#define NUNCIO_ACCOUNT_STORE_LOGIN_H

#include "account/store.h"

/* What can verify an account's own password. Empty slices: it has none of that kind. */
struct store_passwords {
    struct slice password;      /* crypt(3) or {SCHEME}, see password.h */
    struct slice scram_sha_256; /* see password_scram() */
    struct slice scram_sha_1;
    struct slice cram_secret; /* the password itself */
};
/* STORE_MISSING: it cannot log in by password. */
int store_passwords_find(struct store *store, struct arena *arena, struct slice account,
                         struct store_passwords *ret_passwords);
/* All at once, made where missing; removed when all are empty. */
int store_passwords_set(struct store *store, struct slice account,
                        const struct store_passwords *passwords);
/* Does any account have it? For what the listeners offer. SCRAM's only where all accounts with a
 * password have it: a client that is offered it takes it. */
struct store_kinds {
    bool password, scram_sha_256, scram_sha_1, cram_secret, certificates;
};
int store_passwords_kinds(struct store *store, struct store_kinds *ret_kinds);

struct store_factor {
    bool required;         /* the password alone is not enough */
    struct slice totp_key; /* raw bytes; empty: none */
    uint64_t totp_last;    /* time step of the last code that counted, 0: none yet */
};
/* STORE_MISSING: none, not required. */
int store_factor_find(struct store *store, struct arena *arena, struct slice account,
                      struct store_factor *ret_factor);
int store_factor_set(struct store *store, struct slice account, const struct store_factor *factor);
/* A code was used: raises totp_last to `step`. STORE_EXISTS when it was there already or above: the
 * code does not count. On disk when it returns. */
int store_factor_use(struct store *store, struct slice account, uint64_t step);

/* Of an account. */
enum { STORE_APP_PASSWORDS_MAX = 100 };

struct store_app_password {
    struct slice account, name;
    struct slice password; /* a hash */
    struct slice networks; /* separated by blanks; empty: any */
    uint64_t created_ms;   /* wall time */
    uint64_t used_ms;      /* 0: never */
    struct slice used_from;
};
int store_app_password_add(struct store *store, const struct store_app_password *app);
int store_app_password_remove(struct store *store, struct slice account, struct slice name);
int store_app_password_used(struct store *store, struct slice account, struct slice name,
                            uint64_t now_ms, struct slice from);
/* Of one account, by name; *ret_list is from the arena. */
int store_app_passwords_find(struct store *store, struct arena *arena, struct slice account,
                             struct store_app_password **ret_list, size_t *ret_count);

int store_certificate_add(struct store *store, struct slice account, struct slice fingerprint,
                          uint64_t now_ms);
int store_certificate_remove(struct store *store, struct slice fingerprint);
int store_certificate_find(struct store *store, struct arena *arena, struct slice fingerprint,
                           struct slice *ret_account);
typedef void store_on_certificate(void *arg, struct slice account, struct slice fingerprint);
int store_certificate_each(struct store *store, store_on_certificate *on_certificate, void *arg);

/* `address` is canonical, or "@domain". */
int store_grant_add(struct store *store, struct slice account, struct slice address);
int store_grant_remove(struct store *store, struct slice account, struct slice address);
/* 0: granted, by itself or by its domain; STORE_MISSING. */
int store_grant_find(struct store *store, struct slice account, struct slice address);
typedef void store_on_grant(void *arg, struct slice account, struct slice address);
int store_grant_each(struct store *store, store_on_grant *on_grant, void *arg);

enum { STORE_LIMIT_DEFAULT = -1 };
/* Each STORE_LIMIT_DEFAULT for the configuration's, 0 for none. */
struct store_limits {
    int64_t message_size;
    int64_t messages_per_minute, messages_per_hour, recipients_per_hour, bounces_per_hour;
};
/* All STORE_LIMIT_DEFAULT when the account has none of its own. */
int store_limits_find(struct store *store, struct slice account, struct store_limits *ret_limits);
int store_limits_set(struct store *store, struct slice account, const struct store_limits *limits);

struct store_freeze {
    struct slice account;
    uint64_t since_ms; /* wall time */
    struct slice why;
    bool tell, told;
};
/* STORE_EXISTS: it is frozen already, and stays as it was. */
int store_freeze_add(struct store *store, const struct store_freeze *freeze);
int store_freeze_remove(struct store *store, struct slice account);
/* Of this very freeze. */
int store_freeze_told(struct store *store, struct slice account, uint64_t since_ms);
int store_freeze_find(struct store *store, struct arena *arena, struct slice account,
                      struct store_freeze *ret_freeze);
typedef void store_on_freeze(void *arg, const struct store_freeze *freeze);
int store_freeze_each(struct store *store, store_on_freeze *on_freeze, void *arg);

struct store_block {
    struct slice kind;    /* "address" or "account" */
    struct slice subject; /* "192.0.2.1", "2001:db8:1:2::/64", or the account */
    uint32_t failures;
    uint64_t since_ms, until_ms; /* wall time */
};
int store_block_set(struct store *store, const struct store_block *block);
int store_block_remove(struct store *store, struct slice kind, struct slice subject);
/* Those whose time was over by then. */
int store_block_expire(struct store *store, uint64_t now_ms);
typedef void store_on_block(void *arg, const struct store_block *block);
int store_block_each(struct store *store, store_on_block *on_block, void *arg);

enum { STORE_SECRET_BYTES = 32 };
int store_secret_find(struct store *store, struct slice name,
                      unsigned char ret_bytes[STORE_SECRET_BYTES]);

/* Everything above that is kept of an account; with store_account_remove(). */
int store_login_forget(struct store *store, struct slice account);

#endif
