/*
 * The directory of a Dovecot: its userdb says who exists, its auth service verifies passwords, and
 * an aliases file of ours may stand beside it, since Dovecot knows no aliases.
 */
#ifndef NUNCIO_ACCOUNT_DIRECTORY_DOVECOT_H
#define NUNCIO_ACCOUNT_DIRECTORY_DOVECOT_H

#include "account/directory.h"
#include "io/files.h"
#include "io/loop.h"

enum { DOVECOT_KNOWN_MS = 60 * 1000, DOVECOT_UNKNOWN_MS = 10 * 1000 };

/* The loop and the files stay the caller's. */
struct directory *directory_dovecot_new(const struct config_accounts *accounts, struct loop *loop,
                                        const struct files *files);
/* The aliases file may have changed. */
void directory_dovecot_refresh(struct directory *directory);

#endif
