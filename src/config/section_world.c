/*
 * What the server needs to find its way in the world and to tell of it: dns, tls_report, history,
 * web. See section.h.
 */
#include "config/section.h"

#include "config/value.h"

/* Resolvers cannot be found by name: they are what names are found by. */
static void check_servers(struct reader *reader, const struct config_endpoints *servers,
                          const char *word)
{
    uint8_t address[16];
    int family;

    for (size_t i = 0; i < servers->count; i++) {
        const struct config_endpoint *server = &servers->list[i];
        if (server->kind != ENDPOINT_INET || !value_parse_ip(server->host, &family, address))
            problem_add(reader->problems, server->source.file, server->source.line,
                        "%s: '%.*s' is not an IP address; like: %s 192.0.2.53:53", word,
                        SLICE_ARG(server->host), word);
    }
}

void section_take_dns(struct reader *reader, const struct setting *setting,
                      const struct statement *statement, void *section)
{
    const struct config_dns *dns = &reader->config->dns;

    setting_take_section(reader, setting, statement, section);
    check_servers(reader, &dns->servers, "server");
    check_servers(reader, &dns->stubs, "stub");
    if (dns->recurse)
        section_refuse(reader, statement, "server",
                       "does not go with 'recurse yes': either this server is asked, or the "
                       "world's own ones; keep one of them");
    if (dns->stubs.count)
        section_refuse(reader, statement, "server",
                       "does not go with stub: a stub stands for the root servers, and nobody is "
                       "forwarded to; keep one of them");
    if (!dns->validate)
        section_refuse(reader, statement, "trust_anchor",
                       "does nothing with 'validate no'; remove one of them");
}

void section_take_trust_anchor(struct reader *reader, const struct setting *setting,
                               const struct statement *statement, void *section)
{
    struct config_dns *dns = section;
    struct slice path = SLICE_NULL, *list;
    struct setting one = *setting;

    one.offset = 0;
    setting_take_path(reader, &one, statement, &path);
    if (path.len == 0)
        return;
    list = arena_alloc(&reader->config->arena, (dns->n_trust_anchors + 1) * sizeof(*list));
    if (dns->n_trust_anchors)
        memcpy(list, dns->trust_anchors, dns->n_trust_anchors * sizeof(*list));
    list[dns->n_trust_anchors++] = path;
    dns->trust_anchors = list;
}

void section_take_tls_report(struct reader *reader, const struct setting *setting,
                             const struct statement *statement, void *section)
{
    setting_take_section(reader, setting, statement, section);
    if (reader->config->tls_report.send)
        return;
    section_refuse(reader, statement, "contact", "does nothing with 'send no'; remove one of them");
    section_refuse(reader, statement, "from", "does nothing with 'send no'; remove one of them");
}

/* `history off`, or a block. */
void section_take_history(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section)
{
    struct config_history *history = &reader->config->history;

    if (statement->has_block) {
        setting_take_section(reader, setting, statement, section);
    } else if (statement->n_values == 1 && slice_eq(statement->values[0], SLICE("off"))) {
        history->keep = false;
    } else {
        setting_complain(reader, statement, "history is 'off', or a block, like: %s",
                         setting->example);
    }
}

void section_take_web(struct reader *reader, const struct setting *setting,
                      const struct statement *statement, void *section)
{
    const struct config_endpoints *web = &reader->config->web;
    uint8_t address[16];
    int family;

    setting_take_section(reader, setting, statement, section);
    for (size_t i = 0; i < web->count; i++) {
        struct slice host = web->list[i].host;
        if (web->list[i].kind != ENDPOINT_INET ||
            (!slice_eq(host, SLICE("*")) && !value_parse_ip(host, &family, address)))
            setting_complain(reader, statement,
                             "listen: '%.*s' is not an IP address; like: listen 127.0.0.1:9925",
                             SLICE_ARG(host));
    }
}
