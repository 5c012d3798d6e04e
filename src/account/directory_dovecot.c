/*
 * Accounts of a Dovecot, as a directory. See directory_dovecot.h.
 *
 * Whoever exists is remembered for DOVECOT_KNOWN_MS and whoever does not for DOVECOT_UNKNOWN_MS;
 * "later" is not remembered, nor is anything about passwords. What is remembered is not used past
 * its time because Dovecot is away: by then it may be wrong.
 *
 * An alias is answered without asking Dovecot, unless it names itself, which means the mailbox.
 */
#include "account/directory_dovecot.h"

#include "account/cache.h"
#include "account/dovecot_auth.h"
#include "account/dovecot_userdb.h"
#include "account/table_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "mail/address.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct directory_dovecot {
    struct directory directory;
    const struct files *files;
    char *alias_path;
    struct table_file alias_file;
    struct alias_table *aliases; /* NULL: not known yet, or not wanted */
    struct dovecot_client *auth, *userdb;
    struct cache *cache;
    struct asking *askings;
};

/* What Dovecot was asked for somebody. */
struct asking {
    struct asking *prev, *next;
    struct directory_dovecot *own;
    char *account;
    struct arena arena;
    struct store_targets targets; /* of the alias of the same name */
    directory_on_entry *on_entry; /* one of the two */
    directory_on_check *on_check;
    void *arg;
};

struct remembered {
    enum directory_status status;
    uint64_t until_ms;
    struct directory_entry entry; /* without targets */
};

static struct directory_dovecot *from(struct directory *directory)
{
    return (struct directory_dovecot *)(void *)directory;
}

static struct asking *begin(struct directory_dovecot *own, struct slice account, void *arg)
{
    struct asking *asking = xcalloc(1, sizeof(*asking));

    asking->own = own;
    asking->account = xslicedup(account);
    arena_init(&asking->arena);
    asking->arg = arg;
    DL_APPEND(own->askings, asking);
    return asking;
}

/* Before its answer is given, which may lead to anything. */
static void take_out(struct asking *asking)
{
    DL_DELETE(asking->own->askings, asking);
}

static void free_asking(struct asking *asking)
{
    free(asking->account);
    arena_done(&asking->arena);
    free(asking);
}

static void remember(struct directory_dovecot *own, struct slice address,
                     enum directory_status status, const struct directory_entry *entry)
{
    struct remembered known;
    unsigned ms = status == DIRECTORY_FOUND ? DOVECOT_KNOWN_MS : DOVECOT_UNKNOWN_MS;

    memset(&known, 0, sizeof(known));
    known.status = status;
    known.until_ms = clock_mono_ms() + ms;
    if (status == DIRECTORY_FOUND)
        known.entry = *entry;
    if (status != DIRECTORY_LATER)
        cache_put(own->cache, address, slice_from(&known, sizeof(known)));
}

static bool recall(struct directory_dovecot *own, struct slice address,
                   struct remembered *ret_known)
{
    struct slice stored;

    if (!cache_get(own->cache, address, &stored))
        return false;
    memcpy(ret_known, stored.ptr, sizeof(*ret_known));
    return clock_mono_ms() < ret_known->until_ms;
}

static void give_entry(struct asking *asking, enum directory_status status,
                       struct directory_entry *entry)
{
    if (status == DIRECTORY_NONE && asking->targets.count) {
        *entry = (struct directory_entry){0};
        status = DIRECTORY_FOUND;
    }
    entry->targets = asking->targets;
    take_out(asking);
    asking->on_entry(asking->arg, status, entry);
    free_asking(asking);
}

static void on_user(void *arg, const struct dovecot_line *line)
{
    struct asking *asking = arg;
    struct directory_entry entry = {0};
    enum directory_status status = dovecot_userdb_verdict(line, &entry);

    remember(asking->own, slice_from_cstr(asking->account), status, &entry);
    give_entry(asking, status, &entry);
}

static void ask_userdb(struct asking *asking)
{
    struct slice request = dovecot_userdb_request(slice_from_cstr(asking->account), &asking->arena);
    struct directory_entry none = {0};

    if (request.len)
        dovecot_client_ask(asking->own->userdb, "USER", request, on_user, asking);
    else
        give_entry(asking, DIRECTORY_NONE, &none);
}

