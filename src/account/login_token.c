/*
 * XOAUTH2 and OAUTHBEARER: the server that issued the token says for which account it is good; the
 * account must be one of ours, and the one that the client names when it names one. An account that
 * demands a second factor takes a token: demanding one is that server's business then.
 */
#include "account/login_inside.h"

#include "account/login_name.h"

void login_token_claim(struct conversation *c)
{
    const struct sasl_claim *claim = sasl_claim(c->sasl);

    /* Only for the counting: whether he is that one is the token's to say. */
    if (claim->authzid.len &&
        !login_name_canonical(c->login->config, claim->authzid, &c->arena, &c->account))
        c->account = SLICE_NULL;
    if (!conversation_may_try(c))
        return;
    if (oauth_ask(c->login->oauth, c->job, claim->secret) < 0)
        conversation_fail(c, FAILURE_BUSY, "too many tokens to ask about");
}

static void on_entry(void *arg, enum directory_status status, const struct directory_entry *entry)
{
    struct conversation *c = arg;

    c->directory = NULL;
    if (status == DIRECTORY_LATER)
        conversation_fail(c, FAILURE_LATER, "the accounts cannot be asked now");
    else if (status != DIRECTORY_FOUND || !entry->is_account)
        conversation_fail(c, FAILURE_WRONG, "the token is for no account of ours");
    else if (!entry->enabled)
        conversation_fail(c, FAILURE_WRONG, "the account is disabled");
    else
        conversation_accept(c, "token");
}

void login_token_answered(struct conversation *c, const struct oauth_answer *answer)
{
    struct slice wanted = sasl_claim(c->sasl)->authzid, account;
    struct directory *directory;

    if (!conversation_may_try(c))
        return;
    if (answer->verdict != OAUTH_GOOD) {
        conversation_fail(c, answer->verdict == OAUTH_LATER ? FAILURE_LATER : FAILURE_WRONG,
                          answer->why);
        return;
    }
    if (!login_name_canonical(c->login->config, answer->account, &c->arena, &account)) {
        conversation_fail(c, FAILURE_WRONG, "the token is for no account of ours");
        return;
    }
    if (wanted.len && !slice_eq(c->account, account)) {
        conversation_fail(c, FAILURE_WRONG, "the token is for another account");
        return;
    }
    c->account = account;
    directory = c->login->host.directory_of(c->login->host.arg, account);
    if (!directory) {
        conversation_fail(c, FAILURE_WRONG, "the token is for no account of ours");
        return;
    }
    c->directory = directory;
    directory->methods->find(directory, account, on_entry, c);
}
