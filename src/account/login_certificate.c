/*
 * EXTERNAL: the client's verified certificate says who he is. It means the account that its
 * fingerprint is registered to, and the accounts of ours among the addresses that its issuer put
 * into it (subjectAltName); the authzid chooses one of them, and without one the first that there
 * is counts.
 *
 * A certificate is something that one has, and comes with its key: an account that demands a second
 * factor takes it.
 */
#include "account/login_inside.h"

#include "account/login_name.h"

static void add_name(struct conversation *c, struct slice account, struct slice only)
{
    if (only.len && !slice_eq(only, account))
        return;
    for (size_t i = 0; i < c->n_names; i++) {
        if (slice_eq(c->names[i], account))
            return;
    }
    c->names[c->n_names++] = account;
}

/* The accounts that the certificate may mean. False: it has failed. */
static bool collect_names(struct conversation *c)
{
    struct slice authzid = sasl_claim(c->sasl)->authzid, only = SLICE_NULL, account;
    struct store *store = conversation_store(c);
    int r;

    if (!store)
        return false;
    if (authzid.len && !login_name_canonical(c->login->config, authzid, &c->arena, &only)) {
        conversation_fail(c, FAILURE_WRONG, "the authzid is no account of ours");
        return false;
    }
    c->names = arena_alloc(&c->arena, (1 + c->client.n_cert_emails) * sizeof(*c->names));
    r = store_certificate_find(store, &c->arena, c->client.fingerprint, &account);
    if (!conversation_read(c, r))
        return false;
    if (r == 0)
        add_name(c, account, only);
    for (uint32_t i = 0; i < c->client.n_cert_emails; i++) {
        if (slice_find(c->client.cert_emails[i], '@') >= 0 &&
            login_name_canonical(c->login->config, c->client.cert_emails[i], &c->arena, &account))
            add_name(c, account, only);
    }
    return true;
}

static void try_next(struct conversation *c);

static void on_entry(void *arg, enum directory_status status, const struct directory_entry *entry)
{
    struct conversation *c = arg;

    c->directory = NULL;
    if (status == DIRECTORY_LATER)
        conversation_fail(c, FAILURE_LATER, "the accounts cannot be asked now");
    else if (status == DIRECTORY_FOUND && entry->is_account && entry->enabled)
        conversation_accept(c, "certificate");
    else
        try_next(c);
}

static void try_next(struct conversation *c)
{
    while (c->n_names) {
        struct directory *directory;
        c->account = c->names[0];
        c->names++;
        c->n_names--;
        directory = c->login->host.directory_of(c->login->host.arg, c->account);
        if (!directory)
            continue;
        c->directory = directory;
        directory->methods->find(directory, c->account, on_entry, c);
        return;
    }
    conversation_fail(c, FAILURE_WRONG, "the certificate names no account of ours");
}

void login_certificate_claim(struct conversation *c)
{
    if (c->client.fingerprint.len == 0)
        conversation_fail(c, FAILURE_MECHANISM, "no verified certificate");
    else if (conversation_may_try(c) && collect_names(c))
        try_next(c);
}
