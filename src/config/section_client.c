/*
 * Who we are at other servers: a route's login and its token. See section.h.
 */
#include "config/section.h"

enum { OAUTH = MECHANISM_OAUTHBEARER | MECHANISM_XOAUTH2 };

static void want(struct reader *reader, const struct statement *statement, const char *word,
                 const char *what, const char *example)
{
    if (!section_find(statement, word))
        setting_complain(reader, statement, "%.*s %s; add one like: %s", SLICE_ARG(statement->word),
                         what, example);
}

void section_take_token(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    setting_take_section(reader, setting, statement, section);
    want(reader, statement, "endpoint", "does not say who gives tokens",
         "endpoint https://login.example.net/token");
    want(reader, statement, "client_id", "does not say as whom it asks", "client_id nuncio");
    want(reader, statement, "refresh_token_file", "has nothing to get tokens for",
         "refresh_token_file /etc/nuncio/smarthost.token");
}

/* Which mechanisms there are secrets for. */
static unsigned possible(const struct statement *statement)
{
    unsigned set = 0;

    if (section_find(statement, "password_file"))
        set |= MECHANISM_ALL & ~(unsigned)(OAUTH | MECHANISM_EXTERNAL);
    if (section_find(statement, "token"))
        set |= OAUTH;
    return set;
}

static void check_mechanisms(struct reader *reader, const struct statement *statement,
                             unsigned named)
{
    const struct statement *line = section_find(statement, "mechanisms");
    unsigned set = possible(statement);

    if (!line || !set)
        return;
    if (named & MECHANISM_EXTERNAL)
        setting_complain(reader, line,
                         "mechanisms: EXTERNAL needs a certificate, and a login has none; remove "
                         "it");
    else if ((named & set) == 0)
        setting_complain(reader, line, "mechanisms: none of them is for %s",
                         section_find(statement, "token") ? "a token; add one of: XOAUTH2, "
                                                            "OAUTHBEARER"
                                                          : "a password; XOAUTH2 and OAUTHBEARER "
                                                            "need a 'token { }'");
}

void section_take_login(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    struct config_route *route = section;

    setting_take_section(reader, setting, statement, section);
    want(reader, statement, "user", "does not say as whom", "user relay@example.net");
    if (!possible(statement))
        setting_complain(reader, statement,
                         "login has neither a password nor a token; add one like: password_file "
                         "/etc/nuncio/smarthost.password");
    check_mechanisms(reader, statement, route->login.mechanisms);
    route->login.mechanisms &= possible(statement);
}
