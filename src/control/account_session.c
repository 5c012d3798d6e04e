/*
 * The common part of `nuncio account` and `nuncio alias`. See account_session.h.
 */
#include "control/account_session.h"

#include "base/log.h"
#include "control/command_config.h"
#include "control/locate.h"
#include "control/owned_folder.h"
#include "mail/address.h"

#include <errno.h>
#include <jansson.h>
#include <sysexits.h>

enum { STORE_PATIENCE_MS = 5000 };

/* Owner of the store when the server runs each role as a user of its own. */
#define AUTH_USER "nuncio-auth"

static int load_config(struct account_session *session)
{
    session->config_path = config_locate(session->options->config);
    session->config = command_config_load(session->config_path, "");
    if (!session->config)
        return EX_CONFIG;
    session->state =
        session->options->state ? slice_from_cstr(session->options->state) : session->config->state;
    return EX_OK;
}

static int enter_folder(struct account_session *session)
{
    const char *state = arena_cstr(&session->arena, session->state);

    return owned_folder_enter(state, arena_printf(&session->arena, "%s/accounts", state).ptr,
                              AUTH_USER);
}

/* Files are opened as who called the command, before it becomes the owner of the store. */
static void open_file(struct account_session *session, const struct account_action *action)
{
    const struct account_options *options = session->options;

    if (action->file == 0 || options->n_arguments <= action->file)
        return;
    session->file = fopen(options->arguments[action->file], "re");
    session->file_error = session->file ? 0 : errno;
}

static int open_session(struct account_session *session, const struct account_options *options,
                        const struct account_action *action)
{
    struct problem_list problems;
    struct slice path;
    int code, r;

    *session = (struct account_session){.options = options};
    arena_init(&session->arena);
    open_file(session, action);
    code = load_config(session);
    if (code == EX_OK)
        code = enter_folder(session);
    if (code != EX_OK)
        return code;
    problem_list_init(&problems);
    path = arena_printf(&session->arena, "%.*s/" STORE_FILE, SLICE_ARG(session->state));
    r = store_open(path, STORE_PATIENCE_MS, &session->store, &problems);
    command_problems_print("", &problems);
    problem_list_done(&problems);
    return r == 0 ? EX_OK : r == -EBUSY ? EX_TEMPFAIL : EX_CANTCREAT;
}

static void close_session(struct account_session *session)
{
    if (session->file)
        fclose(session->file);
    store_close(session->store);
    config_unref(session->config);
    arena_done(&session->arena);
}

static bool fits(const struct account_action *action, const struct account_options *options)
{
    int n = options->n_arguments - 1;

    return n >= action->least && n <= action->most && account_options_fit(options, action->options);
}

static const struct account_action *find_action(const struct account_options *options,
                                                const struct account_action *actions,
                                                size_t n_actions)
{
    for (size_t i = 0; options->n_arguments > 0 && i < n_actions; i++) {
        if (strcmp(options->arguments[0], actions[i].name) == 0)
            return &actions[i];
    }
    return NULL;
}

int account_session_run(int argc, char **argv, const char *help,
                        const struct account_action *actions, size_t n_actions)
{
    const struct account_action *action;
    struct account_options options;
    struct account_session session;
    int code;

    if (!account_options_read(argc, argv, &options))
        return EX_USAGE;
    action = find_action(&options, actions, n_actions);
    if (!action || options.help || !fits(action, &options)) {
        fputs(action && action->help ? action->help : help, options.help ? stdout : stderr);
        return options.help ? EX_OK : EX_USAGE;
    }
    code = open_session(&session, &options, action);
    if (code == EX_OK)
        code = action->run(&session, options.arguments + 1, options.n_arguments - 1);
    close_session(&session);
    return code;
}

static bool takes_accounts(const struct config_domain *domain)
{
    return domain->local || domain->recipients == RECIPIENTS_ACCOUNTS;
}

