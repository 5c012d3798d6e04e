/*
 * What is thought of senders: checks, author, srs, dmarc_report. See section.h.
 *
 * `checks` is one table of settings at four places; an `author` has it without a block within the
 * block. Each check remembers its line, so that a reply and `why` can name what decided. What must
 * agree between the sections is check_checks.c's business.
 */
#include "config/section.h"

#include "mail/address.h"

void section_ignore_checks(struct config_listener *listener)
{
    for (size_t i = 0; i < CHECKED_KINDS && listener->service != SERVICE_MX; i++) {
        if (listener->checks.list[i].action == CHECK_UNSET)
            listener->checks.list[i].action = CHECK_IGNORE;
    }
}

void section_take_check(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    struct config_check *check = (void *)((char *)section + setting->offset);
    struct setting choice = *setting;
    int index = -1;

    choice.offset = 0;
    if (slice_eq(slice_from_cstr(setting->word), SLICE("arc")) && statement->n_values == 1 &&
        (slice_eq(statement->values[0], SLICE("reject")) ||
         slice_eq(statement->values[0], SLICE("quarantine")))) {
        setting_complain(
            reader, statement,
            "arc cannot %.*s: most mail has no ARC sets, and a broken one says nothing "
            "against its sender; write 'arc tag', and name whom you believe: "
            "trusted_sealer lists.example.net",
            SLICE_ARG(statement->values[0]));
        return;
    }
    setting_take_choice(reader, &choice, statement, &index);
    if (index < 0)
        return;
    check->action = (enum config_check_action)(CHECK_IGNORE + index);
    check->source = statement->source;
}

void section_take_defer(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    struct config_checks *checks = section;

    setting_take_duration(reader, setting, statement, section);
    checks->has_defer = true;
    checks->defer_source = statement->source;
}

void section_take_unchecked(struct reader *reader, const struct setting *setting,
                            const struct statement *statement, void *section)
{
    (void)section;
    setting_take_networks(reader, setting, statement, reader->config);
}

static bool is_listed(const struct config *config, struct slice sealer)
{
    for (size_t i = 0; i < config->n_trusted_sealers; i++) {
        if (slice_eq(config->trusted_sealers[i], sealer))
            return true;
    }
    return false;
}

void section_take_trusted_sealer(struct reader *reader, const struct setting *setting,
                                 const struct statement *statement, void *section)
{
    struct config *config = reader->config;
    size_t n = config->n_trusted_sealers;
    struct slice *list, sealer;

    (void)section;
    if (statement->n_values == 0)
        setting_complain(reader, statement, "trusted_sealer wants at least one domain, like: %s",
                         setting->example);
    list = arena_alloc(&config->arena, (n + statement->n_values) * sizeof(*list));
    if (n)
        memcpy(list, config->trusted_sealers, n * sizeof(*list));
    config->trusted_sealers = list;
    for (size_t i = 0; i < statement->n_values; i++) {
        struct slice text = statement->values[i];
        if (text.len == 0 || text.ptr[0] == '[' || slice_find(text, '*') >= 0 ||
            slice_find(text, '.') < 0 || address_domain_to_ascii(&config->arena, text, &sealer) < 0)
            setting_complain(
                reader, statement,
                "trusted_sealer: '%.*s' is not a domain, the one in d= of the ARC-Seal; "
                "like: %s",
                SLICE_ARG(text), setting->example);
        else if (is_listed(config, sealer))
            setting_complain(reader, statement,
                             "trusted_sealer: %.*s is there already; remove one of them",
                             SLICE_ARG(text));
        else
            list[config->n_trusted_sealers++] = sealer;
    }
}

/* What is for the whole server does not stand in the block of a part of it. */
static void refuse_global(struct reader *reader, const struct statement *statement)
{
    static const char why[] = "is for the whole server; move it into 'checks { }' at the top level";

    section_refuse(reader, statement, "trusted_sealer", why);
    section_refuse(reader, statement, "unchecked", why);
}

void section_take_checks(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    setting_take_section(reader, setting, statement, section);
    refuse_global(reader, statement);
}

void section_take_author(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    struct config *config = section;
    struct config_author author = {.source = statement->source};

    if (statement->n_values == 0) {
        setting_complain(reader, statement, "author wants at least one domain, like: %s",
                         setting->example);
        return;
    }
    if (!statement->block)
        setting_complain(reader, statement,
                         "author %.*s says nothing; add what is done with its mail, like: %s",
                         SLICE_ARG(statement->values[0]), setting->example);
    section_read_block(reader, setting, statement, statement->values[0], &author.checks);
    refuse_global(reader, statement);
    for (size_t i = 0; i < statement->n_values; i++) {
        if (section_pattern(reader, setting, statement, statement->values[i],
                            "for all mail write it into 'checks { }'", &author.pattern))
            config->authors[config->n_authors++] = author;
    }
}

/* `srs off`, or a block. */
void section_take_srs(struct reader *reader, const struct setting *setting,
                      const struct statement *statement, void *section)
{
    struct config_srs *srs = &reader->config->srs;

    srs->source = statement->source;
    if (statement->has_block)
        setting_take_section(reader, setting, statement, section);
    else if (statement->n_values == 1 && slice_eq(statement->values[0], SLICE("off")))
        srs->on = false;
    else
        setting_complain(reader, statement, "srs is 'off', or a block, like: %s", setting->example);
}

void section_take_dmarc_report(struct reader *reader, const struct setting *setting,
                               const struct statement *statement, void *section)
{
    static const char *const others[] = {"organisation", "contact", "from"};

    setting_take_section(reader, setting, statement, section);
    for (size_t i = 0; i < SETTING_COUNT(others) && !reader->config->dmarc_report.send; i++)
        section_refuse(reader, statement, others[i],
                       "does nothing with 'send no'; remove one of them");
}

/* Characters that no folder of a Maildir has; which levels it has is the store's business. */
void section_take_junk_folder(struct reader *reader, const struct setting *setting,
                              const struct statement *statement, void *section)
{
    struct slice value;
    bool separator = true, fine = true;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    for (size_t i = 0; i < value.len; i++) {
        bool here = value.ptr[i] == '/' || value.ptr[i] == '.';
        fine = fine && !(here && separator);
        separator = here;
    }
    if (!fine || separator || value.len > 100 || slice_eq_nocase(value, SLICE("INBOX"))) {
        setting_complain(reader, statement,
                         "junk_folder wants the name of a folder beside the inbox, not '%.*s'; "
                         "like: %s",
                         SLICE_ARG(value), setting->example);
        return;
    }
    *(struct slice *)((char *)section + setting->offset) = setting_keep(reader, value);
}
