/*
 * nuncio account add|passwd|cram: accounts and their own passwords.
 */
#include "control/account_actions.h"

#include "account/password.h"
#include "account/password_form.h"
#include "base/clock.h"
#include "config/config.h"
#include "control/account_secret.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* --hash: another server's, and not the password itself, which all users could see here. */
static int take_form(struct account_session *session, const char *text,
                     struct store_passwords *ret_passwords)
{
    struct slice form = slice_from_cstr(text);
    struct password_form parsed;

    if (form.len > PASSWORD_FORM_MAX || !password_form_parse(form, &session->arena, &parsed)) {
        fprintf(stderr, "nuncio: this is no form of a password that nuncio can verify; it would be "
                        "like $y$... or {SSHA512}...\n");
        return EX_DATAERR;
    }
    if (parsed.scheme == PASSWORD_SCHEME_PLAIN) {
        fprintf(stderr, "nuncio: this is the password itself; give it with --stdin\n");
        return EX_DATAERR;
    }
    *ret_passwords = (struct store_passwords){.password = form};
    return EX_OK;
}

/* What the options say the password shall be. With `may_be_none` an empty line on the terminal
 * means none. *ret_shown is one that was made, to be shown. */
static int take_password(struct account_session *session, struct slice address, bool may_be_none,
                         bool cram, struct store_passwords *ret_passwords, struct slice *ret_shown)
{
    const char *const *given = session->options->given;
    struct slice password = SLICE_NULL;
    int code = EX_OK;

    *ret_passwords = (struct store_passwords){0};
    if (!!given[OPTION_STDIN] + !!given[OPTION_GENERATE] + !!given[OPTION_HASH] +
            !!given[OPTION_NONE] >
        1) {
        fprintf(stderr, "nuncio: only one of --stdin, --generate, --hash and --none\n");
        return EX_USAGE;
    }
    if (given[OPTION_NONE])
        return EX_OK;
    if (given[OPTION_HASH])
        return take_form(session, given[OPTION_HASH], ret_passwords);
    if (given[OPTION_GENERATE]) {
        if (password_generate(&session->arena, &password) < 0)
            return EX_OSERR;
        *ret_shown = password;
    } else {
        code = account_secret_read(session, true, &password);
        if (code == EX_OK && password.len == 0 && may_be_none && !given[OPTION_STDIN])
            return EX_OK;
        if (code == EX_OK)
            code = account_secret_check(session, address, password);
    }
    if (code == EX_OK)
        code = account_secret_hash(session, password, cram, ret_passwords);
    if (!given[OPTION_GENERATE] && !cram)
        account_secret_wipe(password);
    return code;
}

static void show(struct account_session *session, struct slice address, struct slice password)
{
    if (password.len == 0)
        return;
    if (session->options->json)
        account_session_print(json_pack("{s:s%, s:s%}", "address", address.ptr, address.len,
                                        "generated", password.ptr, password.len));
    else
        printf("password: %.*s\n", SLICE_ARG(password));
    account_secret_wipe(password);
}

/* The account and its password come together or not at all. */
static int add_both(struct account_session *session, const struct store_account *account,
                    const struct store_passwords *passwords)
{
    int r = store_write_begin(session->store);

    if (r < 0)
        return r;
    r = store_account_add(session->store, account);
    if (r == 0)
        r = store_passwords_set(session->store, account->address, passwords);
    return store_write_end(session->store, r);
}

/* Without a word about a password and without a terminal there is none, as for programs. */
static bool wants_password(const struct account_session *session)
{
    const char *const *given = session->options->given;

    return given[OPTION_STDIN] || given[OPTION_GENERATE] || given[OPTION_HASH] ||
           (!given[OPTION_NONE] && isatty(STDIN_FILENO));
}

static int check_new(struct account_session *session, const char *text,
                     struct store_account *account)
{
    int code = account_session_address(session, text, true, &account->address);

    if (code == EX_OK)
        code = account_session_counts(session, account->address, false);
    if (code == EX_OK)
        code = account_check_folder_name(session, account->address);
    if (code == EX_OK)
        code = account_read_quota(session, session->options->given[OPTION_QUOTA], account);
    return code;
}