static int check_domain(const struct account_session *session, const struct address *address)
{
    const struct config_domain *domain = config_find_domain(session->config, address->domain);

    if (!domain)
        fprintf(
            stderr,
            "nuncio: %.*s is not a domain of this server; put 'domain %.*s { deliver maildir }' "
            "into %s and reload, then try again\n",
            SLICE_ARG(address->domain), SLICE_ARG(address->domain), session->config_path);
    else if (domain->alias_of.len)
        fprintf(stderr, "nuncio: %.*s is an alias of %.*s (%.*s:%u); use %.*s@%.*s\n",
                SLICE_ARG(domain->name), SLICE_ARG(domain->alias_of),
                SLICE_ARG(domain->source.file), domain->source.line, SLICE_ARG(address->local),
                SLICE_ARG(domain->alias_of));
    else if (!takes_accounts(domain))
        fprintf(stderr,
                "nuncio: %.*s is relayed for all its users (%.*s:%u); add 'recipients accounts' "
                "there to name them here\n",
                SLICE_ARG(domain->name), SLICE_ARG(domain->source.file), domain->source.line);
    else
        return EX_OK;
    return EX_DATAERR;
}

int account_session_address(struct account_session *session, const char *text, bool ours,
                            struct slice *ret_address)
{
    struct slice mailbox = slice_from_cstr(text);
    struct address address;
    struct address_result result = address_parse_mailbox(mailbox, ADDRESS_UTF8, &address);
    int code = EX_OK;

    if (result.error != ADDRESS_OK || address.kind != ADDRESS_DOMAIN) {
        fprintf(stderr, "nuncio: '%s' is not an address like joe@example.org: %s\n", text,
                result.error != ADDRESS_OK ? address_error_text(result.error)
                                           : "it has no domain name");
        return EX_DATAERR;
    }
    if (ours)
        code = check_domain(session, &address);
    if (code == EX_OK)
        *ret_address = address_key(&session->arena, mailbox);
    return code;
}

int account_session_no_account(struct slice address)
{
    fprintf(stderr, "nuncio: there is no account %.*s; nuncio account list shows them\n",
            SLICE_ARG(address));
    return EX_NOUSER;
}

int account_session_account(struct account_session *session, const char *text,
                            struct slice *ret_address)
{
    int code = account_session_address(session, text, false, ret_address), r;
    struct store_account account;
    struct slice elsewhere;

    if (code != EX_OK)
        return code;
    r = store_account_find(session->store, &session->arena, *ret_address, &account);
    if (r == STORE_MISSING)
        return account_session_elsewhere(session, *ret_address, &elsewhere)
                   ? EX_OK
                   : account_session_no_account(*ret_address);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

bool account_session_elsewhere(struct account_session *session, struct slice address,
                               struct slice *ret_name)
{
    const struct config_domain *domain =
        config_find_domain(session->config, address_domain(address));

    *ret_name = domain ? domain->accounts : SLICE_NULL;
    return ret_name->len > 0;
}

/* What to change instead, in a section that has these fields. */
static void tell_where(const struct config_accounts *section, bool alias)
{
    if (alias && section->alias_file.len)
        fprintf(stderr, "put it into %.*s", SLICE_ARG(section->alias_file));
    else if (alias)
        fprintf(stderr, "give the section an alias_file, and put it there");
    else if (section->passwd_file.len)
        fprintf(stderr, "put it into %.*s", SLICE_ARG(section->passwd_file));
    else
        fprintf(stderr, "add it where Dovecot has its users");
}

int account_session_counts(struct account_session *session, struct slice address, bool alias)
{
    const struct config_accounts *section;
    struct slice name;

    if (!account_session_elsewhere(session, address, &name))
        return EX_OK;
    section = config_find_accounts(session->config, name);
    fprintf(stderr,
            "nuncio: %.*s would be ignored: the %s of %.*s are kept by 'accounts %.*s' of %s; ",
            SLICE_ARG(address), alias ? "aliases" : "accounts", SLICE_ARG(address_domain(address)),
            SLICE_ARG(name), session->config_path);
    if (section)
        tell_where(section, alias);
    fputs("\n", stderr);
    return EX_USAGE;
}

int account_session_failed(struct account_session *session, int error)
{
    fprintf(stderr, "nuncio: %.*s/" STORE_FILE ": %s\n", SLICE_ARG(session->state),
            store_error(session->store));
    return error == -EBUSY ? EX_TEMPFAIL : EX_IOERR;
}

void account_session_print(json_t *object)
{
    if (!object)
        return;
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}
