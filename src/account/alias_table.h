/*
 * An aliases file:
 *
 *     # comment
 *     team:            joe@example.org, ann@example.org,
 *                      bob
 *     sales@b.example: team
 *     hook:            program:archive
 *
 * A line that begins with a blank goes on with the one before. A name or target without a domain
 * means the domain of the address that is looked up. The ":" may be missing, as in Postfix's
 * virtual tables. What other servers allow and this one does not is refused with the words what to
 * write instead: "|command", "/file", ":include:file", and "@domain" for a catch-all.
 *
 * Pure. A table with a mistake in it is none.
 */
#ifndef NUNCIO_ACCOUNT_ALIAS_TABLE_H
#define NUNCIO_ACCOUNT_ALIAS_TABLE_H

#include "account/store.h"
#include "base/problem.h"

struct alias_table;

/* NULL with at least one problem. The text is not needed any more. */
struct alias_table *alias_table_parse(struct slice file, struct slice text,
                                      struct problem_list *problems);
void alias_table_free(struct alias_table *table); /* NULL is fine */
size_t alias_table_count(const struct alias_table *table);
/* By canonical address; the targets are complete addresses or "program:NAME", from the arena. False
 * when it is no alias. */
bool alias_table_find(const struct alias_table *table, struct slice address, struct arena *arena,
                      struct store_targets *ret_targets);

#endif
