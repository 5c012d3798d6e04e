/*
 * The actions of `nuncio account`, a file for each group of them; cmd_account.c has their table.
 * Each gets the arguments behind its name and returns an exit code.
 */
#ifndef NUNCIO_CONTROL_ACCOUNT_ACTIONS_H
#define NUNCIO_CONTROL_ACCOUNT_ACTIONS_H

#include "control/account_session.h"

typedef int account_run(struct account_session *session, char **arguments, int n);

/* account_mailbox.c */
account_run account_list, account_remove, account_quota, account_enable, account_disable;
/* account_passwd.c */
account_run account_add, account_passwd, account_cram;
/* account_app_password.c */
account_run account_app_password;
/* account_factor.c */
account_run account_totp, account_second_factor;
/* account_certificate.c */
account_run account_certificate;
/* account_grant.c */
account_run account_grant;
/* account_limit.c */
account_run account_limit;
/* account_freeze.c */
account_run account_freeze, account_thaw, account_blocked;
/* account_table.c */
account_run account_import, account_export;

/* Can it be a mailbox's name? account_mailbox.c */
int account_check_folder_name(struct account_session *session, struct slice address);
/* SIZE and --messages into the account. */
int account_read_quota(struct account_session *session, const char *size,
                       struct store_account *account);
/* As `list` shows it. */
void account_print(struct account_session *session, const struct store_account *account);

/* "2026-01-31T12:00:00Z" from wall time in milliseconds; "never" for 0. */
struct account_time {
    char text[32];
};
struct account_time account_time(uint64_t ms);

#endif
