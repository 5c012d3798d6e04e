/*
 * All directories of the configuration: our own store's, and one for each `accounts` section.
 *
 * A section that stays as it is in a new configuration keeps its directory, with its connections
 * and what it remembers. A directory that is gone has answered DIRECTORY_LATER to all who waited.
 */
#ifndef NUNCIO_ACCOUNT_DIRECTORIES_H
#define NUNCIO_ACCOUNT_DIRECTORIES_H

#include "account/directory.h"
#include "io/files.h"
#include "io/loop.h"

struct directories;

/* The loop and the files stay the caller's. */
struct directories *directories_new(struct loop *loop, const struct files *files);
void directories_free(struct directories *directories);
void directories_set_config(struct directories *directories, struct config *config);
/* A file was handed over. */
void directories_refresh(struct directories *directories);
/* See directory_store_set() and directory_store_is_broken(). */
void directories_set_store(struct directories *directories, struct store *store);
bool directories_store_is_broken(const struct directories *directories);
/* NULL while there is none that works. Who reads it tells how that ended. */
struct store *directories_store(const struct directories *directories);
void directories_store_note(struct directories *directories, int result);
/* See directory_store_read_begin(). */
void directories_read_begin(struct directories *directories);
void directories_read_end(struct directories *directories);

/* Where this domain's accounts are; NULL: in a section that is not there. */
struct directory *directories_of(const struct directories *directories,
                                 const struct config_domain *domain);
/* Where this account is, by its domain (which may be an alias of another): NULL: nowhere, the
 * domain is none of ours. */
struct directory *directories_of_account(const struct directories *directories,
                                         struct slice account);
/* What any account can be verified by: a set of enum mechanism. */
unsigned directories_mechanisms(const struct directories *directories);
/* Changes whenever an answer of a directory that is not `fleeting` may have changed. */
uint64_t directories_generation(struct directories *directories, uint64_t now_ms);

#endif
