/*
 * nuncio account add|list|remove|quota: the mailboxes of this server.
 */
#include "control/commands.h"

#include "base/clock.h"
#include "config/value.h"
#include "control/account_session.h"
#include "mail/address.h"

#include <jansson.h>
#include <sysexits.h>
#include <time.h>

static const char help[] =
    "usage: nuncio account add ADDRESS [--quota SIZE] [--messages NUMBER]\n"
    "       nuncio account list [DOMAIN]\n"
    "       nuncio account remove ADDRESS\n"
    "       nuncio account quota ADDRESS [SIZE|default] [--messages NUMBER]\n\n"
    "The mailboxes of this server. A running server sees a change within seconds.\n"
    "remove leaves the mail where it is and says where. quota without SIZE shows what holds;\n"
    "SIZE is like 500M or 2G, 0 for no limit, 'default' for that of the domain; NUMBER 0 is no "
    "limit.\n\n"
    "  -c, --config FILE    the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR      the state folder, otherwise that of the configuration\n"
    "      --quota SIZE     how much the mailbox may hold\n"
    "      --messages NUMBER  how many messages it may hold\n"
    "      --json           one JSON object a line\n\n"
    "Example: nuncio account add joe@example.org --quota 2G\n";

/* Bytes as a person writes them; exact. */
static struct slice size_text(struct arena *arena, uint64_t bytes)
{
    static const char units[] = " KMGT";
    size_t unit = 0;

    if (bytes == 0)
        return SLICE("none");
    while (bytes % 1024 == 0 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    return unit ? arena_printf(arena, "%ju%c", (uintmax_t)bytes, units[unit])
                : arena_printf(arena, "%ju", (uintmax_t)bytes);
}

static const char *time_text(uint64_t ms, char *text, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return text;
}

/* What holds for the account: its own quota or its domain's. */
static uint64_t effective_quota(struct account_session *session,
                                const struct store_account *account)
{
    const struct config_domain *domain =
        config_find_domain(session->config, address_domain(account->address));

    if (account->own_quota)
        return account->quota_bytes;
    return domain ? domain->quota_bytes : 0;
}

static void print_json(struct account_session *session, const struct store_account *account)
{
    char created[32];
    json_t *object = json_pack(
        "{s:s%, s:s, s:b, s:I, s:I, s:s}", "address", account->address.ptr, account->address.len,
        "created", time_text(account->created_ms, created, sizeof(created)), "enabled",
        account->enabled, "quota_bytes", (json_int_t)effective_quota(session, account),
        "quota_messages", (json_int_t)account->quota_messages, "quota_from",
        account->own_quota ? "account" : "domain");

    account_session_print(object);
}

static void print_account(struct account_session *session, const struct store_account *account)
{
    char created[32];

    if (session->options->json) {
        print_json(session, account);
        return;
    }
    printf("%.*s  quota %.*s%s", SLICE_ARG(account->address),
           SLICE_ARG(size_text(&session->arena, effective_quota(session, account))),
           account->own_quota ? "" : " (the domain's)");
    if (account->quota_messages)
        printf(", %u messages", account->quota_messages);
    printf("  created %s%s\n", time_text(account->created_ms, created, sizeof(created)),
           account->enabled ? "" : "  disabled");
}

/* SIZE and --messages into the account. */
static int read_quota(struct account_session *session, const char *size,
                      struct store_account *account)
{
    const char *messages = session->options->messages;
    uint64_t number;

