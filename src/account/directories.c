/*
 * The list of directories, kept in step with the configuration. See directories.h.
 *
 * A directory is the same as before when its section says the same, whatever its line in the file.
 */
#include "account/directories.h"

#include "account/directory_dovecot.h"
#include "account/directory_file.h"
#include "account/directory_store.h"
#include "mail/address.h"

#include <stdlib.h>

/* One of an `accounts` section. */
struct section {
    const struct config_accounts *accounts; /* of the configuration in force */
    struct directory *directory;
};

struct directories {
    struct loop *loop;
    const struct files *files;
    struct config *config; /* NULL: none was set yet */
    struct directory *store;
    struct section *sections;
    size_t n_sections;
    uint64_t generation;
};

struct directories *directories_new(struct loop *loop, const struct files *files)
{
    struct directories *directories = xcalloc(1, sizeof(*directories));

    directories->loop = loop;
    directories->files = files;
    directories->store = directory_store_new();
    return directories;
}

static void free_sections(struct section *sections, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sections[i].directory)
            sections[i].directory->methods->free(sections[i].directory);
    }
    free(sections);
}

void directories_free(struct directories *directories)
{
    if (!directories)
        return;
    free_sections(directories->sections, directories->n_sections);
    directories->store->methods->free(directories->store);
    config_unref(directories->config);
    free(directories);
}

static bool is_same(const struct config_accounts *a, const struct config_accounts *b)
{
    return slice_eq(a->name, b->name) && a->kind == b->kind &&
           slice_eq(a->passwd_file, b->passwd_file) && slice_eq(a->alias_file, b->alias_file) &&
           slice_eq(a->auth_socket, b->auth_socket) && slice_eq(a->userdb_socket, b->userdb_socket);
}

/* The one that is there for the same section, taken out of the old list; else a new one. */
static struct directory *take_or_make(struct directories *directories,
                                      const struct config_accounts *accounts)
{
    for (size_t i = 0; i < directories->n_sections; i++) {
        struct section *old = &directories->sections[i];
        struct directory *directory = old->directory;
        if (directory && is_same(old->accounts, accounts)) {
            old->directory = NULL;
            return directory;
        }
    }
    if (accounts->kind == ACCOUNTS_DOVECOT)
        return directory_dovecot_new(accounts, directories->loop, directories->files);
    return directory_file_new(accounts, directories->files);
}

void directories_set_config(struct directories *directories, struct config *config)
{
    struct config *old = directories->config;
    struct section *sections = xcalloc(config->n_accounts + 1, sizeof(*sections));

    for (size_t i = 0; i < config->n_accounts; i++) {
        sections[i].accounts = &config->accounts[i];
        sections[i].directory = take_or_make(directories, &config->accounts[i]);
    }
    free_sections(directories->sections, directories->n_sections);
    directories->sections = sections;
    directories->n_sections = config->n_accounts;
    directories->config = config_ref(config);
    directories->generation++;
    config_unref(old);
}

void directories_refresh(struct directories *directories)
{
    for (size_t i = 0; i < directories->n_sections; i++) {
        const struct section *section = &directories->sections[i];
        if (section->accounts->kind == ACCOUNTS_DOVECOT)
            directory_dovecot_refresh(section->directory);
        else
            directory_file_refresh(section->directory);
    }
    directories->generation++;
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

void directories_read_begin(struct directories *directories)
{
    directory_store_read_begin(directories->store);
}

void directories_read_end(struct directories *directories)
{
    directory_store_read_end(directories->store);
}

void directories_store_note(struct directories *directories, int result)
{
    directory_store_note(directories->store, result);
}

struct directory *directories_of(const struct directories *directories,
                                 const struct config_domain *domain)
{
    if (domain->accounts.len == 0)
        return directories->store;
    for (size_t i = 0; i < directories->n_sections; i++) {
        if (slice_eq(directories->sections[i].accounts->name, domain->accounts))
            return directories->sections[i].directory;
    }
    return NULL;
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

unsigned directories_mechanisms(const struct directories *directories)
{
    unsigned set = directories->store->methods->mechanisms(directories->store);

    for (size_t i = 0; i < directories->n_sections; i++) {
        struct directory *directory = directories->sections[i].directory;
        set |= directory->methods->mechanisms(directory);
    }
    return set;
}

uint64_t directories_generation(struct directories *directories, uint64_t now_ms)
{
    return directories->generation + directory_store_generation(directories->store, now_ms);
}
