/*
 * Which checks hold for mail to a domain and from it. See checks_words.h.
 *
 * What holds depends on the listener too: each mx listener has a line of its own when there are
 * several. What was not written stands without a file and a line.
 */
#include "control/checks_words.h"

#include "control/config_words.h"
#include "mail/address.h"

static const char *const kinds[] = {
    [CHECKED_SPF] = "spf",     [CHECKED_SOFTFAIL] = "softfail", [CHECKED_DKIM] = "dkim",
    [CHECKED_DMARC] = "dmarc", [CHECKED_ARC] = "arc",           [CHECKED_IPREV] = "iprev",
    [CHECKED_HELO] = "helo",
};

static const char *action_name(enum config_check_kind kind, enum config_check_action action)
{
    static const char *const names[] = {
        [CHECK_UNSET] = "unset",           [CHECK_IGNORE] = "ignore", [CHECK_TAG] = "tag",
        [CHECK_QUARANTINE] = "quarantine", [CHECK_REJECT] = "reject",
    };
    return kind == CHECKED_DMARC && action == CHECK_REJECT ? "enforce" : names[action];
}

static struct slice rule_of(struct arena *arena, const struct config_source *source)
{
    return source->line ? words_source(arena, source) : SLICE_NULL;
}

static struct slice duration(struct arena *arena, uint64_t ms)
{
    static const struct {
        uint64_t factor;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};

    for (size_t i = 0; ms && i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms % units[i].factor == 0)
            return arena_printf(arena, "%ju%s", (uintmax_t)(ms / units[i].factor), units[i].unit);
    }
    return arena_printf(arena, "%jums", (uintmax_t)ms);
}

static struct slice checks_line(struct arena *arena, const struct config_checks *checks)
{
    struct slice text = SLICE_NULL;

    for (size_t i = 0; i < CHECKED_KINDS; i++) {
        const struct config_check *check = &checks->list[i];
        struct slice rule = rule_of(arena, &check->source);
        text = arena_printf(arena, "%.*s%s%s %s%s%.*s%s", SLICE_ARG(text), i ? ", " : "", kinds[i],
                            action_name((enum config_check_kind)i, check->action),
                            rule.len ? " (" : "", SLICE_ARG(rule), rule.len ? ")" : "");
    }
    return arena_printf(arena, "%.*s, defer %.*s", SLICE_ARG(text),
                        SLICE_ARG(duration(arena, checks->defer_ms)));
}

static size_t count_mx(const struct config *config)
{
    size_t n = 0;

    for (size_t i = 0; i < config->n_listeners; i++)
        n += config->listeners[i].service == SERVICE_MX;
    return n;
}

/* Lines for all mx listeners, each with this beginning. */
static struct slice lines(struct arena *arena, const struct config *config, const char *what,
                          const struct config_domain *domain, const struct config_author *author)
{
    struct slice text = SLICE("");
    bool several = count_mx(config) > 1;

    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct config_checks checks;
        if (listener->service != SERVICE_MX)
            continue;
        checks = config_checks_for(config, listener, domain, author);
        text = arena_printf(arena, "%.*s  %s%s%.*s: %.*s\n", SLICE_ARG(text), what,
                            several ? ", at listen " : "",
                            SLICE_ARG(several ? listener->name : SLICE("")),
                            SLICE_ARG(checks_line(arena, &checks)));
    }
    return text;
}

static const struct config_author *find_author(struct arena *arena, const struct config *config,
                                               struct slice name)
{
    struct slice ascii;

    if (address_domain_to_ascii(arena, name, &ascii) < 0)
        return NULL;
    return config_find_author(config, ascii);
}

struct slice words_checks(struct arena *arena, const struct config *config, struct slice name)
{
    const struct config_domain *domain = config_find_domain(config, name);
    const struct config_author *author = find_author(arena, config, name);
    struct slice to = SLICE_NULL, from = lines(arena, config, "mail from it", NULL, author);

    if (domain)
        to = lines(arena, config, "mail to it", domain, NULL);
    if (domain && domain->local)
        from = arena_printf(arena, "%.*s  mail of its users: %s\n", SLICE_ARG(from),
                            domain->dkim ? "signed once it has keys" : "not signed: dkim no");
    return arena_printf(arena, "%.*s%.*s", SLICE_ARG(to), SLICE_ARG(from));
}

static json_t *json_slice(struct slice text)
{
    return json_stringn_nocheck(text.len ? text.ptr : "", text.len);
}

static json_t *json_one(struct arena *arena, const struct config_listener *listener,
                        const struct config_checks *checks)
{
    json_t *all = json_object();

    for (size_t i = 0; i < CHECKED_KINDS; i++) {
        const struct config_check *check = &checks->list[i];
        json_object_set_new(all, kinds[i],
                            json_pack("{s:s, s:o}", "action",
                                      action_name((enum config_check_kind)i, check->action), "rule",
                                      json_slice(rule_of(arena, &check->source))));
    }
    return json_pack("{s:o, s:o, s:I}", "listener", json_slice(listener->name), "checks", all,
                     "defer_ms", (json_int_t)checks->defer_ms);
}

static json_t *json_all(struct arena *arena, const struct config *config,
                        const struct config_domain *domain, const struct config_author *author)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct config_checks checks = config_checks_for(config, listener, domain, author);
        if (listener->service == SERVICE_MX)
            json_array_append_new(array, json_one(arena, listener, &checks));
    }
    return array;
}

json_t *json_checks(struct arena *arena, const struct config *config, struct slice name)
{
    const struct config_domain *domain = config_find_domain(config, name);
    const struct config_author *author = find_author(arena, config, name);
    json_t *object = json_pack("{s:o}", "from", json_all(arena, config, NULL, author));

    if (domain)
        json_object_set_new(object, "to", json_all(arena, config, domain, NULL));
    if (domain && domain->local)
        json_object_set_new(object, "signed", json_boolean(domain->dkim));
    return object;
}
