/*
 * One program, many commands: picks the subcommand by its name, or by the name under which the
 * program was called (sendmail, mailq). Each command reads its own options and answers --help.
 */
#include "control/commands.h"

#include <stdbool.h>
#include <sysexits.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
    bool by_name; /* also when the program itself is called so */
};

static const struct command commands[] = {
    {"serve", cmd_serve, "run the server in the foreground", false},
    {"status", cmd_status, "the server's roles and what locks them in", false},
    {"reload", cmd_reload, "let the server read its configuration again", false},
    {"stop", cmd_stop, "stop the server", false},
    {"check-config", cmd_check_config, "tell the mistakes of a configuration, or what it means",
     false},
    {"dns", cmd_dns, "what your domains should publish, and whether they do", false},
    {"dkim", cmd_dkim, "the keys that sign mail: make, publish, rotate", false},
    {"account", cmd_account, "mailboxes, and how their owners log in", false},
    {"alias", cmd_alias, "addresses that stand for others: add, list, remove", false},
    {"send", cmd_send, "hand a message to a mail server, and show the conversation", false},
    {"queue", cmd_queue, "look at the mail that waits, and decide about it", false},
    {"verify", cmd_verify, "judge a sender or a message: SPF, DKIM, DMARC, ARC", false},
    {"why", cmd_why, "what became of a message, and why", false},
    {"mailq", cmd_mailq, "the mail that waits", true},
    {"report", cmd_report, "what others report about mail in your names", false},
    {"spool", cmd_spool, "the mail on disk, while the server is down: check, export", false},
    {"sendmail", cmd_sendmail, "take a message from a program of this host", true},
    {NULL, NULL, NULL, false},
};

static const struct command *find_command(const char *name, bool by_name)
{
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0 && (!by_name || command->by_name))
            return command;
    }
    return NULL;
}

static void print_usage(FILE *to)
{
    fputs("usage: nuncio COMMAND [ARGUMENT...]\n\n", to);
    for (const struct command *command = commands; command->name; command++)
        fprintf(to, "  %-14s %s\n", command->name, command->summary);
    fputs("\nEvery command explains itself: nuncio COMMAND --help\n", to);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    const struct command *command = argc > 0 ? find_command(base_name(argv[0]), true) : NULL;

    if (command)
        return command->run(argc, argv);
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("nuncio " NUNCIO_VERSION);
        return EX_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EX_OK;
    }
    command = find_command(argv[1], false);
    if (!command) {
        fprintf(stderr, "nuncio: there is no command '%s'; nuncio --help lists them\n", argv[1]);
        return EX_USAGE;
    }
    return command->run(argc - 1, argv + 1);
}
