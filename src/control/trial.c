/*
 * A first server in one command. Nothing but 127.0.0.1 can reach it, it takes mail for its own
 * domain alone, and it relays for nobody: what is here for convenience is safe to leave running.
 *
 * The configuration is written once and is the user's from then on: he may edit it and start again.
 * The account's password is made with it and shown once, in a line to copy. Until then it is in a
 * page that the roles, which are forked meanwhile, do not get.
 */
#include "control/trial.h"

#include "account/password.h"
#include "control/commands.h"
#include "control/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sys/mman.h>
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
    "# Nothing leaves this machine. Without this line mail goes to the servers that DNS names.\n"
    "default_route none\n"
    "\n"
    "# Nobody in the DNS names this machine as his, so mail from it is not checked (SPF, DKIM, "
    "DMARC).\n"
    "checks { unchecked { 127.0.0.1 } }\n"
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

/* What is shown when the server is ready. */
struct trial {
    char state[PATH_MAX];
    char password[64]; /* "": made at an earlier start */
};

static struct trial *new_trial(void)
{
    struct trial *trial =
        mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (trial == MAP_FAILED)
        return NULL;
    if (madvise(trial, sizeof(*trial), MADV_WIPEONFORK) == 0)
        return trial;
    munmap(trial, sizeof(*trial));
    return NULL;
}

static int make_password(struct trial *trial)
{
    struct arena arena;
    struct slice password;
    int r;

    arena_init(&arena);
    r = password_generate(&arena, &password);
    if (r == 0) {
        snprintf(trial->password, sizeof(trial->password), "%.*s", SLICE_ARG(password));
        explicit_bzero((char *)(uintptr_t)password.ptr, password.len);
    }
    arena_done(&arena);
    return r;
}

/* `nuncio account add --stdin`, with the password on a standard input made for it. */
static int add_account(const char *password)
{
    char name[] = "account", verb[] = "add", address[] = TRIAL_ACCOUNT, option[] = "-c",
         file[] = TRIAL_FILE, given[] = "--stdin";
    char *argv[] = {name, verb, address, option, file, given, NULL};
    int pipe_ends[2], before = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), code = EX_OSERR;

    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return fail("a pipe");
    if (dprintf(pipe_ends[1], "%s\n", password) > 0 && dup2(pipe_ends[0], STDIN_FILENO) >= 0) {
        optind = 0; /* getopt has been through our own options before */
        code = cmd_account(6, argv);
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    if (before < 0) {
        close(STDIN_FILENO);
    } else {
        (void)dup2(before, STDIN_FILENO);
        close(before);
    }
    return code;
}

static int prepare(struct trial *trial)
{
    char accounts[PATH_MAX + 16];
    int code;

    if (mkdir(TRIAL_FOLDER, 0755) < 0 && errno != EEXIST)
        return fail(TRIAL_FOLDER);
    if (!realpath(TRIAL_FOLDER, trial->state))
        return fail(TRIAL_FOLDER);
    snprintf(accounts, sizeof(accounts), "%s/accounts", trial->state);
    code = write_configuration(trial->state);
    if (code != EX_OK || access(accounts, F_OK) == 0)
        return code;
    if (make_password(trial) < 0)
        return fail("a password");
    if (mkdir(accounts, 0700) < 0)
        return fail(accounts);
    code = add_account(trial->password);
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

/* The line works with the certificate that the server has made for itself. */
static void print_first_message(const struct trial *trial)
{
    const char *password = trial->password[0] ? trial->password : "PASSWORD";

    printf("Send a first message as " TRIAL_ACCOUNT ", from another terminal:\n\n"
           "  printf 'From: <" TRIAL_ACCOUNT ">\\r\\nSubject: first\\r\\n\\r\\nIt works.\\r\\n' |\n"
           "    curl --ssl-reqd --insecure --url smtp://127.0.0.1:2587 --user '" TRIAL_ACCOUNT
           ":%s' \\\n"
           "    --mail-from " TRIAL_ACCOUNT " --mail-rcpt " TRIAL_ACCOUNT " --upload-file -\n\n",
           password);
    if (trial->password[0])
        printf(
            "The password in it is shown this once. --insecure is for the certificate, which the\n"
            "server has made for itself.\n\n");
    else
        printf("The password was shown at the first start; `%s account passwd " TRIAL_ACCOUNT
               "\n--generate -c " TRIAL_FILE "` makes another one.\n\n",
               program_invocation_name);
}

static void print_banner(void *arg, const struct config *config)
{
    const char *program = program_invocation_name;
    struct trial *trial = arg;

    printf("\nNuncio " NUNCIO_VERSION " is running; Ctrl-C stops it.\n\n"
           "  takes mail     ");
    print_first_address(config);
    printf(" (SMTP, for " TRIAL_DOMAIN " alone, from this machine alone)\n"
           "  sends mail     127.0.0.1:2587 (STARTTLS) and 127.0.0.1:2465 (TLS), after a login\n"
           "  account        " TRIAL_ACCOUNT "\n"
           "  its mail       %s/mail/" TRIAL_DOMAIN "/me (a Maildir)\n"
           "  configuration  %s/nuncio.conf (yours to edit)\n\n",
           trial->state, trial->state);
    print_first_message(trial);
    explicit_bzero(trial->password, sizeof(trial->password));
    printf("Or as a stranger would, without a login, from this folder:\n\n"
           "  %s send --from you@example.org --to " TRIAL_ACCOUNT " ",
           program);
    print_first_address(config);
    printf("\n\nand look at what came:\n\n"
           "  cat " TRIAL_FOLDER "/mail/" TRIAL_DOMAIN "/me/new/*\n"
           "  mutt -f " TRIAL_FOLDER "/mail/" TRIAL_DOMAIN "/me\n"
           "  %s why " TRIAL_ACCOUNT "\n"
           "  %s queue list\n\n",
           program, program);
    fflush(stdout);
}

int trial_serve(struct daemon_options *options)
{
    struct trial *trial = new_trial();
    int code;

    if (!trial)
        return fail("memory");
    code = prepare(trial);
    if (code == EX_OK) {
        options->config_path = TRIAL_FILE;
        options->as_caller = true;
        options->on_ready = print_banner;
        options->arg = trial;
        code = daemon_serve(options);
    }
    explicit_bzero(trial->password, sizeof(trial->password));
    munmap(trial, sizeof(*trial));
    return code;
}
