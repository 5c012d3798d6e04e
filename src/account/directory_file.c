/*
 * Accounts and aliases out of files, as a directory. See directory_file.h.
 *
 * Until each of its files has been read once, nothing is known, and the answer is "later".
 */
#include "account/directory_file.h"

#include "account/passwd_table.h"
#include "account/table_file.h"
#include "base/log.h"

#include <stdlib.h>

struct directory_file {
    struct directory directory;
    const struct files *files;
    char *passwd_path, *alias_path;
    struct table_file passwd_file, alias_file;
    struct passwd_table *users;  /* NULL: not known yet */
    struct alias_table *aliases; /* the same */
    struct arena arena;          /* of one answer */
};

static struct directory_file *from(struct directory *directory)
{
    return (struct directory_file *)(void *)directory;
}

static void refresh_users(struct directory_file *own)
{
    struct problem_list problems, warnings;
    struct passwd_table *newer;
    struct slice text;

    if (!table_file_next(&own->passwd_file, own->files, &text))
        return;
    problem_list_init(&problems);
    problem_list_init(&warnings);
    newer = passwd_table_parse(own->passwd_file.path, text, &problems, &warnings);
    if (newer) {
        log_info(NULL, "table", LOG_SLICE("file", own->passwd_file.path),
                 LOG_INT("accounts", passwd_table_count(newer)));
        table_file_warn(&warnings);
        passwd_table_free(own->users);
        own->users = newer;
    } else {
        table_file_complain(&problems);
    }
    problem_list_done(&problems);
    problem_list_done(&warnings);
}

void directory_file_refresh(struct directory *directory)
{
    struct directory_file *own = from(directory);

    refresh_users(own);
    table_file_refresh_aliases(&own->alias_file, own->files, &own->aliases);
}

static bool is_known(const struct directory_file *own)
{
    return own->users && (own->aliases || own->alias_file.path.len == 0);
}

static void file_find(struct directory *directory, struct slice address, directory_on_entry *answer,
                      void *arg)
{
    struct directory_file *own = from(directory);
    struct directory_entry entry = {0};
    const struct passwd_user *user;

    if (!is_known(own)) {
        answer(arg, DIRECTORY_LATER, NULL);
        return;
    }
    user = passwd_table_find(own->users, address);
    if (user) {
        entry.is_account = entry.enabled = true;
        entry.own_quota = user->own_quota;
        entry.quota_bytes = user->quota.bytes;
        entry.quota_messages = user->quota.messages;
    }
    if (own->aliases)
        alias_table_find(own->aliases, address, &own->arena, &entry.targets);
    answer(arg, user || entry.targets.count ? DIRECTORY_FOUND : DIRECTORY_NONE, &entry);
    arena_reset(&own->arena);
}

static void file_login(struct directory *directory, struct slice account,
                       directory_on_login *answer, void *arg)
{
    struct directory_file *own = from(directory);
    struct directory_login login = {.enabled = true};
    const struct passwd_user *user;

    if (!own->users) {
        answer(arg, DIRECTORY_LATER, NULL);
        return;
    }
    user = passwd_table_find(own->users, account);
    if (user)
        login.passwords.password = user->password;
    answer(arg, user ? DIRECTORY_FOUND : DIRECTORY_NONE, &login);
}

static void file_cancel(struct directory *directory, void *arg)
{
    (void)directory;
    (void)arg;
}

static unsigned file_mechanisms(struct directory *directory)
{
    (void)directory;
    return MECHANISM_PLAIN | MECHANISM_LOGIN;
}

static void file_free(struct directory *directory)
{
    struct directory_file *own = from(directory);

    passwd_table_free(own->users);
    alias_table_free(own->aliases);
    free(own->passwd_path);
    free(own->alias_path);
    arena_done(&own->arena);
    free(own);
}

static const struct directory_methods methods = {
    .name = "file",
    .find = file_find,
    .login = file_login,
    .cancel = file_cancel,
    .mechanisms = file_mechanisms,
    .free = file_free,
};

struct directory *directory_file_new(const struct config_accounts *accounts,
                                     const struct files *files)
{
    struct directory_file *own = xcalloc(1, sizeof(*own));

    own->directory.methods = &methods;
    own->files = files;
    own->passwd_path = xslicedup(accounts->passwd_file);
    own->alias_path = xslicedup(accounts->alias_file);
    own->passwd_file.path = slice_from_cstr(own->passwd_path);
    own->alias_file.path = slice_from_cstr(own->alias_path);
    arena_init(&own->arena);
    directory_file_refresh(&own->directory);
    return &own->directory;
}
