/*
 * What settings take: one function for each kind of value. See setting.h.
 *
 * Each checks, complains with what would be right, or puts the value into the section's struct at
 * the setting's offset. What is wrong is left at its default, so that later checks make sense.
 */
#include "config/setting.h"

#include "config/value.h"
#include "mail/address.h"

static void *field(const struct setting *setting, void *section)
{
    return (char *)section + setting->offset;
}

static bool in_range(struct reader *reader, const struct setting *setting,
                     const struct statement *statement, uint64_t value, const char *bounds)
{
    if (setting->max == 0 || (value >= setting->min && value <= setting->max))
        return true;
    setting_complain(reader, statement, "%s %.*s is out of range; it is %s", setting->word,
                     SLICE_ARG(statement->values[0]), bounds);
    return false;
}

void setting_take_yes(struct reader *reader, const struct setting *setting,
                      const struct statement *statement, void *section)
{
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!slice_eq(value, SLICE("yes")) && !slice_eq(value, SLICE("no")))
        setting_complain(reader, statement, "%s is yes or no, not '%.*s'", setting->word,
                         SLICE_ARG(value));
    *(bool *)field(setting, section) = slice_eq(value, SLICE("yes"));
}

void setting_take_flag(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    if (statement->n_values)
        setting_complain(reader, statement, "%s stands alone; remove what is behind it",
                         setting->word);
    *(bool *)field(setting, section) = true;
}

void setting_take_count(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, void *section)
{
    struct slice value;
    char bounds[64];
    uint64_t number;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!slice_parse_u64(value, UINT32_MAX, &number)) {
        setting_complain(reader, statement, "%s wants a number, not '%.*s'; like: %s",
                         setting->word, SLICE_ARG(value), setting->example);
        return;
    }
    snprintf(bounds, sizeof(bounds), "%ju to %ju", (uintmax_t)setting->min,
             (uintmax_t)setting->max);
    if (in_range(reader, setting, statement, number, bounds))
        *(unsigned *)field(setting, section) = (unsigned)number;
}

void setting_take_port(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct slice value;
    uint64_t port;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!slice_parse_u64(value, 65535, &port) || port == 0)
        setting_complain(reader, statement, "%s wants a port from 1 to 65535, not '%.*s'",
                         setting->word, SLICE_ARG(value));
    else
        *(uint16_t *)field(setting, section) = (uint16_t)port;
}

/* "1K", "50M": for bounds, which are multiples of a unit. */
static struct value_hint size_text(uint64_t bytes)
{
    static const char units[] = " KMGT";
    struct value_hint text;
    size_t unit = 0;

    while (bytes && bytes % 1024 == 0 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text.text, sizeof(text.text), unit ? "%ju%c" : "%ju", (uintmax_t)bytes, units[unit]);
    return text;
}

static bool take_bytes(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, uint64_t *ret_bytes)
{
    struct slice value;
    char bounds[160];

    if (!setting_one_value(reader, setting, statement, &value))
        return false;
    if (!value_parse_size(value, ret_bytes)) {
        setting_complain(reader, statement,
                         "%s wants bytes, or a size with K, M, G or T, not '%.*s'; like: %s",
                         setting->word, SLICE_ARG(value), setting->example);
        return false;
    }
    snprintf(bounds, sizeof(bounds), "%s to %s", size_text(setting->min).text,
             size_text(setting->max).text);
    return in_range(reader, setting, statement, *ret_bytes, bounds);
}

void setting_take_size(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    uint64_t bytes;

    if (take_bytes(reader, setting, statement, &bytes))
        *(uint64_t *)field(setting, section) = bytes;
}

void setting_take_size32(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    uint64_t bytes;

    if (take_bytes(reader, setting, statement, &bytes))
        *(unsigned *)field(setting, section) = (unsigned)bytes;
}

/* "10s", "5d": in the largest unit that leaves no rest. */
static struct value_hint duration_text(uint64_t ms)
{
    static const struct {
        uint64_t factor;
        const char *suffix;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    struct value_hint text = {"0"};

    for (size_t i = 0; ms && i < SETTING_COUNT(units); i++) {
        if (ms % units[i].factor)
            continue;
        snprintf(text.text, sizeof(text.text), "%ju%s", (uintmax_t)(ms / units[i].factor),
                 units[i].suffix);
        break;
    }
    return text;
}

void setting_take_duration(struct reader *reader, const struct setting *setting,
                           const struct statement *statement, void *section)
{
    struct slice value;
    char bounds[160];
    uint64_t ms;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!value_parse_duration(value, &ms)) {
        setting_complain(reader, statement,
                         "%s wants a time with ms, s, m, h, d or w, not '%.*s'; like: %s",
                         setting->word, SLICE_ARG(value), setting->example);
        return;
    }
    snprintf(bounds, sizeof(bounds), "%s to %s", duration_text(setting->min).text,
             duration_text(setting->max).text);
    if (in_range(reader, setting, statement, ms, bounds))
        *(uint64_t *)field(setting, section) = ms;
}

static void complain_choice(struct reader *reader, const struct setting *setting,
                            const struct statement *statement, struct slice value)
{
    struct buf list;

    buf_init(&list, 400);
    for (size_t i = 0; setting->words[i]; i++)
        buf_printf(&list, "%s%s",
                   i == 0                  ? ""
                   : setting->words[i + 1] ? ", "
                                           : " or ",
                   setting->words[i]);
    setting_complain(reader, statement, "%s is %.*s, not '%.*s'", setting->word,
                     SLICE_ARG(buf_slice(&list)), SLICE_ARG(value));
    buf_done(&list);
}