    account->own_quota = account->own_quota || size;
    if (size && (!value_parse_size(slice_from_cstr(size), &account->quota_bytes) ||
                 account->quota_bytes > INT64_MAX)) {
        fprintf(stderr, "nuncio: '%s' is not a size; write it like 500M or 2G\n", size);
        return EX_USAGE;
    }
    if (!messages)
        return EX_OK;
    if (!slice_parse_u64(slice_from_cstr(messages), UINT32_MAX, &number)) {
        fprintf(stderr, "nuncio: '%s' is not a number of messages\n", messages);
        return EX_USAGE;
    }
    account->quota_messages = (uint32_t)number;
    return EX_OK;
}

/* Mailboxes are folders with the name of the account. */
static int check_folder_name(struct account_session *session, struct slice address)
{
    struct slice local = address_local_unquote(&session->arena, address_local(address));

    if (slice_find(local, '/') < 0 && local.len && local.ptr[0] != '.')
        return EX_OK;
    fprintf(stderr,
            "nuncio: %.*s cannot be an account: its folder would have '/' or begin with '.'; "
            "make it an alias of another\n",
            SLICE_ARG(address));
    return EX_DATAERR;
}

static int add(struct account_session *session, char **arguments, int n)
{
    struct store_account account = {.created_ms = clock_wall_ms(), .enabled = true};
    int code = account_session_address(session, arguments[0], true, &account.address), r;

    (void)n;
    if (code == EX_OK)
        code = check_folder_name(session, account.address);
    if (code == EX_OK)
        code = read_quota(session, session->options->quota, &account);
    if (code != EX_OK)
        return code;
    r = store_account_add(session->store, &account);
    if (r == STORE_EXISTS) {
        fprintf(stderr, "nuncio: %.*s exists already\n", SLICE_ARG(account.address));
        return EX_CANTCREAT;
    }
    if (r < 0)
        return account_session_failed(session, r);
    print_account(session, &account);
    return EX_OK;
}

struct listing {
    struct account_session *session;
    struct slice domain; /* canonical, or empty: all */
};

static void list_one(void *arg, const struct store_account *account)
{
    struct listing *listing = arg;

    if (listing->domain.len == 0 || slice_eq(address_domain(account->address), listing->domain))
        print_account(listing->session, account);
}

static int list(struct account_session *session, char **arguments, int n)
{
    struct listing listing = {.session = session};
    int r;

    if (n > 0 && address_domain_to_ascii(&session->arena, slice_from_cstr(arguments[0]),
                                         &listing.domain) < 0) {
        fprintf(stderr, "nuncio: '%s' is not a domain\n", arguments[0]);
        return EX_DATAERR;
    }
    r = store_account_each(session->store, list_one, &listing);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

static int no_such_account(struct slice address)
{
    fprintf(stderr, "nuncio: there is no account %.*s; nuncio account list shows them\n",
            SLICE_ARG(address));
    return EX_NOUSER;
}

static int remove_account(struct account_session *session, char **arguments, int n)
{
    struct slice address, local, folder;
    int code = account_session_address(session, arguments[0], false, &address), r;

    (void)n;
    if (code != EX_OK)
        return code;
    r = store_account_remove(session->store, address);
    if (r == STORE_MISSING)
        return no_such_account(address);
    if (r < 0)
        return account_session_failed(session, r);
    local = address_local_unquote(&session->arena, address_local(address));
    folder = arena_printf(&session->arena, "%.*s/mail/%.*s/%.*s", SLICE_ARG(session->state),
                          SLICE_ARG(address_domain(address)), SLICE_ARG(local));
    if (session->options->json) {
        account_session_print(json_pack("{s:s%, s:b, s:s%}", "address", address.ptr, address.len,
                                        "removed", true, "mail", folder.ptr, folder.len));
    } else {
        printf("%.*s removed. Its mail, if any, is left in %.*s\n", SLICE_ARG(address),
               SLICE_ARG(folder));
    }
    return EX_OK;
}

static int quota(struct account_session *session, char **arguments, int n)
{
    struct store_account account;
    struct slice address;
    int code = account_session_address(session, arguments[0], false, &address), r;

    if (code != EX_OK)
        return code;
    r = store_account_find(session->store, &session->arena, address, &account);
    if (r == 0 && (n > 1 || session->options->messages)) {
        bool back = n > 1 && strcmp(arguments[1], "default") == 0;
        if (back) {
            account.own_quota = false;
            account.quota_bytes = 0;
        }
        code = read_quota(session, n > 1 && !back ? arguments[1] : NULL, &account);
        if (code != EX_OK)
            return code;
        r = store_account_set_quota(session->store, &account);
    }
    if (r == STORE_MISSING)
        return no_such_account(address);
    if (r < 0)
        return account_session_failed(session, r);
    print_account(session, &account);
    return EX_OK;
}

static const struct account_action actions[] = {
    {"add", add, 1, 1, TAKES_QUOTA | TAKES_MESSAGES},
    {"list", list, 0, 1, 0},
    {"remove", remove_account, 1, 1, 0},
    {"quota", quota, 1, 2, TAKES_MESSAGES},
};

int cmd_account(int argc, char **argv)
{
    return account_session_run(argc, argv, help, actions, sizeof(actions) / sizeof(actions[0]));
}
