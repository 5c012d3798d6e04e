/*
 * nuncio account list|remove|quota|enable|disable: the mailboxes of this server.
 */
#include "control/account_actions.h"

#include "config/value.h"
#include "mail/address.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

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

struct account_time account_time(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct account_time time = {"never"};
    struct tm tm;

    if (ms && gmtime_r(&seconds, &tm))
        strftime(time.text, sizeof(time.text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return time;
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

/* How its owner logs in. */
struct login_state {
    bool password, cram, totp, required, frozen;
    size_t app_passwords;
};

static int read_state(struct account_session *session, struct slice address,
                      struct login_state *ret_state)
{
    struct store_app_password *apps;
    struct store_passwords passwords = {0};
    struct store_factor factor = {0};
    struct store_freeze freeze = {0};
    int r;

    *ret_state = (struct login_state){0};
    r = store_passwords_find(session->store, &session->arena, address, &passwords);
    if (r >= 0)
        r = store_factor_find(session->store, &session->arena, address, &factor);
    if (r >= 0)
        r = store_app_passwords_find(session->store, &session->arena, address, &apps,
                                     &ret_state->app_passwords);
    if (r >= 0)
        r = store_freeze_find(session->store, &session->arena, address, &freeze);
    if (r < 0)
        return r;
    ret_state->frozen = r == 0;
    ret_state->password = passwords.password.len > 0;
    ret_state->cram = passwords.cram_secret.len > 0;
    ret_state->totp = factor.totp_key.len > 0;
    ret_state->required = factor.required;
    return 0;
}

static void print_json(struct account_session *session, const struct store_account *account,
                       const struct login_state *state)
{
    json_t *object =
        json_pack("{s:s%, s:s, s:b, s:I, s:I, s:s, s:b, s:b, s:I, s:b, s:b, s:b}", "address",
                  account->address.ptr, account->address.len, "created",
                  account_time(account->created_ms).text, "enabled", account->enabled,
                  "quota_bytes", (json_int_t)effective_quota(session, account), "quota_messages",
                  (json_int_t)account->quota_messages, "quota_from",
                  account->own_quota ? "account" : "domain", "password", state->password, "cram",
                  state->cram, "app_passwords", (json_int_t)state->app_passwords, "totp",
                  state->totp, "second_factor_required", state->required, "frozen", state->frozen);

    account_session_print(object);
}

void account_print(struct account_session *session, const struct store_account *account)
{
    struct login_state state;
    int r = read_state(session, account->address, &state);

    if (r < 0) {
        account_session_failed(session, r);
        return;
    }
    if (session->options->json) {
        print_json(session, account, &state);
        return;
    }
    printf("%.*s  quota %.*s%s", SLICE_ARG(account->address),
           SLICE_ARG(size_text(&session->arena, effective_quota(session, account))),
           account->own_quota ? "" : " (the domain's)");
    if (account->quota_messages)
        printf(", %u messages", account->quota_messages);
    printf("  created %s  %s%s", account_time(account->created_ms).text,
           state.password ? "password" : "no password", state.cram ? ", CRAM-MD5" : "");
    if (state.app_passwords)
        printf(", %zu app password%s", state.app_passwords, state.app_passwords == 1 ? "" : "s");
    if (state.totp || state.required)
        printf(", second factor%s%s", state.totp ? " by app" : "",
               state.required ? " required" : " optional");
    printf("%s%s\n", account->enabled ? "" : "  disabled", state.frozen ? "  frozen" : "");
}

/* SIZE and --messages into the account. */
int account_read_quota(struct account_session *session, const char *size,
                       struct store_account *account)
{
    const char *messages = session->options->given[OPTION_MESSAGES];
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
int account_check_folder_name(struct account_session *session, struct slice address)
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

struct listing {
    struct account_session *session;
    struct slice domain; /* canonical, or empty: all */
};

static void list_one(void *arg, const struct store_account *account)
{
    struct listing *listing = arg;

    if (listing->domain.len == 0 || slice_eq(address_domain(account->address), listing->domain))
        account_print(listing->session, account);
}

int account_list(struct account_session *session, char **arguments, int n)
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

int account_remove(struct account_session *session, char **arguments, int n)
{
    struct slice address, local, folder;
    int code = account_session_address(session, arguments[0], false, &address), r;

    (void)n;
    if (code != EX_OK)
        return code;
    r = store_account_remove(session->store, address);
    if (r == STORE_MISSING)
        return account_session_no_account(address);
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

int account_quota(struct account_session *session, char **arguments, int n)
{
    struct store_account account;
    struct slice address;
    int code = account_session_address(session, arguments[0], false, &address), r;

    if (code != EX_OK)
        return code;
    r = store_account_find(session->store, &session->arena, address, &account);
    if (r == 0 && (n > 1 || session->options->given[OPTION_MESSAGES])) {
        bool back = n > 1 && strcmp(arguments[1], "default") == 0;
        if (back) {
            account.own_quota = false;
            account.quota_bytes = 0;
        }
        code = account_read_quota(session, n > 1 && !back ? arguments[1] : NULL, &account);
        if (code != EX_OK)
            return code;
        r = store_account_set_quota(session->store, &account);
    }
    if (r == STORE_MISSING)
        return account_session_no_account(address);
    if (r < 0)
        return account_session_failed(session, r);
    account_print(session, &account);
    return EX_OK;
}

static int set_enabled(struct account_session *session, const char *text, bool enabled)
{
    struct store_account account = {0};
    struct slice address;
    int code = account_session_address(session, text, false, &address), r;

    if (code != EX_OK)
        return code;
    r = store_account_set_enabled(session->store, address, enabled);
    if (r == 0)
        r = store_account_find(session->store, &session->arena, address, &account);
    if (r == STORE_MISSING)
        return account_session_no_account(address);
    if (r < 0)
        return account_session_failed(session, r);
    account_print(session, &account);
    return EX_OK;
}

int account_enable(struct account_session *session, char **arguments, int n)
{
    (void)n;
    return set_enabled(session, arguments[0], true);
}

int account_disable(struct account_session *session, char **arguments, int n)
{
    (void)n;
    return set_enabled(session, arguments[0], false);
}
