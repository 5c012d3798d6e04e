/*
 * Who is blocked (account/throttle.h), kept in the store as well: so that blocks survive a restart,
 * `nuncio account blocked` shows them, and lifts one by removing it there.
 */
#ifndef NUNCIO_ACCOUNT_LOGIN_BLOCKS_H
#define NUNCIO_ACCOUNT_LOGIN_BLOCKS_H

#include "account/store_login.h"
#include "config/config.h"

struct login_blocks;

struct login_blocks *login_blocks_new(const struct config_auth *rules);
void login_blocks_free(struct login_blocks *blocks);
void login_blocks_set_rules(struct login_blocks *blocks, const struct config_auth *rules);

bool login_blocks_may_try(struct login_blocks *blocks, struct slice address, struct slice account);
/* Whether the account has logged in from there. */
bool login_blocks_knows(struct login_blocks *blocks, struct slice address, struct slice account);
void login_blocks_succeeded(struct login_blocks *blocks, struct slice address,
                            struct slice account);
/* Begins blocks where it is due: they are logged, and stored when there is a store. 0 or what the
 * store said; the block is in force all the same. */
int login_blocks_failed(struct login_blocks *blocks, struct store *store, struct slice address,
                        struct slice account);

/* The store was opened, or somebody else has changed it: what is in it is put in force, and what
 * is gone from it is lifted. 0 or -errno. */
int login_blocks_read(struct login_blocks *blocks, struct store *store, bool opened);
/* What is over is taken out of memory and of the store. To be called now and then. 0 or -errno. */
int login_blocks_expire(struct login_blocks *blocks, struct store *store);
size_t login_blocks_count(const struct login_blocks *blocks);

#endif
