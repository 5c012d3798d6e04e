/*
 * nuncio dkim keygen|record|list|rotate|retire|remove: the keys that sign mail.
 */
#include "control/commands.h"

#include "control/dkim_actions.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio dkim keygen DOMAIN [--selector S] [--sender ADDRESS] [--algorithm A] [--bits "
    "N]\n"
    "       nuncio dkim record DOMAIN [SELECTOR]\n"
    "       nuncio dkim list [DOMAIN]\n"
    "       nuncio dkim rotate DOMAIN [--selector S] [--sender ADDRESS] [--algorithm A] [--bits "
    "N]\n"
    "       nuncio dkim retire DOMAIN SELECTOR\n"
    "       nuncio dkim remove DOMAIN SELECTOR [--force]\n\n"
    "Makes and tends the keys with which mail from your domains is signed (DKIM). A key signs as\n"
    "soon as its record has been seen in the DNS, for its domain and those below it; the server\n"
    "looks for it each minute (at once after nuncio reload), and takes up new keys by itself.\n\n"
    "  keygen  makes keys and prints the records to publish\n"
    "  record  prints them again\n"
    "  list    says of each key whether it signs, and what is to be done\n"
    "  rotate  makes new keys beside those that are there. Publish the new records: the old keys\n"
    "          sign until the new ones are seen, and are retired then. list says when the old\n"
    "          records and keys can go\n"
    "  retire  lets a key sign only where there is no other\n"
    "  remove  deletes a key for good, once no mail under way needs its record\n\n"
    "      --selector S     the record's name; otherwise the month and the algorithm (202611r,\n"
    "                       202611e). Where both algorithms are made, S is followed by r and e\n"
    "      --sender ADDRESS the key signs for this address in From alone, before the domain's\n"
    "      --algorithm A    rsa, ed25519 or both, which is the default: not everybody can verify\n"
    "                       Ed25519. rotate makes what is there already\n"
    "      --bits N         of an RSA key: 2048 (the default) to 4096\n"
    "      --force          remove a key that is in use, or needed for mail under way\n"
    "  -c, --config FILE    the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR      the state folder, otherwise that of the configuration\n"
    "      --json           one JSON object a line\n\n"
    "A key of your own goes to STATE/keys/DOMAIN/SELECTOR.pem, mode 600, the folder's owner.\n\n"
    "Exit code: 0, 65 for a mistake in what was asked (list: a key cannot be used), 66 when there\n"
    "is no such key, 75 when another nuncio dkim is at work, 77 for another user's keys.\n\n"
    "Example: nuncio dkim keygen example.org\n"
    "         nuncio dkim keygen example.org --sender news@example.org --algorithm rsa\n"
    "         nuncio dkim rotate example.org && nuncio dkim list\n";

#define TAKES(option) (1u << (option))

static const struct action {
    const char *name;
    int (*run)(struct dkim_session *session, char **arguments, int n);
    int least, most; /* arguments */
    bool writes;
    unsigned options;
} actions[] = {
    {"keygen", dkim_keygen, 1, 1, true,
     TAKES(DKIM_OPTION_SELECTOR) | TAKES(DKIM_OPTION_SENDER) | TAKES(DKIM_OPTION_ALGORITHM) |
         TAKES(DKIM_OPTION_BITS)},
    {"rotate", dkim_rotate, 1, 1, true,
     TAKES(DKIM_OPTION_SELECTOR) | TAKES(DKIM_OPTION_SENDER) | TAKES(DKIM_OPTION_ALGORITHM) |
         TAKES(DKIM_OPTION_BITS)},
    {"record", dkim_record, 1, 2, false, 0},
    {"list", dkim_list, 0, 1, false, 0},
    {"retire", dkim_retire, 2, 2, true, 0},
    {"remove", dkim_remove, 2, 2, true, TAKES(DKIM_OPTION_FORCE)},
};

static const struct action *find_action(const struct dkim_options *options)
{
    for (size_t i = 0; options->n_arguments && i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(options->arguments[0], actions[i].name) == 0)
            return &actions[i];
    }
    return NULL;
}

static bool fits(const struct action *action, const struct dkim_options *options)
{
    int n = options->n_arguments - 1;

    for (unsigned i = 0; i < DKIM_OPTIONS; i++) {
        if (options->given[i] && !(action->options & TAKES(i)))
            return false;
    }
    return n >= action->least && n <= action->most;
}

int cmd_dkim(int argc, char **argv)
{
    const struct action *action;
    struct dkim_options options;
    struct dkim_session session;
    int code;

    if (!dkim_options_read(argc, argv, &options))
        return EX_USAGE;
    action = find_action(&options);
    if (!action || options.help || !fits(action, &options)) {
        fputs(help, options.help ? stdout : stderr);
        return options.help ? EX_OK : EX_USAGE;
    }
    code = dkim_session_open(&session, &options, action->writes);
    if (code == EX_OK)
        code = action->run(&session, options.arguments + 1, options.n_arguments - 1);
    dkim_session_close(&session);
    return code;
}
