/*
 * nuncio account app-password: passwords for one program each, made here and shown once.
 */
#include "control/account_actions.h"

#include "account/password.h"
#include "base/clock.h"
#include "config/value.h"
#include "control/account_secret.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>

/* Each --network as it is written in the configuration, separated by blanks. */
static int read_networks(struct account_session *session, struct slice *ret_networks)
{
    const struct account_options *options = session->options;
    struct slice all = SLICE_NULL;

    for (size_t i = 0; i < options->n_networks; i++) {
        struct config_network network;
        struct value_hint hint;
        const char *why;
        if (!value_parse_network(slice_from_cstr(options->networks[i]), &network, &why, &hint)) {
            fprintf(stderr, "nuncio: '%s' %s\n", options->networks[i], why);
            return EX_USAGE;
        }
        hint = value_format_network(&network);
        all = arena_printf(&session->arena, "%.*s%s%s", SLICE_ARG(all), i ? " " : "", hint.text);
    }
    *ret_networks = all;
    return EX_OK;
}

/* EX_OK, or too many. */
static int check_count(struct account_session *session, struct slice address)
{
    struct store_app_password *apps;
    size_t count = 0;
    int r = store_app_passwords_find(session->store, &session->arena, address, &apps, &count);

    if (r < 0)
        return account_session_failed(session, r);
    if (count < STORE_APP_PASSWORDS_MAX)
        return EX_OK;
    fprintf(stderr, "nuncio: %.*s has %zu app passwords, and may have %d; remove unused ones\n",
            SLICE_ARG(address), count, STORE_APP_PASSWORDS_MAX);
    return EX_CANTCREAT;
}

static int add(struct account_session *session, struct slice address, struct slice name)
{
    struct store_app_password app = {
        .account = address, .name = name, .created_ms = clock_wall_ms()};
    struct slice password;
    int code = read_networks(session, &app.networks), r;

    if (code == EX_OK)
        code = check_count(session, address);
    if (code != EX_OK)
        return code;
    if (!value_is_name(name)) {
        fprintf(stderr, "nuncio: '%.*s' is no name: letters, digits, '.', '_' and '-', up to 64\n",
                SLICE_ARG(name));
        return EX_DATAERR;
    }
    if (password_generate(&session->arena, &password) < 0 ||
        password_hash_generated(password, &session->arena, &app.password) < 0)
        return EX_OSERR;
    r = store_app_password_add(session->store, &app);
    if (r == STORE_EXISTS) {
        fprintf(stderr, "nuncio: %.*s has an app password '%.*s' already; remove it first\n",
                SLICE_ARG(address), SLICE_ARG(name));
        return EX_CANTCREAT;
    }
    if (r < 0)
        return account_session_failed(session, r);
    if (session->options->json)
        account_session_print(json_pack("{s:s%, s:s%, s:s%}", "address", address.ptr, address.len,
                                        "name", name.ptr, name.len, "password", password.ptr,
                                        password.len));
    else
        printf("app password '%.*s' of %.*s, shown this once: %.*s\n", SLICE_ARG(name),
               SLICE_ARG(address), SLICE_ARG(password));
    account_secret_wipe(password);
    return EX_OK;
}

static void print_app(struct account_session *session, const struct store_app_password *app)
{
    if (session->options->json) {
        account_session_print(
            json_pack("{s:s%, s:s%, s:s, s:s, s:s%, s:s%}", "address", app->account.ptr,
                      app->account.len, "name", app->name.ptr, app->name.len, "created",
                      account_time(app->created_ms).text, "used", account_time(app->used_ms).text,
                      "used_from", app->used_from.len ? app->used_from.ptr : "", app->used_from.len,
                      "networks", app->networks.len ? app->networks.ptr : "", app->networks.len));
        return;
    }
    printf("%.*s  created %s  used %s", SLICE_ARG(app->name), account_time(app->created_ms).text,
           account_time(app->used_ms).text);
    if (app->used_from.len)
        printf(" from %.*s", SLICE_ARG(app->used_from));
    if (app->networks.len)
        printf("  only from %.*s", SLICE_ARG(app->networks));
    putchar('\n');
}

static int list(struct account_session *session, struct slice address)
{
    struct store_app_password *apps;
    size_t count = 0;
    int r = store_app_passwords_find(session->store, &session->arena, address, &apps, &count);

    for (size_t i = 0; r == 0 && i < count; i++)
        print_app(session, &apps[i]);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

static int remove_app(struct account_session *session, struct slice address, struct slice name)
{
    int r = store_app_password_remove(session->store, address, name);

    if (r == STORE_MISSING) {
        fprintf(stderr, "nuncio: %.*s has no app password '%.*s'\n", SLICE_ARG(address),
                SLICE_ARG(name));
        return EX_NOUSER;
    }
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

int account_app_password(struct account_session *session, char **arguments, int n)
{
    struct slice address;
    int code = account_session_account(session, arguments[0], &address);

    if (code != EX_OK)
        return code;
    if (strcmp(arguments[1], "list") == 0 && n == 2)
        return list(session, address);
    if (strcmp(arguments[1], "add") == 0 && n == 3)
        return add(session, address, slice_from_cstr(arguments[2]));
    if (strcmp(arguments[1], "remove") == 0 && n == 3)
        return remove_app(session, address, slice_from_cstr(arguments[2]));
    fprintf(stderr, "nuncio: say add NAME, list, or remove NAME\n");
    return EX_USAGE;
}