void setting_take_choice(struct reader *reader, const struct setting *setting,
                         const struct statement *statement, void *section)
{
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    for (unsigned i = 0; setting->words[i]; i++) {
        if (!slice_eq(value, slice_from_cstr(setting->words[i])))
            continue;
        memcpy(field(setting, section), &i, sizeof(i));
        return;
    }
    complain_choice(reader, setting, statement, value);
}

void setting_take_mode(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!value_parse_mode(value, field(setting, section)))
        setting_complain(reader, statement, "%s wants octal digits up to 0777, not '%.*s'",
                         setting->word, SLICE_ARG(value));
}

void setting_take_name(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (!value_is_name(value)) {
        setting_complain(reader, statement,
                         "%s wants a name of letters, digits, '.', '_' and '-', not '%.*s'",
                         setting->word, SLICE_ARG(value));
        return;
    }
    *(struct slice *)field(setting, section) = setting_keep(reader, value);
}

void setting_take_word(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct slice value;

    if (setting_one_value(reader, setting, statement, &value))
        *(struct slice *)field(setting, section) = setting_keep(reader, value);
}

void setting_take_path(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, void *section)
{
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (value.ptr[0] != '/') {
        setting_complain(reader, statement, "%s wants a path that begins with '/', not '%.*s'",
                         setting->word, SLICE_ARG(value));
        return;
    }
    while (value.len > 1 && value.ptr[value.len - 1] == '/')
        value.len--;
    *(struct slice *)field(setting, section) = setting_keep(reader, value);
}

void setting_take_hostname(struct reader *reader, const struct setting *setting,
                           const struct statement *statement, void *section)
{
    struct slice value, ascii;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    if (value.ptr[0] == '[' || address_domain_to_ascii(&reader->config->arena, value, &ascii) < 0) {
        setting_complain(reader, statement, "%s: '%.*s' is not a host name; like: %s",
                         setting->word, SLICE_ARG(value), setting->example);
        return;
    }
    *(struct slice *)field(setting, section) = ascii;
}

void setting_take_address(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section)
{
    struct address_result result;
    struct address address;
    struct slice value;

    if (!setting_one_value(reader, setting, statement, &value))
        return;
    result = address_parse_mailbox(value, ADDRESS_UTF8, &address);
    if (result.error != ADDRESS_OK) {
        setting_complain(reader, statement, "%s: '%.*s' is not an address: %s; like: %s",
                         setting->word, SLICE_ARG(value), address_error_text(result.error),
                         setting->example);
        return;
    }
    *(struct slice *)field(setting, section) = setting_keep(reader, value);
}

static void add_network(struct reader *reader, const struct statement *statement, struct slice text,
                        struct config_networks *networks)
{
    struct config_network network;
    struct value_hint hint;
    const char *why;

    if (!value_parse_network(text, &network, &why, &hint)) {
        setting_complain(reader, statement, "'%.*s' %s%s", SLICE_ARG(text), why, hint.text);
        return;
    }
    network.source = statement->source;
    networks->list[networks->count++] = network;
}

void setting_take_networks(struct reader *reader, const struct setting *setting,
                           const struct statement *statement, void *section)
{
    struct config_networks *networks = field(setting, section);
    size_t count = 0;

    if (statement->n_values)
        setting_complain(reader, statement, "%s wants its networks in a block, like: %s",
                         setting->word, setting->example);
    for (const struct statement *line = statement->block; line; line = line->next)
        count += 1 + line->n_values;
    networks->list = arena_alloc(&reader->config->arena, count * sizeof(*networks->list));
    for (const struct statement *line = statement->block; line; line = line->next) {
        add_network(reader, line, line->word, networks);
        for (size_t i = 0; i < line->n_values; i++)
            add_network(reader, line, line->values[i], networks);
        if (line->has_block)
            setting_complain(reader, line, "a network takes no block");
    }
}

void setting_take_endpoints(struct reader *reader, const struct setting *setting,
                            const struct statement *statement, void *section)
{
    struct config_endpoints *endpoints = field(setting, section);
    struct config_endpoint *list;
    const char *why;

    if (statement->n_values == 0)
        setting_complain(reader, statement, "%s wants a value, like: %s", setting->word,
                         setting->example);
    list = arena_alloc(&reader->config->arena,
                       (endpoints->count + statement->n_values) * sizeof(*list));
    if (endpoints->count)
        memcpy(list, endpoints->list, endpoints->count * sizeof(*list));
    endpoints->list = list;
    for (size_t i = 0; i < statement->n_values; i++) {
        struct config_endpoint *endpoint = &list[endpoints->count];
        struct slice text = statement->values[i];
        if (!value_parse_endpoint(text, (uint16_t)setting->min, endpoint, &why)) {
            setting_complain(reader, statement, "%s: '%.*s' %s", setting->word, SLICE_ARG(text),
                             why);
            continue;
        }
        endpoint->host = setting_keep(reader, endpoint->host);
        endpoint->source = statement->source;
        endpoints->count++;
    }
}

void setting_take_section(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section)
{
    if (statement->n_values)
        setting_complain(reader, statement, "%s has no name; write it like: %s", setting->word,
                         setting->example);
    setting_read_block(reader, statement->block, setting->settings, setting->n_settings,
                       slice_from_cstr(setting->word), field(setting, section));
}
