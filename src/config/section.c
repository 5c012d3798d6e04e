/*
 * Named sections, and what must agree within one of them. See section.h. What must agree between
 * sections is check.c's business.
 *
 * The safe choice where a setting is missing: a domain's recipients must be accounts or aliases,
 * a full mailbox defers, a program has a user of its own and a time limit.
 */
#include "config/section.h"

#include "config/value.h"
#include "mail/address.h"

#include <errno.h>

/* A server that is down so long is still expected back: that is what a backup is for. */
#define BACKUP_EXPIRE_MS (UINT64_C(30) * 24 * 3600 * 1000)

const struct statement *section_find(const struct statement *section, const char *word)
{
    for (const struct statement *line = section->block; line; line = line->next) {
        if (slice_eq(line->word, slice_from_cstr(word)))
            return line;
    }
    return NULL;
}

void section_refuse(struct reader *reader, const struct statement *section, const char *word,
                    const char *why)
{
    const struct statement *line = section_find(section, word);

    if (line)
        setting_complain(reader, line, "%s %s", word, why);
}

void section_reserve(struct config *config, const struct statement *first)
{
    size_t listeners = 0, domains = 0, routes = 1, programs = 0, certificates = 0, accounts = 0;
    size_t destinations = 0, authors = 0;

    for (const struct statement *statement = first; statement; statement = statement->next) {
        listeners += slice_eq(statement->word, SLICE("listen"));
        domains += slice_eq(statement->word, SLICE("domain"));
        routes += slice_eq(statement->word, SLICE("route"));
        routes += slice_eq(statement->word, SLICE("relay"));
        if (slice_eq(statement->word, SLICE("destination"))) {
            routes++;
            destinations += statement->n_values;
        }
        if (slice_eq(statement->word, SLICE("author")))
            authors += statement->n_values;
        programs += slice_eq(statement->word, SLICE("program"));
        certificates += slice_eq(statement->word, SLICE("certificate"));
        accounts += slice_eq(statement->word, SLICE("accounts"));
    }
    config->listeners = arena_alloc(&config->arena, listeners * sizeof(*config->listeners));
    config->domains = arena_alloc(&config->arena, domains * sizeof(*config->domains));
    config->routes = arena_alloc(&config->arena, routes * sizeof(*config->routes));
    config->destinations =
        arena_alloc(&config->arena, destinations * sizeof(*config->destinations));
    config->programs = arena_alloc(&config->arena, programs * sizeof(*config->programs));
    config->certificates =
        arena_alloc(&config->arena, certificates * sizeof(*config->certificates));
    config->accounts = arena_alloc(&config->arena, accounts * sizeof(*config->accounts));
    config->authors = arena_alloc(&config->arena, authors * sizeof(*config->authors));
}

bool section_name(struct reader *reader, const struct setting *setting,
                  const struct statement *statement, struct slice *ret_name)
{
    struct slice name;

    if (!setting_one_value(reader, setting, statement, &name))
        return false;
    if (!value_is_name(name)) {
        setting_complain(reader, statement,
                         "%s wants a name of letters, digits, '.', '_' and '-', not '%.*s'",
                         setting->word, SLICE_ARG(name));
        return false;
    }
    *ret_name = setting_keep(reader, name);
    return true;
}

void section_read_block(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, struct slice name, void *section)
{
    struct slice where = arena_printf(reader->scratch, "%s %.*s", setting->word, SLICE_ARG(name));

    setting_read_block(reader, statement->block, setting->settings, setting->n_settings, where,
                       section);
}

bool section_pattern(struct reader *reader, const struct setting *setting,
                     const struct statement *statement, struct slice text, const char *for_all,
                     struct slice *ret_pattern)
{
    bool below = slice_starts_with_nocase(text, SLICE("*."));
    struct slice name = below ? slice_skip(text, 2) : text, ascii;
    struct arena *arena = &reader->config->arena;

