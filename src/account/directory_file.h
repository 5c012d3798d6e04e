/*
 * The directory of a user table (passwd_table.h) and an aliases file (alias_table.h), as the parent
 * hands them over. Answers at once.
 */
#ifndef NUNCIO_ACCOUNT_DIRECTORY_FILE_H
#define NUNCIO_ACCOUNT_DIRECTORY_FILE_H

#include "account/directory.h"
#include "io/files.h"

/* The files stay the caller's. */
struct directory *directory_file_new(const struct config_accounts *accounts,
                                     const struct files *files);
/* A file may have changed. */
void directory_file_refresh(struct directory *directory);

#endif
