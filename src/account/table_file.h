/*
 * A file of the configuration that is read into a table: which version of it was seen, and what is
 * said when it is not good. The table itself is its owner's.
 */
#ifndef NUNCIO_ACCOUNT_TABLE_FILE_H
#define NUNCIO_ACCOUNT_TABLE_FILE_H

#include "account/alias_table.h"
#include "io/files.h"

struct table_file {
    struct slice path; /* the owner's; empty: no such file is configured */
    unsigned version;  /* that was seen, 0: none yet */
};

/* Whether there is a text that was not seen before. One that cannot be read is logged. */
bool table_file_next(struct table_file *file, const struct files *files, struct slice *ret_text);
/* Logs the problems (ten, and how many more) at most as errors: the old table stays. */
void table_file_complain(struct problem_list *problems);
void table_file_warn(struct problem_list *warnings);
/* The table of a newer good text replaces *table. */
void table_file_refresh_aliases(struct table_file *file, const struct files *files,
                                struct alias_table **table);

#endif
