/*
 * nuncio account import|export: tables of accounts and their passwords, a line "user:password:..."
 * each, as in Dovecot's passwd-file and /etc/shadow.
 *
 * An import is one transaction: with any line wrong, each wrong one is told and nothing is made.
 */
#include "control/account_actions.h"

#include "account/password.h"
#include "account/password_form.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/command_config.h"
#include "control/account_secret.h"
#include "mail/address.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sysexits.h>

enum { LINE_MAX_BYTES = 8192 };

struct import {
    struct account_session *session;
    struct problem_list *problems;
    struct slice path;
    unsigned line, made;
};

#define COMPLAIN(import, ...)                                                                      \
    problem_add((import)->problems, (import)->path, (import)->line, __VA_ARGS__)

/* A user's name as an account that can be; false after telling why not. */
static bool read_user(struct import *import, struct slice user, struct slice *ret_address)
{
    struct account_session *session = import->session;
    const char *domain = session->options->given[OPTION_DOMAIN];
    const struct config_domain *ours;
    struct address address;

    if (slice_find(user, '@') < 0 && !domain) {
        COMPLAIN(import, "'%.*s' has no domain; say which with --domain", SLICE_ARG(user));
        return false;
    }
    if (slice_find(user, '@') < 0)
        user = arena_printf(&session->arena, "%.*s@%s", SLICE_ARG(user), domain);
    if (address_parse_mailbox(user, ADDRESS_UTF8, &address).error != ADDRESS_OK ||
        address.kind != ADDRESS_DOMAIN) {
        COMPLAIN(import, "'%.*s' is not an address", SLICE_ARG(user));
        return false;
    }
    *ret_address = address_key(&session->arena, user);
    ours = config_find_domain(session->config, address_domain(*ret_address));
    if (!ours || ours->alias_of.len || ours->accounts.len ||
        !(ours->local || ours->recipients == RECIPIENTS_ACCOUNTS)) {
        COMPLAIN(import, "%.*s is not a domain whose accounts are kept here",
                 SLICE_ARG(address_domain(*ret_address)));
        return false;
    }
    return true;
}

/* A password that stands there as it is becomes a hash. */
static bool read_password(struct import *import, struct slice form,
                          struct store_passwords *ret_passwords)
{
    struct password_form parsed;

    *ret_passwords = (struct store_passwords){.password = form};
    if (form.len > PASSWORD_FORM_MAX ||
        !password_form_parse(form, &import->session->arena, &parsed)) {
        COMPLAIN(import, "this password cannot be verified: it is locked, damaged, of a scheme "
                         "that nuncio does not know, or asks for too much memory or time");
        return false;
    }
    if (parsed.scheme != PASSWORD_SCHEME_PLAIN)
        return true;
    if (account_secret_hash(import->session, parsed.data, false, ret_passwords) == EX_OK)
        return true;
    COMPLAIN(import, "this password cannot be one");
    return false;
}

static int import_line(struct import *import, struct slice line)
{
    struct store_account account = {.created_ms = clock_wall_ms(), .enabled = true};
    struct store *store = import->session->store;
    struct store_passwords passwords;
    struct slice rest = line, user = slice_cut(&rest, ':'), form;
    int r;

    if (!rest.ptr) {
        COMPLAIN(import, "there is no ':' between user and password");
        return 0;
    }
    form = slice_cut(&rest, ':');
    if (!read_user(import, user, &account.address) || !read_password(import, form, &passwords))
        return 0;
    if (account_check_folder_name(import->session, account.address) != EX_OK) {
        COMPLAIN(import, "'%.*s' cannot be an account", SLICE_ARG(user));
        return 0;
    }
    r = store_account_add(store, &account);
    if (r == STORE_EXISTS)
        COMPLAIN(import, "%.*s exists already", SLICE_ARG(account.address));
    if (r == 0)
        r = store_passwords_set(store, account.address, &passwords);
    import->made += r == 0;
    return r < 0 ? r : 0;
}