    if (slice_eq(text, SLICE("*"))) {
        setting_complain(reader, statement, "%s: %s", setting->word, for_all);
        return false;
    }
    if (name.len == 0 || name.ptr[0] == '[' || slice_find(name, '*') >= 0 ||
        address_domain_to_ascii(arena, name, &ascii) < 0) {
        setting_complain(reader, statement,
                         "%s: '%.*s' is neither a domain nor '*.' and a domain; like: %s",
                         setting->word, SLICE_ARG(text), setting->example);
        return false;
    }
    *ret_pattern = below ? arena_printf(arena, "*.%.*s", SLICE_ARG(ascii)) : ascii;
    return true;
}

void section_take_listen(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_listener listener = {.unix_mode = 0660, .source = statement->source};

    if (!section_name(reader, setting, statement, &listener.name))
        return;
    section_read_block(reader, setting, statement, listener.name, &listener);
    if (!section_find(statement, "service"))
        setting_complain(reader, statement,
                         "listen %.*s does not say what it is; add one of: service mx, "
                         "service submission, service lmtp",
                         SLICE_ARG(listener.name));
    if (!section_find(statement, "address"))
        setting_complain(reader, statement,
                         "listen %.*s has no address; add one like: address *:25",
                         SLICE_ARG(listener.name));
    section_set_listener_defaults(&listener, statement);
    config->listeners[config->n_listeners++] = listener;
}

/* `deliver maildir`, or `deliver route NAME`, or `deliver program NAME`. */
void section_take_deliver(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section)
{
    static const char wants[] = "deliver is one of: maildir, route NAME, program NAME";
    struct config_domain *domain = section;
    struct slice how = statement->n_values ? statement->values[0] : SLICE_NULL;
    bool route = slice_eq(how, SLICE("route"));

    (void)setting;
    if (slice_eq(how, SLICE("maildir")) && statement->n_values == 1) {
        domain->deliver = DELIVER_MAILDIR;
        return;
    }
    if ((!route && !slice_eq(how, SLICE("program"))) || statement->n_values != 2) {
        setting_complain(reader, statement, "%s", wants);
        return;
    }
    domain->deliver = route ? DELIVER_ROUTE : DELIVER_PROGRAM;
    domain->target = setting_keep(reader, statement->values[1]);
    setting_refer(reader, route ? REFERENCE_ROUTE : REFERENCE_PROGRAM, domain->target,
                  statement->source);
}

/* `route NAME` in a domain: it is relayed inward, for anybody. */
void section_take_inward_route(struct reader *reader, const struct setting *setting,
                               const struct statement *statement, void *section)
{
    struct config_domain *domain = section;

    setting_take_name(reader, setting, statement, section);
    domain->local = false;
    domain->deliver = DELIVER_ROUTE;
    setting_refer(reader, REFERENCE_ROUTE, domain->target, statement->source);
}

/* `backup` in a domain: other servers, which DNS prefers to this one, have the mailboxes. */
void section_take_backup(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    struct config_domain *domain = section;

    setting_take_flag(reader, setting, statement, section);
    domain->local = false;
    domain->deliver = DELIVER_ROUTE;
}

void section_take_alias_of(struct reader *reader, const struct setting *setting,
                           const struct statement *statement, void *section)
{
    struct config_domain *domain = section;

    setting_take_hostname(reader, setting, statement, section);
    setting_refer(reader, REFERENCE_DOMAIN, domain->alias_of, statement->source);
}

/* Settings of a domain that exclude each other. */
static void check_domain(struct reader *reader, const struct statement *statement,
                         struct config_domain *domain)
{
    static const char *const all[] = {"deliver",    "route",       "backup",      "catch_all",
                                      "recipients", "when_full",   "accounts",    "foreign_sender",
                                      "checks",     "junk_folder", "junk_detail", "expire_after",
                                      "quota"};
    bool maildir = domain->local && domain->deliver == DELIVER_MAILDIR;

