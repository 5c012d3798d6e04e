/*
 * Walking a block of statements along its table of settings. See setting.h.
 *
 * The rules that hold for all settings are here: the word must be known, a setting stands once
 * unless it is repeatable, and only those that have a block take one.
 */
#include "config/setting.h"

#include "config/suggest.h"

#include <stdarg.h>

enum { SETTINGS_MAX = 48 };

void setting_complain(struct reader *reader, const struct statement *statement, const char *format,
                      ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem_add(reader->problems, statement->source.file, statement->source.line, "%s", text);
}

bool setting_one_value(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, struct slice *ret_value)
{
    if (statement->n_values != 1 || statement->values[0].len == 0) {
        setting_complain(reader, statement, "%s wants one value, like: %s", setting->word,
                         setting->example);
        return false;
    }
    *ret_value = statement->values[0];
    return true;
}

struct slice setting_keep(struct reader *reader, struct slice value)
{
    return arena_dup(&reader->config->arena, value);
}

void setting_refer(struct reader *reader, enum reference_kind kind, struct slice name,
                   struct config_source source)
{
    struct reference *reference = arena_alloc(reader->scratch, sizeof(*reference));

    *reference = (struct reference){kind, name, source, reader->references};
    reader->references = reference;
}

/* The section that knows this word, when it is not the one where it stands. */
static const struct setting *find_home(struct slice word)
{
    for (size_t i = 0; i < setting_n_top; i++) {
        const struct setting *section = &setting_top[i];
        for (size_t j = 0; j < section->n_settings; j++) {
            if (slice_eq(word, slice_from_cstr(section->settings[j].word)))
                return section;
        }
    }
    return NULL;
}

static void complain_unknown(struct reader *reader, const struct statement *statement,
                             const struct setting *settings, size_t n_settings, struct slice where)
{
    struct suggestion suggestion = suggestion_for(statement->word);
    const struct setting *home = find_home(statement->word);
    const char *in = where.len ? " in " : "";

    if (slice_eq(statement->word, SLICE("include"))) {
        setting_complain(reader, statement,
                         "include wants one file name, at the top level: include local.conf");
        return;
    }
    for (size_t i = 0; i < n_settings; i++)
        suggestion_offer(&suggestion, slice_from_cstr(settings[i].word));
    if (!suggestion.best.len && home)
        setting_complain(reader, statement,
                         "unknown setting '%.*s'%s%.*s; it belongs into '%s { }'",
                         SLICE_ARG(statement->word), in, SLICE_ARG(where), home->word);
    else
        setting_complain(reader, statement, "unknown setting '%.*s'%s%.*s%s",
                         SLICE_ARG(statement->word), in, SLICE_ARG(where),
                         suggestion_text(&suggestion).text);
}

static bool check_block(struct reader *reader, const struct statement *statement,
                        const struct setting *setting)
{
    if (statement->has_block && setting->block == BLOCK_NONE) {
        setting_complain(reader, statement, "%s takes no block; write it like: %s", setting->word,
                         setting->example);
        return false;
    }
    if (!statement->has_block && setting->block == BLOCK_NEEDED) {
        setting_complain(reader, statement,
                         "%s wants a block that begins on the same line, like: %s", setting->word,
                         setting->example);
        return false;
    }
    return true;
}

static void read_statement(struct reader *reader, const struct statement *statement,
                           const struct setting *setting, const struct statement **seen,
                           void *section)
{
    if (!check_block(reader, statement, setting))
        return;
    if (*seen && !setting->repeatable) {
        setting_complain(reader, statement, "%s is set already in %.*s:%u; keep one of them",
                         setting->word, SLICE_ARG((*seen)->source.file), (*seen)->source.line);
        return;
    }
    *seen = statement;
    setting->take(reader, setting, statement, section);
}

void setting_read_block(struct reader *reader, const struct statement *first,
                        const struct setting *settings, size_t n_settings, struct slice where,
                        void *section)
{
    const struct statement *seen[SETTINGS_MAX] = {NULL};

    for (const struct statement *statement = first; statement; statement = statement->next) {
        size_t i = 0;
        while (i < n_settings && !slice_eq(statement->word, slice_from_cstr(settings[i].word)))
            i++;
        if (i == n_settings)
            complain_unknown(reader, statement, settings, n_settings, where);
        else
            read_statement(reader, statement, &settings[i], &seen[i], section);
    }
}
