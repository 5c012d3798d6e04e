/*
 * SCRAM and CRAM-MD5: the client proves that he knows the password, and never shows it. They cannot
 * carry a second factor, so an account that demands one is refused; but only when the proof was
 * right, since a stranger must not learn from it which accounts there are.
 *
 * For a name that is nobody's, an account without a verifier and one that is disabled the keys are
 * false ones, made from the name under the store's secret.
 */
#include "account/login_inside.h"

#include "account/verifier.h"

#include <string.h>

static enum password_digest digest_of(const struct conversation *c)
{
    return (unsigned)c->mechanism & (MECHANISM_SCRAM_SHA_1 | MECHANISM_SCRAM_SHA_1_PLUS)
               ? PASSWORD_SHA_1
               : PASSWORD_SHA_256;
}

static bool true_keys(const struct conversation *c, const struct store_passwords *passwords,
                      struct sasl_keys *ret_keys)
{
    if (c->mechanism == MECHANISM_CRAM_MD5) {
        *ret_keys = (struct sasl_keys){.known = true, .secret = passwords->cram_secret};
        return passwords->cram_secret.len > 0;
    }
    return verifier_parse(digest_of(c) == PASSWORD_SHA_1 ? passwords->scram_sha_1
                                                         : passwords->scram_sha_256,
                          digest_of(c), ret_keys);
}

static void provide_false(struct conversation *c)
{
    struct slice name = c->account.len ? c->account : sasl_claim(c->sasl)->name;
    unsigned char secret[STORE_SECRET_BYTES];
    struct store *store = conversation_store(c);
    struct sasl_keys keys;
    int r;

    if (!store)
        return;
    r = store_secret_find(store, SLICE("false-salt"), secret);
    if (!conversation_read(c, r))
        return;
    if (r != 0) {
        conversation_fail(c, FAILURE_LATER, "the store has lost its secret");
        return;
    }
    verifier_make_false(secret, digest_of(c), name, &c->arena, &keys);
    explicit_bzero(secret, sizeof(secret));
    conversation_go_on(c, sasl_provide(c->sasl, &keys));
}

static void on_login(void *arg, enum directory_status status, const struct directory_login *login)
{
    struct conversation *c = arg;
    struct sasl_keys keys;

    c->directory = NULL;
    if (status == DIRECTORY_LATER)
        conversation_fail(c, FAILURE_LATER, "the accounts cannot be asked now");
    else if (status == DIRECTORY_FOUND && login->enabled && true_keys(c, &login->passwords, &keys))
        conversation_go_on(c, sasl_provide(c->sasl, &keys));
    else
        provide_false(c);
}

void login_proof_lookup(struct conversation *c)
{
    struct directory *directory;

    if (!conversation_name(c, sasl_claim(c->sasl)->name))
        return;
    directory = c->account.len ? c->login->host.directory_of(c->login->host.arg, c->account) : NULL;
    if (!directory) {
        provide_false(c);
        return;
    }
    c->directory = directory;
    directory->methods->login(directory, c->account, on_login, c);
}

void login_proof_proved(struct conversation *c)
{
    struct store *store;

    if (!conversation_may_try(c))
        return;
    store = conversation_store(c);
    if (!store ||
        !conversation_read(c, store_factor_find(store, &c->arena, c->account, &c->factor)))
        return;
    if (c->factor.required)
        conversation_fail(c, FAILURE_PROOF,
                          "the password is right, and a second factor is demanded");
    else
        conversation_accept(c, mechanism_name(c->mechanism));
}
