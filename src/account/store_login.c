/*
 * Forgetting what the store keeps of an account that is no more. See store_login.h.
 *
 * One transaction: a crash in between must not leave, say, the second factor forgotten and the
 * password in force.
 */
#include "account/store_sql.h"

int store_login_forget_locked(struct store *store, struct slice account)
{
    static const enum store_statement removals[] = {
        STORE_PASSWORDS_REMOVE,    STORE_APP_PASSWORDS_REMOVE, STORE_FACTOR_REMOVE,
        STORE_CERTIFICATES_REMOVE, STORE_GRANTS_REMOVE,        STORE_LIMITS_REMOVE,
        STORE_FREEZE_REMOVE,
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(removals) / sizeof(removals[0]); i++)
        r = sql_run(sql_bind(store, removals[i], account, SLICE_NULL));
    if (r == 0)
        r = sql_run(sql_bind(store, STORE_BLOCK_REMOVE, SLICE("account"), account));
    return r;
}

int store_login_forget(struct store *store, struct slice account)
{
    int r = store_write_begin(store);

    return r < 0 ? r : store_write_end(store, store_login_forget_locked(store, account));
}