int account_add(struct account_session *session, char **arguments, int n)
{
    struct store_account account = {.created_ms = clock_wall_ms(), .enabled = true}, old;
    struct store_passwords passwords = {0};
    struct slice shown = SLICE_NULL;
    int code = check_new(session, arguments[0], &account), r;

    (void)n;
    if (code != EX_OK)
        return code;
    r = store_account_find(session->store, &session->arena, account.address, &old);
    if (r == STORE_MISSING) {
        if (wants_password(session))
            code = take_password(session, account.address, true, false, &passwords, &shown);
        if (code != EX_OK)
            return code;
        r = add_both(session, &account, &passwords);
    } else if (r == 0) {
        r = STORE_EXISTS;
    }
    if (r == STORE_EXISTS) {
        fprintf(stderr, "nuncio: %.*s exists already\n", SLICE_ARG(account.address));
        return EX_CANTCREAT;
    }
    if (r < 0)
        return account_session_failed(session, r);
    account_print(session, &account);
    show(session, account.address, shown);
    return EX_OK;
}

/* An account of our own store, and what it has. */
static int find_passwords(struct account_session *session, const char *text,
                          struct slice *ret_address, struct store_passwords *ret_passwords)
{
    int code = account_session_account(session, text, ret_address), r;
    struct slice elsewhere;

    *ret_passwords = (struct store_passwords){0};
    if (code == EX_OK && account_session_elsewhere(session, *ret_address, &elsewhere)) {
        fprintf(stderr,
                "nuncio: passwords of this domain are kept by 'accounts %.*s'; change it there\n",
                SLICE_ARG(elsewhere));
        return EX_DATAERR;
    }
    if (code != EX_OK)
        return code;
    r = store_passwords_find(session->store, &session->arena, *ret_address, ret_passwords);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

int account_passwd(struct account_session *session, char **arguments, int n)
{
    struct slice address, shown = SLICE_NULL;
    struct store_passwords before, after;
    int code = find_passwords(session, arguments[0], &address, &before), r;

    (void)n;
    if (code == EX_OK)
        code = take_password(session, address, false, before.cram_secret.len > 0, &after, &shown);
    if (code != EX_OK)
        return code;
    r = store_passwords_set(session->store, address, &after);
    account_secret_wipe(before.cram_secret);
    if (!shown.len)
        account_secret_wipe(after.cram_secret);
    if (r < 0)
        return account_session_failed(session, r);
    if (!session->options->json)
        printf("%.*s %s\n", SLICE_ARG(address),
               after.password.len ? "has a new password" : "has no password any more");
    if (before.cram_secret.len && !after.cram_secret.len)
        fprintf(stderr, "nuncio: CRAM-MD5 is off for it now\n");
    show(session, address, shown);
    return EX_OK;
}

static int cram_on(struct account_session *session, struct slice address,
                   struct store_passwords *passwords)
{
    struct slice password = SLICE_NULL;
    int code, r;

    fprintf(stderr, "A secret for CRAM-MD5 is as good as the password: whoever reads the account "
                    "store can log in with it.\n");
    code = account_secret_read(session, false, &password);
    if (code == EX_OK && password_verify(passwords->password, password) != PASSWORD_RIGHT) {
        fprintf(stderr, "nuncio: this is not the password of %.*s\n", SLICE_ARG(address));
        code = EX_NOPERM;
    }
    if (code == EX_OK) {
        passwords->cram_secret = password;
        r = store_passwords_set(session->store, address, passwords);
        code = r < 0 ? account_session_failed(session, r) : EX_OK;
    }
    account_secret_wipe(password);
    return code;
}

int account_cram(struct account_session *session, char **arguments, int n)
{
    bool on = strcmp(arguments[1], "on") == 0;
    struct store_passwords passwords;
    struct slice address;
    int code, r;

    (void)n;
    if (!on && strcmp(arguments[1], "off") != 0) {
        fprintf(stderr, "nuncio: '%s' is neither on nor off\n", arguments[1]);
        return EX_USAGE;
    }
    code = find_passwords(session, arguments[0], &address, &passwords);
    if (code != EX_OK)
        return code;
    if (on)
        return cram_on(session, address, &passwords);
    account_secret_wipe(passwords.cram_secret);
    passwords.cram_secret = SLICE_NULL;
    r = store_passwords_set(session->store, address, &passwords);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}
