/*
 * What sendmail(1) must know of the host and its caller. See submission.h.
 *
 * Addresses without a domain get the host's name where that is a domain of ours, and otherwise the
 * only local domain where there is just one: "root", as cron writes to it, is then an address that
 * can have an account or an alias.
 */
#include "control/submission.h"

#include "config/config.h"
#include "control/command_config.h"
#include "control/locate.h"

#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_STATE SLICE("/var/lib/nuncio")
enum { DEFAULT_SIZE = 50 * 1024 * 1024, DEFAULT_RECIPIENTS = 1000, DEFAULT_HEADER = 1024 * 1024 };

static void take_user(struct arena *arena, struct submission_site *site)
{
    const struct passwd *entry = getpwuid(getuid());
    struct slice gecos;

    if (!entry) {
        site->user = arena_printf(arena, "uid%u", (unsigned)getuid());
        return;
    }
    gecos = slice_from_cstr(entry->pw_gecos);
    site->user = arena_dup(arena, slice_from_cstr(entry->pw_name));
    site->full_name = arena_dup(arena, gecos.ptr ? slice_cut(&gecos, ',') : SLICE_NULL);
}

static struct slice choose_domain(const struct config *config)
{
    const struct config_domain *own = config_find_domain(config, config->hostname);
    const struct config_domain *only = NULL;
    unsigned n_local = 0;

    if (own && own->local)
        return config->hostname;
    for (size_t i = 0; i < config->n_domains; i++) {
        if (config->domains[i].local && !config->domains[i].alias_of.len) {
            only = &config->domains[i];
            n_local++;
        }
    }
    return n_local == 1 ? only->name : config->hostname;
}

static void take_config(const struct config *config, struct arena *arena,
                        struct submission_site *site)
{
    site->hostname = arena_dup(arena, config->hostname);
    site->domain = arena_dup(arena, choose_domain(config));
    site->state = arena_dup(arena, config->state);
    site->message_size = config->limits.message_size;
    site->recipients = config->limits.recipients;
    site->header_size = config->limits.header_size;
}

static int load(const char *path, struct arena *arena, struct submission_site *site)
{
    struct config *config = command_config_load(path, "sendmail: ");

    if (!config)
        return EX_CONFIG;
    take_config(config, arena, site);
    config_unref(config);
    return 0;
}

static struct slice own_hostname(struct arena *arena)
{
    char name[256] = "localhost";

    (void)gethostname(name, sizeof(name) - 1);
    return arena_dup(arena, slice_from_cstr(name));
}

int submission_find_site(const char *given, struct arena *arena, struct submission_site *ret_site)
{
    struct submission_site site = {.state = DEFAULT_STATE,
                                   .message_size = DEFAULT_SIZE,
                                   .recipients = DEFAULT_RECIPIENTS,
                                   .header_size = DEFAULT_HEADER};
    const char *path = config_locate(given);
    int code = 0;

    take_user(arena, &site);
    if (access(path, R_OK) == 0 || given)
        code = load(path, arena, &site);
    if (code != 0)
        return code;
    if (!site.hostname.len)
        site.hostname = site.domain = own_hostname(arena);
    *ret_site = site;
    return 0;
}
