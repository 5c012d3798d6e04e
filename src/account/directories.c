/*
 * The list of directories, kept in step with the configuration. See directories.h.
 */
#include "account/directories.h"

#include "account/directory_store.h"
#include "mail/address.h"

#include <stdlib.h>

struct directories {
    struct config *config; /* NULL: none was set yet */
    struct directory *store;
    uint64_t generation;
};

struct directories *directories_new(void)
{
    struct directories *directories = xcalloc(1, sizeof(*directories));

    directories->store = directory_store_new();
    return directories;
}

void directories_free(struct directories *directories)
{
    if (!directories)
        return;
    directories->store->methods->free(directories->store);
    config_unref(directories->config);
    free(directories);
}

void directories_set_config(struct directories *directories, struct config *config)
{
    struct config *old = directories->config;

    directories->config = config_ref(config);
    directories->generation++;
    config_unref(old);
}

void directories_set_store(struct directories *directories, struct store *store)
{
    directory_store_set(directories->store, store);
}

bool directories_store_is_broken(const struct directories *directories)
{
    return directory_store_is_broken(directories->store);
}

struct store *directories_store(const struct directories *directories)
{
    return directory_store_get(directories->store);
}

void directories_store_note(struct directories *directories, int result)
{
    directory_store_note(directories->store, result);
}

struct directory *directories_of(const struct directories *directories,
                                 const struct config_domain *domain)
{
    return domain->accounts.len ? NULL : directories->store;
}

struct directory *directories_of_account(const struct directories *directories,
                                         struct slice account)
{
    const struct config_domain *domain =
        config_find_domain(directories->config, address_domain(account));

    if (domain && domain->alias_of.len)
        domain = config_find_domain(directories->config, domain->alias_of);
    return domain ? directories_of(directories, domain) : NULL;
}

uint64_t directories_generation(struct directories *directories, uint64_t now_ms)
{
    return directories->generation + directory_store_generation(directories->store, now_ms);
}
