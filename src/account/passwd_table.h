/*
 * A user table in the form of Dovecot's passwd-file:
 *
 *     joe@example.org:{SSHA256}...:1000:1000::/home/joe::userdb_quota_rule=*:storage=1G
 *     ann:$y$j9T$...
 *
 * User, password, uid, gid, gecos, home, shell and extra fields, of which all but the first may be
 * missing. We use the user, the password, and of the extra fields userdb_quota_rule and those that
 * forbid a login: `nologin`, and `allow_nets`, which we do not check and so take for a "no" (with a
 * warning). A name without a domain is there in every domain that uses the table. Empty lines and
 * lines that begin with "#" are left out.
 *
 * Pure. A table with a mistake in it is none: half a table would bounce the other half's mail.
 */
#ifndef NUNCIO_ACCOUNT_PASSWD_TABLE_H
#define NUNCIO_ACCOUNT_PASSWD_TABLE_H

#include "account/quota_rule.h"
#include "base/problem.h"

struct passwd_table;

struct passwd_user {
    struct slice password; /* as password.h takes it; empty: it cannot log in */
    bool own_quota;
    struct quota_rule quota;
};

/* NULL with at least one problem. Warnings are for people; the table is good all the same. Holds
 * secrets; the text is not needed any more. */
struct passwd_table *passwd_table_parse(struct slice file, struct slice text,
                                        struct problem_list *problems,
                                        struct problem_list *warnings);
void passwd_table_free(struct passwd_table *table); /* NULL is fine */
size_t passwd_table_count(const struct passwd_table *table);
/* By canonical address. NULL: nobody. */
const struct passwd_user *passwd_table_find(const struct passwd_table *table, struct slice address);

#endif