    if (section_find(statement, "alias_of")) {
        for (size_t i = 0; i < SETTING_COUNT(all); i++)
            section_refuse(reader, statement, all[i],
                           "does not go with alias_of; set it in the domain that the alias means");
        return;
    }
    if (domain->local)
        section_refuse(reader, statement, "expire_after",
                       "is for domains that are relayed; elsewhere it is set in 'queue { }'");
    if (domain->backup)
        section_refuse(reader, statement, "deliver",
                       "does not go with backup: the mailboxes are on another server; keep one of "
                       "them");
    else if (!domain->local)
        section_refuse(
            reader, statement, "deliver",
            "does not go with route: 'deliver' is for a domain whose mailboxes are ours, "
            "'route' for one that is relayed inward; keep one of them");
    if (!maildir) {
        section_refuse(reader, statement, "when_full", "works with 'deliver maildir' alone");
        section_refuse(reader, statement, "quota", "works with 'deliver maildir' alone");
        section_refuse(reader, statement, "junk_folder",
                       "works with 'deliver maildir' alone; elsewhere the header tells the next "
                       "server, and over LMTP 'junk_detail NAME' can name a folder");
    }
    if (!domain->local) {
        section_refuse(reader, statement, "catch_all",
                       "does not go with route: the next server decides");
        section_refuse(reader, statement, "accounts", "does not go with route: it has none here");
        section_refuse(reader, statement, "foreign_sender",
                       "does not go with route: it has no accounts here");
    }
    if (!domain->local || domain->recipients != RECIPIENTS_ANY)
        return;
    if (maildir)
        section_refuse(reader, statement, "recipients",
                       "any does not go with 'deliver maildir': strangers would make mailboxes; "
                       "use 'catch_all ADDRESS'");
    section_refuse(reader, statement, "catch_all", "does not go with 'recipients any'");
}

void section_take_domain(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_domain domain = {
        .local = true, .junk_folder = SLICE("Junk"), .dkim = true, .source = statement->source};
    struct slice name;

    if (!setting_one_value(reader, setting, statement, &name))
        return;
    if (name.ptr[0] == '[' || address_domain_to_ascii(&config->arena, name, &domain.name) < 0) {
        setting_complain(reader, statement, "'%.*s' is not a domain name; like: %s",
                         SLICE_ARG(name), setting->example);
        return;
    }
    section_read_block(reader, setting, statement, name, &domain);
    if (!domain.local && !section_find(statement, "recipients"))
        domain.recipients = RECIPIENTS_ANY;
    if (domain.backup && !section_find(statement, "route"))
        domain.target = SLICE("world");
    if (domain.backup && !section_find(statement, "expire_after"))
        domain.expire_after_ms = BACKUP_EXPIRE_MS;
    check_domain(reader, statement, &domain);
    config->domains[config->n_domains++] = domain;
}

void section_take_program(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_program program = {.timeout_ms = 60000, .source = statement->source};

    if (!section_name(reader, setting, statement, &program.name))
        return;
    section_read_block(reader, setting, statement, program.name, &program);
    if (!section_find(statement, "command"))
        setting_complain(reader, statement,
                         "program %.*s has no command; add one like: command \"/usr/bin/archive\" "
                         "\"--quiet\"",
                         SLICE_ARG(program.name));
    if (!section_find(statement, "user"))
        setting_complain(reader, statement,
                         "program %.*s does not say as whom it runs; add one like: user archive",
                         SLICE_ARG(program.name));
    config->programs[config->n_programs++] = program;
}

void section_take_command(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section)
{
    struct config_program *program = section;

    if (statement->n_values == 0 || statement->values[0].len == 0 ||
        statement->values[0].ptr[0] != '/') {
        setting_complain(reader, statement,
                         "command wants a path that begins with '/', then arguments; no shell "
                         "reads it; like: %s",
                         setting->example);
        return;
    }
    program->argc = statement->n_values;
    program->argv = arena_alloc(&reader->config->arena, program->argc * sizeof(*program->argv));
    for (size_t i = 0; i < program->argc; i++)
        program->argv[i] = setting_keep(reader, statement->values[i]);
}

void section_take_user(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct config_program *program = section;

    setting_take_name(reader, setting, statement, section);
    if (slice_eq(program->user, SLICE("root")))
        setting_complain(reader, statement, "a program never runs as root; name another user");
}
