/* Names of accounts as people type them. See login_name.h. */
#include "account/login_name.h"

#include "account/sasl.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "mail/address.h"

#include <gsasl.h>
#include <string.h>

bool login_name_prepare(struct slice text, struct arena *arena, struct slice *ret_prepared)
{
    char *copy, *prepared = NULL;
    int code;

    if (!utf8_is_valid(text) || slice_find(text, '\0') >= 0)
        return false;
    copy = xslicedup(text);
    code = gsasl_saslprep(copy, GSASL_ALLOW_UNASSIGNED, &prepared, NULL);
    explicit_bzero(copy, text.len);
    free(copy);
    if (code != GSASL_OK)
        return false;
    *ret_prepared = arena_dup(arena, slice_from_cstr(prepared));
    explicit_bzero(prepared, strlen(prepared));
    gsasl_free(prepared);
    return true;
}

/* The only local domain there is, aliases of it aside; or NULL. */
static const struct config_domain *only_domain(const struct config *config)
{
    const struct config_domain *only = NULL;

    for (size_t i = 0; i < config->n_domains; i++) {
        const struct config_domain *domain = &config->domains[i];
        if (!domain->local || domain->alias_of.len)
            continue;
        if (only)
            return NULL;
        only = domain;
    }
    return only;
}

static bool complete(const struct config *config, struct slice name, struct arena *arena,
                     struct slice *ret_mailbox)
{
    const struct config_domain *domain;

    if (slice_find(name, '@') >= 0) {
        *ret_mailbox = name;
        return true;
    }
    domain = only_domain(config);
    if (!domain)
        return false;
    *ret_mailbox = arena_printf(arena, "%.*s@%.*s", SLICE_ARG(name), SLICE_ARG(domain->name));
    return true;
}

bool login_name_canonical(const struct config *config, struct slice name, struct arena *arena,
                          struct slice *ret_account)
{
    const struct config_domain *domain;
    struct address address;
    struct slice mailbox;

    if (name.len == 0 || name.len > SASL_NAME_MAX || !login_name_prepare(name, arena, &name) ||
        !complete(config, name, arena, &mailbox) ||
        address_parse_mailbox(mailbox, ADDRESS_UTF8, &address).error != ADDRESS_OK ||
        address.kind != ADDRESS_DOMAIN)
        return false;
    domain = config_find_domain(config, address.domain);
    if (!domain)
        return false;
    if (domain->alias_of.len)
        mailbox =
            arena_printf(arena, "%.*s@%.*s", SLICE_ARG(address.local), SLICE_ARG(domain->alias_of));
    *ret_account = address_key(arena, mailbox);
    return true;
}