static int import_file(struct import *import, FILE *file)
{
    char text[LINE_MAX_BYTES];
    int r = 0;

    while (r == 0 && fgets(text, sizeof(text), file)) {
        struct slice line = slice_from_cstr(text);
        import->line++;
        if (line.len + 1 == sizeof(text) && line.ptr[line.len - 1] != '\n') {
            COMPLAIN(import, "the line is longer than %d bytes", LINE_MAX_BYTES - 2);
            break;
        }
        line = slice_trim(line);
        if (line.len && line.ptr[0] != '#')
            r = import_line(import, line);
    }
    if (r == 0 && ferror(file))
        COMPLAIN(import, "cannot read on: %s", log_strerror(errno));
    explicit_bzero(text, sizeof(text));
    return r;
}

static int finish(struct import *import, int r)
{
    struct account_session *session = import->session;
    struct problem_list *problems = import->problems;

    command_problems_print("", problems);
    r = store_write_end(session->store, r == 0 && problems->count ? STORE_EXISTS : r);
    if (r < 0)
        return account_session_failed(session, r);
    if (r > 0) {
        fprintf(stderr, "nuncio: nothing was imported\n");
        return EX_DATAERR;
    }
    if (session->options->json)
        account_session_print(json_pack("{s:i}", "imported", (int)import->made));
    else
        printf("%u account%s imported\n", import->made, import->made == 1 ? "" : "s");
    return EX_OK;
}

int account_import(struct account_session *session, char **arguments, int n)
{
    struct problem_list problems;
    struct import import = {
        .session = session, .problems = &problems, .path = slice_from_cstr(arguments[0])};
    int r;

    (void)n;
    if (!session->file) {
        fprintf(stderr, "nuncio: %s: %s\n", arguments[0], log_strerror(session->file_error));
        return EX_NOINPUT;
    }
    r = store_write_begin(session->store);
    if (r < 0)
        return account_session_failed(session, r);
    problem_list_init(&problems);
    r = finish(&import, import_file(&import, session->file));
    problem_list_done(&problems);
    return r;
}

struct export
{
    struct account_session *session;
    struct slice domain; /* canonical, or empty: all */
    int result;
};

static void left_out(struct slice address, const char *why)
{
    fprintf(stderr, "nuncio: %.*s is left out: %s\n", SLICE_ARG(address), why);
}

static void export_one(void *arg, const struct store_account *account)
{
    struct export *export = arg;
    struct account_session *session = export->session;
    struct store_passwords passwords;
    struct store_factor factor = {0};
    struct slice form;
    int r;

    if (export->domain.len && !slice_eq(address_domain(account->address), export->domain))
        return;
    r = store_factor_find(session->store, &session->arena, account->address, &factor);
    if (r >= 0)
        r = store_passwords_find(session->store, &session->arena, account->address, &passwords);
    if (r < 0) {
        export->result = r;
        return;
    }
    account_secret_wipe(r == 0 ? passwords.cram_secret : SLICE_NULL);
    if (!account->enabled || r == STORE_MISSING || passwords.password.len == 0 || factor.required) {
        left_out(account->address, !account->enabled ? "it is disabled"
                                   : factor.required ? "its password alone is not enough"
                                                     : "it has no password");
        return;
    }
    form = passwords.password;
    if (session->options->json)
        account_session_print(json_pack("{s:s%, s:s%}", "address", account->address.ptr,
                                        account->address.len, "password", form.ptr, form.len));
    else
        printf("%.*s:%s%.*s\n", SLICE_ARG(account->address), form.ptr[0] == '{' ? "" : "{CRYPT}",
               SLICE_ARG(form));
}

int account_export(struct account_session *session, char **arguments, int n)
{
    struct export export = {.session = session};
    int r;

    if (n > 0 && address_domain_to_ascii(&session->arena, slice_from_cstr(arguments[0]),
                                         &export.domain) < 0) {
        fprintf(stderr, "nuncio: '%s' is not a domain\n", arguments[0]);
        return EX_DATAERR;
    }
    r = store_account_each(session->store, export_one, &export);
    if (r == 0)
        r = export.result;
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}
