/*
 * A first server in one command. Nothing but 127.0.0.1 can reach it, it takes mail for its own
 * domain alone, and it relays for nobody: what is here for convenience is safe to leave running.
 *
 * The configuration is written once and is the user's from then on: he may edit it and start again.
 */
#include "control/trial.h"

#include "control/commands.h"
#include "control/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define TRIAL_DOMAIN  "localhost.test"
#define TRIAL_ACCOUNT "me@" TRIAL_DOMAIN

static const char configuration[] =
    "# A server for trying things out, made by `nuncio serve --try`. Edit it as you like.\n"
    "hostname %s\n"
    "state    \"%s\"\n"
    "\n"
    "domain " TRIAL_DOMAIN " { deliver maildir }\n"
    "\n"
    "listen mx         { service mx;         address 127.0.0.1:2525 }\n"
    "listen submission { service submission; address 127.0.0.1:2587; tls required; auth required "
    "}\n"
    "listen smtps      { service submission; address 127.0.0.1:2465; tls implicit; auth required "
    "}\n";

static int fail(const char *path)
{
    fprintf(stderr, "nuncio: %s: %s\n", path, strerror(errno));
    return EX_CANTCREAT;
}

/* The system's name if it will do as one, else "localhost". */
static void find_hostname(char *out, size_t size)
{
    if (gethostname(out, size) < 0 || !out[0] ||
        out[strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")])
        snprintf(out, size, "localhost");
    out[size - 1] = '\0';
}

static int write_configuration(const char *state)
{
    char hostname[256];
    int fd = open(TRIAL_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int written;

    if (fd < 0)
        return errno == EEXIST ? EX_OK : fail(TRIAL_FILE);
    find_hostname(hostname, sizeof(hostname));
    written = dprintf(fd, configuration, hostname, state);
    if (close(fd) < 0 || written < 0)
        return fail(TRIAL_FILE);
    return EX_OK;
}

static int add_account(void)
{
    char name[] = "account", verb[] = "add", address[] = TRIAL_ACCOUNT, option[] = "-c",
         file[] = TRIAL_FILE, none[] = "--none";
    char *argv[] = {name, verb, address, option, file, none, NULL};

    optind = 0; /* getopt has been through our own options before */
    return cmd_account(6, argv);
}

static int prepare(char *ret_state)
{
    char accounts[PATH_MAX + 16];
    int code;

    if (mkdir(TRIAL_FOLDER, 0755) < 0 && errno != EEXIST)
        return fail(TRIAL_FOLDER);
    if (!realpath(TRIAL_FOLDER, ret_state))
        return fail(TRIAL_FOLDER);
    snprintf(accounts, sizeof(accounts), "%s/accounts", ret_state);
    code = write_configuration(ret_state);
    if (code != EX_OK || access(accounts, F_OK) == 0)
        return code;
    if (mkdir(accounts, 0700) < 0)
        return fail(accounts);
    code = add_account();
    if (code != EX_OK)
        (void)rmdir(accounts); /* so that the next start tries again */
    return code;
}

/* Where the first listener can be reached over TCP. */
static void print_first_address(const struct config *config)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_endpoints *addresses = &config->listeners[i].addresses;
        for (size_t j = 0; j < addresses->count; j++) {
            const struct config_endpoint *endpoint = &addresses->list[j];
            bool any = slice_eq(endpoint->host, SLICE("*"));
            if (endpoint->kind != ENDPOINT_INET)
                continue;
            printf("%.*s:%u", SLICE_ARG(any ? SLICE("127.0.0.1") : endpoint->host), endpoint->port);
            return;
        }
    }
}

static void print_banner(void *arg, const struct config *config)
{
    const char *state = arg, *program = program_invocation_name;

    printf("\nNuncio " NUNCIO_VERSION " is running; Ctrl-C stops it.\n\n"
           "  listens on     ");
    print_first_address(config);
    printf(" (SMTP, this machine only; takes mail for " TRIAL_DOMAIN ")\n"
           "  account        " TRIAL_ACCOUNT " (to send as it: %s account passwd " TRIAL_ACCOUNT
           " -c " TRIAL_FILE ",\n"
           "                 then 127.0.0.1:2587 with STARTTLS or 127.0.0.1:2465 with TLS)\n"
           "  its mail       %s/mail/" TRIAL_DOMAIN "/me (a Maildir)\n"
           "  configuration  %s/nuncio.conf (yours to edit)\n\n"
           "Send a first message, from this folder in another terminal:\n\n"
           "  %s send --from you@example.org --to " TRIAL_ACCOUNT " ",
           program, state, state, program);
    print_first_address(config);
    printf("\n\nand look at it:\n\n"
           "  cat " TRIAL_FOLDER "/mail/" TRIAL_DOMAIN "/me/new/*\n"
           "  mutt -f " TRIAL_FOLDER "/mail/" TRIAL_DOMAIN "/me\n"
           "  %s queue list -c " TRIAL_FILE "\n\n",
           program);
    fflush(stdout);
}

int trial_serve(struct daemon_options *options)
{
    char state[PATH_MAX];
    int code = prepare(state);

    if (code != EX_OK)
        return code;
    options->config_path = TRIAL_FILE;
    options->as_caller = true;
    options->on_ready = print_banner;
    options->arg = state;
    return daemon_serve(options);
}
