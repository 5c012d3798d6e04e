/*
 * The common part of `nuncio account` and `nuncio alias`. See account_session.h.
 */
#include "control/account_session.h"

#include "base/log.h"
#include "control/locate.h"
#include "mail/address.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { STORE_PATIENCE_MS = 5000 };

/* Owner of the store when the server runs each role as a user of its own. */
#define AUTH_USER "nuncio-auth"

static bool read_options(int argc, char **argv, struct account_options *options, bool *ret_help)
{
    enum { STATE = 256, QUOTA, MESSAGES, JSON };
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"state", required_argument, NULL, STATE},
                                          {"quota", required_argument, NULL, QUOTA},
                                          {"messages", required_argument, NULL, MESSAGES},
                                          {"json", no_argument, NULL, JSON},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->config = optarg;
            break;
        case STATE:
            options->state = optarg;
            break;
        case QUOTA:
            options->quota = optarg;
            break;
        case MESSAGES:
            options->messages = optarg;
            break;
        case JSON:
            options->json = true;
            break;
        case 'h':
            *ret_help = true;
            break;
        default:
            return false;
        }
    }
    options->arguments = argv + optind;
    options->n_arguments = argc - optind;
    return true;
}

static void print_problems(struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem; problem = problem->next)
        fprintf(stderr, "%.*s\n", SLICE_ARG(problem_line(problems, problem)));
}

static int load_config(struct account_session *session)
{
    struct config_bundle bundle;
    struct problem_list problems;
    int r;

    session->config_path = config_locate(session->options->config);
    problem_list_init(&problems);
    r = config_load(session->config_path, &bundle, &session->config, &problems);
    print_problems(&problems);
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    if (r < 0)
        return EX_CONFIG;
    session->state =
        session->options->state ? slice_from_cstr(session->options->state) : session->config->state;
    return EX_OK;
}

static int complain_path(const char *path, const char *what, int code)
{
    fprintf(stderr, "nuncio: %s: %s\n", path, what);
    return code;
}

/* Makes the folder, for the auth role's user when we are root and there is one. */
static int make_folder(const char *state, const char *folder)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(AUTH_USER) : NULL;

    if (mkdir(state, 0755) < 0 && errno != EEXIST)
        return complain_path(state, log_strerror(errno), EX_CANTCREAT);
    if (mkdir(folder, 0700) < 0)
        return complain_path(folder, log_strerror(errno), EX_CANTCREAT);
    if (user && chown(folder, user->pw_uid, user->pw_gid) < 0)
        return complain_path(folder, log_strerror(errno), EX_CANTCREAT);
    return EX_OK;
}

/* Becomes that user and group, for good. */
static int become_owner(const char *folder, const struct stat *owner)
{
    const struct passwd *user;

    if (owner->st_uid == geteuid())
        return EX_OK;
    if (geteuid() != 0) {
        user = getpwuid(owner->st_uid);
        fprintf(stderr, "nuncio: %s belongs to %s: call this command as root or as that user\n",
                folder, user ? user->pw_name : "another user");
        return EX_NOPERM;
    }
    if (setgroups(0, NULL) < 0 || setgid(owner->st_gid) < 0 || setuid(owner->st_uid) < 0)
        return complain_path(folder, log_strerror(errno), EX_OSERR);
    return EX_OK;
}

static int enter_folder(struct account_session *session)
{
    const char *state = arena_cstr(&session->arena, session->state);
    const char *folder = arena_printf(&session->arena, "%s/accounts", state).ptr;
    struct stat owner;
    int code = EX_OK;

    if (stat(folder, &owner) < 0) {
        if (errno != ENOENT)
            return complain_path(folder, log_strerror(errno), EX_NOINPUT);
        code = make_folder(state, folder);
        if (code == EX_OK && stat(folder, &owner) < 0)
            code = complain_path(folder, log_strerror(errno), EX_NOINPUT);
    }
    return code == EX_OK ? become_owner(folder, &owner) : code;
}

static int open_session(struct account_session *session, const struct account_options *options)
{
    struct problem_list problems;
    struct slice path;
    int code, r;

    *session = (struct account_session){.options = options};
    arena_init(&session->arena);
    code = load_config(session);
    if (code == EX_OK)
        code = enter_folder(session);
    if (code != EX_OK)
        return code;
    problem_list_init(&problems);
    path = arena_printf(&session->arena, "%.*s/" STORE_FILE, SLICE_ARG(session->state));
    r = store_open(path, STORE_PATIENCE_MS, &session->store, &problems);
    print_problems(&problems);
    problem_list_done(&problems);
    return r == 0 ? EX_OK : r == -EBUSY ? EX_TEMPFAIL : EX_CANTCREAT;
}

static void close_session(struct account_session *session)
{
    store_close(session->store);
    config_unref(session->config);
    arena_done(&session->arena);
}

static bool fits(const struct account_action *action, const struct account_options *options)
{
    int n = options->n_arguments - 1;

    return n >= action->least && n <= action->most &&
           strcmp(options->arguments[0], action->name) == 0 &&
           (!options->quota || action->options & TAKES_QUOTA) &&
           (!options->messages || action->options & TAKES_MESSAGES);
}

int account_session_run(int argc, char **argv, const char *help,
                        const struct account_action *actions, size_t n_actions)
{
    struct account_options options = {0};
    struct account_session session;
    bool want_help = false;
    int code;

    if (!read_options(argc, argv, &options, &want_help))
        return EX_USAGE;
    for (size_t i = 0; !want_help && i < n_actions; i++) {
        if (!fits(&actions[i], &options))
            continue;
        code = open_session(&session, &options);
        if (code == EX_OK)
            code = actions[i].run(&session, options.arguments + 1, options.n_arguments - 1);
        close_session(&session);
        return code;
    }
    fputs(help, want_help ? stdout : stderr);
    return want_help ? EX_OK : EX_USAGE;
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
