/*
 * Checks of senders that do nothing, or that refuse good mail. See warn_checks.h.
 */
#include "config/warn_checks.h"

#include "config/check.h"
#include "config/value.h"

#include <stdarg.h>

static void __attribute__((format(printf, 3, 4)))
warn(struct problem_list *problems, const struct config_source *source, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem_add(problems, source->file, source->line, "%s", text);
}

/* What refuses mail that is as its sender meant it. */
static void warn_strict(const struct config_checks *checks, struct problem_list *problems)
{
    const struct config_check *softfail = &checks->list[CHECKED_SOFTFAIL];
    const struct config_check *dkim = &checks->list[CHECKED_DKIM];

    if (softfail->action == CHECK_REJECT && softfail->source.line)
        warn(problems, &softfail->source,
             "softfail reject: the sender's domain asks not to refuse it for that alone (RFC 7208 "
             "section 8.5); 'quarantine' is the most that makes sense");
    if (dkim->action == CHECK_REJECT && dkim->source.line)
        warn(problems, &dkim->source,
             "dkim reject: mailing lists break signatures, and a broken one counts as none (RFC "
             "6376 section 6.3); 'dmarc enforce' refuses what the author's domain wants refused");
}

/* All places where checks stand. */
static void warn_places(const struct config *config, struct problem_list *problems)
{
    const struct config_check *all = config->checks.list;

    warn_strict(&config->checks, problems);
    for (size_t i = 0; i < config->n_listeners; i++)
        warn_strict(&config->listeners[i].checks, problems);
    for (size_t i = 0; i < config->n_domains; i++)
        warn_strict(&config->domains[i].checks, problems);
    for (size_t i = 0; i < config->n_authors; i++) {
        const struct config_author *author = &config->authors[i];
        if (i == 0 || author->source.line != author[-1].source.line)
            warn_strict(&author->checks, problems);
    }
    if (all[CHECKED_SPF].action == CHECK_REJECT && all[CHECKED_DMARC].action == CHECK_IGNORE)
        warn(problems, &all[CHECKED_SPF].source,
             "spf reject with 'dmarc ignore': forwarded mail is refused although its signature "
             "passes, and forged From is let through; 'dmarc enforce' is right in both");
    if (all[CHECKED_ARC].action == CHECK_IGNORE && config->n_trusted_sealers)
        warn(problems, &all[CHECKED_ARC].source,
             "arc ignore: trusted_sealer does nothing; remove one of them");
}

/* Whether a check is switched on here that judges the client, and the first such one. */
static const struct config_check *judges_client(const struct config_checks *checks)
{
    static const enum config_check_kind kinds[] = {CHECKED_SPF, CHECKED_SOFTFAIL, CHECKED_IPREV,
                                                   CHECKED_HELO};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (checks->list[kinds[i]].action > CHECK_IGNORE)
            return &checks->list[kinds[i]];
    }
    return NULL;
}

static void warn_listener(const struct config_listener *listener, struct problem_list *problems)
{
    const struct config_check *client = judges_client(&listener->checks);

    if (listener->service == SERVICE_SUBMISSION && listener->auth == AUTH_REQUIRED) {
        for (size_t i = 0; i < CHECKED_KINDS; i++) {
            if (listener->checks.list[i].action <= CHECK_IGNORE)
                continue;
            warn(problems, &listener->checks.list[i].source,
                 "listen %.*s: checks do nothing here: everybody has logged in, and such mail is "
                 "not checked",
                 SLICE_ARG(listener->name));
            return;
        }
    }
    if (listener->service == SERVICE_LMTP && client && listener->xclient.count == 0 &&
        listener->proxy.count == 0)
        warn(problems, &client->source,
             "listen %.*s: spf, softfail, iprev and helo judge the server in front of this one, "
             "not the sender; keep dkim, dmarc and arc alone",
             SLICE_ARG(listener->name));
}

static void warn_authors(const struct config *config, struct problem_list *problems)
{
    for (size_t i = 0; i < config->n_authors; i++) {
        const struct config_author *one = &config->authors[i];
        const struct config_author *first = config_find_author(config, one->pattern);
        if (first && first != one)
            warn(problems, &one->source, "author %.*s comes too late: %.*s in %.*s:%u decides",
                 SLICE_ARG(one->pattern), SLICE_ARG(first->pattern), SLICE_ARG(first->source.file),
                 first->source.line);
    }
}

void warn_checks(const struct config *config, struct problem_list *problems)
{
    warn_places(config, problems);
    for (size_t i = 0; i < config->n_listeners; i++)
        warn_listener(&config->listeners[i], problems);
    warn_authors(config, problems);
    for (size_t i = 0; i < config->unchecked.count; i++) {
        const struct config_network *network = &config->unchecked.list[i];
        if (check_network_is_wide(network))
            warn(problems, &network->source,
                 "unchecked: %s are strangers: whoever is in it may send in any name; name your "
                 "own relays",
                 value_format_network(network).text);
    }
}