static bool names_itself(const struct store_targets *targets, struct slice address)
{
    for (size_t i = 0; i < targets->count; i++) {
        if (address_eq(targets->list[i], address))
            return true;
    }
    return false;
}

static void dovecot_find(struct directory *directory, struct slice address,
                         directory_on_entry *answer, void *arg)
{
    struct directory_dovecot *own = from(directory);
    struct directory_entry entry = {0};
    struct remembered known;
    struct asking *asking;

    if (own->alias_file.path.len && !own->aliases) {
        answer(arg, DIRECTORY_LATER, NULL);
        return;
    }
    asking = begin(own, address, arg);
    asking->on_entry = answer;
    if (own->aliases)
        alias_table_find(own->aliases, address, &asking->arena, &asking->targets);
    if (asking->targets.count && !names_itself(&asking->targets, address)) {
        give_entry(asking, DIRECTORY_FOUND, &entry);
    } else if (recall(own, address, &known)) {
        give_entry(asking, known.status, &known.entry);
    } else {
        ask_userdb(asking);
    }
}

static void dovecot_login(struct directory *directory, struct slice account,
                          directory_on_login *answer, void *arg)
{
    const struct directory_login login = {.enabled = true, .checks_itself = true};

    (void)directory;
    (void)account;
    answer(arg, DIRECTORY_FOUND, &login);
}

static void on_verdict(void *arg, const struct dovecot_line *line)
{
    struct asking *asking = arg;
    struct slice why;
    enum directory_status status = dovecot_auth_verdict(line, &asking->arena, &why);

    take_out(asking);
    asking->on_check(asking->arg, status, why);
    free_asking(asking);
}

static void dovecot_check(struct directory *directory, struct slice account, struct slice password,
                          struct slice client_address, directory_on_check *answer, void *arg)
{
    struct directory_dovecot *own = from(directory);
    char text[DOVECOT_AUTH_MAX];
    struct slice request = dovecot_auth_request(account, password, client_address, text);
    struct asking *asking;

    if (request.len == 0) {
        answer(arg, DIRECTORY_NONE, SLICE("Dovecot cannot be asked about such a password"));
        return;
    }
    asking = begin(own, account, arg);
    asking->on_check = answer;
    dovecot_client_ask(own->auth, "AUTH", request, on_verdict, asking);
    explicit_bzero(text, sizeof(text));
}

static void dovecot_cancel(struct directory *directory, void *arg)
{
    struct directory_dovecot *own = from(directory);
    struct asking *asking, *next;

    DL_FOREACH_SAFE(own->askings, asking, next)
    {
        if (asking->arg != arg)
            continue;
        dovecot_client_cancel(own->userdb, asking);
        dovecot_client_cancel(own->auth, asking);
        take_out(asking);
        free_asking(asking);
    }
}

static unsigned dovecot_mechanisms(struct directory *directory)
{
    (void)directory;
    return MECHANISM_PLAIN | MECHANISM_LOGIN;
}

static void dovecot_free(struct directory *directory)
{
    struct directory_dovecot *own = from(directory);

    dovecot_client_free(own->userdb);
    dovecot_client_free(own->auth);
    alias_table_free(own->aliases);
    cache_free(own->cache);
    free(own->alias_path);
    free(own);
}

static const struct directory_methods methods = {
    .name = "dovecot",
    .fleeting = true,
    .find = dovecot_find,
    .login = dovecot_login,
    .check = dovecot_check,
    .cancel = dovecot_cancel,
    .mechanisms = dovecot_mechanisms,
    .free = dovecot_free,
};

void directory_dovecot_refresh(struct directory *directory)
{
    struct directory_dovecot *own = from(directory);

    table_file_refresh_aliases(&own->alias_file, own->files, &own->aliases);
}

struct directory *directory_dovecot_new(const struct config_accounts *accounts, struct loop *loop,
                                        const struct files *files)
{
    struct directory_dovecot *own = xcalloc(1, sizeof(*own));

    own->directory.methods = &methods;
    own->files = files;
    own->alias_path = xslicedup(accounts->alias_file);
    own->alias_file.path = slice_from_cstr(own->alias_path);
    own->auth = dovecot_client_new(loop, accounts->auth_socket, &dovecot_auth_protocol);
    own->userdb = dovecot_client_new(loop, accounts->userdb_socket, &dovecot_userdb_protocol);
    own->cache = cache_new();
    directory_dovecot_refresh(&own->directory);
    return &own->directory;
}
