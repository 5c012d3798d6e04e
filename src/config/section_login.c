/*
 * The sections about who is speaking: a listener's TLS and AUTH, certificate, accounts, auth. See
 * section.h.
 *
 * The safe choice where a setting is missing: people's programs must use TLS and log in, other
 * servers are offered TLS, nobody is asked for a password in the clear. What must agree between
 * them is check_login.c's business.
 */
#include "config/section.h"

#include "config/suggest.h"
#include "config/value.h"

void section_set_listener_defaults(struct config_listener *listener,
                                   const struct statement *statement)
{
    static const enum config_tls tls[] = {
        [SERVICE_MX] = TLS_OFFERED, [SERVICE_SUBMISSION] = TLS_REQUIRED, [SERVICE_LMTP] = TLS_OFF};

    if (!section_find(statement, "tls"))
        listener->tls = tls[listener->service];
    if (!section_find(statement, "auth") && listener->service == SERVICE_SUBMISSION)
        listener->auth = AUTH_REQUIRED;
    section_ignore_checks(listener);
}

static void complain_mechanism(struct reader *reader, const struct statement *statement,
                               struct slice wrong)
{
    struct suggestion suggestion = suggestion_for(wrong);
    unsigned all = MECHANISM_ALL;

    while (all) {
        enum mechanism mechanism = mechanism_first(all);
        suggestion_offer(&suggestion, slice_from_cstr(mechanism_name(mechanism)));
        all &= ~(unsigned)mechanism;
    }
    setting_complain(reader, statement, "mechanisms: there is no '%.*s' here%s", SLICE_ARG(wrong),
                     suggestion.best.len ? suggestion_text(&suggestion).text
                                         : "; like: mechanisms SCRAM-SHA-256 PLAIN LOGIN");
}

void section_take_mechanisms(struct reader *reader, const struct setting *setting,
                             const struct statement *statement, void *section)
{
    unsigned set = 0;

    if (statement->n_values == 0)
        setting_complain(reader, statement, "mechanisms wants at least one, like: %s",
                         setting->example);
    for (size_t i = 0; i < statement->n_values; i++) {
        enum mechanism mechanism = mechanism_parse(statement->values[i]);
        if (mechanism == 0)
            complain_mechanism(reader, statement, statement->values[i]);
        set |= (unsigned)mechanism;
    }
    memcpy((char *)section + setting->offset, &set, sizeof(set));
}

void section_take_certificate(struct reader *reader, const struct setting *setting,
                              const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_certificate certificate = {.source = statement->source};

    if (!section_name(reader, setting, statement, &certificate.name))
        return;
    section_read_block(reader, setting, statement, certificate.name, &certificate);
    if (!section_find(statement, "chain"))
        setting_complain(reader, statement,
                         "certificate %.*s has no chain; add one like: chain "
                         "/etc/nuncio/tls/fullchain.pem",
                         SLICE_ARG(certificate.name));
    if (!section_find(statement, "key"))
        setting_complain(reader, statement,
                         "certificate %.*s has no key; add one like: key "
                         "/etc/nuncio/tls/privkey.pem",
                         SLICE_ARG(certificate.name));
    config->certificates[config->n_certificates++] = certificate;
}

static void check_dovecot(struct reader *reader, const struct statement *statement,
                          const struct config_accounts *accounts)
{
    section_refuse(reader, statement, "passwd_file",
                   "does not go with Dovecot's sockets; make an accounts section for each");
    if (!section_find(statement, "dovecot_auth"))
        setting_complain(reader, statement,
                         "accounts %.*s has no socket to ask about passwords; add one like: "
                         "dovecot_auth /run/dovecot/auth-client",
                         SLICE_ARG(accounts->name));
    if (!section_find(statement, "dovecot_userdb"))
        setting_complain(reader, statement,
                         "accounts %.*s has no socket to ask who exists; add one like: "
                         "dovecot_userdb /run/dovecot/auth-userdb",
                         SLICE_ARG(accounts->name));
}

void section_take_accounts(struct reader *reader, const struct setting *setting,
                           const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_accounts accounts = {.source = statement->source};

    if (!section_name(reader, setting, statement, &accounts.name))
        return;
    section_read_block(reader, setting, statement, accounts.name, &accounts);
    if (section_find(statement, "dovecot_auth") || section_find(statement, "dovecot_userdb")) {
        accounts.kind = ACCOUNTS_DOVECOT;
        check_dovecot(reader, statement, &accounts);
    } else if (!section_find(statement, "passwd_file")) {
        setting_complain(reader, statement,
                         "accounts %.*s does not say where they are; add one of: passwd_file "
                         "/etc/nuncio/passwd, dovecot_auth /run/dovecot/auth-client",
                         SLICE_ARG(accounts.name));
    }
    config->accounts[config->n_accounts++] = accounts;
}

void section_take_domain_accounts(struct reader *reader, const struct setting *setting,
                                  const struct statement *statement, void *section)
{
    struct config_domain *domain = section;

    setting_take_name(reader, setting, statement, section);
    setting_refer(reader, REFERENCE_ACCOUNTS, domain->accounts, statement->source);
}

/* A path that fits into a sockaddr_un; "unix:/path" as endpoints are written is taken too. */
void section_take_socket_path(struct reader *reader, const struct setting *setting,
                              const struct statement *statement, void *section)
{
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (slice_starts_with_nocase(value, SLICE("unix:")))
        value = slice_skip(value, strlen("unix:"));
    if (value.len < 2 || value.ptr[0] != '/' || value.len > 100) {
        setting_complain(reader, statement,
                         "%s wants the absolute path of a socket, of at most 100 bytes, like: %s",
                         setting->word, setting->example);
        return;
    }
    value = setting_keep(reader, value);
    memcpy((char *)section + setting->offset, &value, sizeof(value));
}

void section_take_url(struct reader *reader, const struct setting *setting,
                      const struct statement *statement, void *section)
{
    struct value_url url;
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!value_parse_url(value, &url))
        setting_complain(reader, statement, "%s: '%.*s' is not a URL of it; like: %s",
                         setting->word, SLICE_ARG(value), setting->example);
    else if (!url.tls && !value_is_loopback(url.host))
        setting_complain(reader, statement,
                         "%s: tokens would go to %.*s in the clear; write https://, http:// is "
                         "for this machine alone",
                         setting->word, SLICE_ARG(url.host));
    value = setting_keep(reader, value);
    memcpy((char *)section + setting->offset, &value, sizeof(value));
}

void section_take_oauth(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    bool id, secret;

    setting_take_section(reader, setting, statement, section);
    id = section_find(statement, "client_id");
    secret = section_find(statement, "client_secret_file");
    if (!section_find(statement, "introspection"))
        setting_complain(
            reader, statement,
            "oauth does not say who is asked about tokens; add one like: introspection "
            "https://login.example.org/introspect");
    if (id != secret)
        setting_complain(reader, statement, "oauth has %s; add %s",
                         id ? "a client_id without a secret" : "a secret without its client_id",
                         id ? "client_secret_file /etc/nuncio/oauth.secret" : "client_id nuncio");
}

void section_take_auth(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    const struct config_auth *auth = &reader->config->auth;

    setting_take_section(reader, setting, statement, section);
    if (auth->block_first_ms > auth->block_max_ms)
        setting_complain(reader, statement,
                         "block_first is longer than block_max; make it shorter");
}
