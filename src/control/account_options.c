/*
 * The command line of `nuncio account` and `nuncio alias`. See account_options.h.
 *
 * No option takes a password: the command line is what every user of a machine can see.
 */
#include "control/account_options.h"

#include <getopt.h>
#include <stdio.h>

/* Above what a character can be. */
enum { FIRST = 256, STATE = FIRST + ACCOUNT_OPTIONS, JSON };

static const struct option known[] = {
    {"config", required_argument, NULL, 'c'},
    {"state", required_argument, NULL, STATE},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},
    {"quota", required_argument, NULL, FIRST + OPTION_QUOTA},
    {"messages", required_argument, NULL, FIRST + OPTION_MESSAGES},
    {"password-stdin", no_argument, NULL, FIRST + OPTION_STDIN},
    {"stdin", no_argument, NULL, FIRST + OPTION_STDIN},
    {"generate", no_argument, NULL, FIRST + OPTION_GENERATE},
    {"hash", required_argument, NULL, FIRST + OPTION_HASH},
    {"none", no_argument, NULL, FIRST + OPTION_NONE},
    {"force", no_argument, NULL, FIRST + OPTION_FORCE},
    {"network", required_argument, NULL, FIRST + OPTION_NETWORK},
    {"size", required_argument, NULL, FIRST + OPTION_SIZE},
    {"minute", required_argument, NULL, FIRST + OPTION_MINUTE},
    {"hour", required_argument, NULL, FIRST + OPTION_HOUR},
    {"recipients", required_argument, NULL, FIRST + OPTION_RECIPIENTS},
    {"bounces", required_argument, NULL, FIRST + OPTION_BOUNCES},
    {"lift", required_argument, NULL, FIRST + OPTION_LIFT},
    {"lift-all", no_argument, NULL, FIRST + OPTION_LIFT_ALL},
    {"domain", required_argument, NULL, FIRST + OPTION_DOMAIN},
    {NULL, 0, NULL, 0},
};

static bool keep(struct account_options *options, enum account_option option, const char *value)
{
    options->given[option] = value ? value : "";
    if (option != OPTION_NETWORK)
        return true;
    if (options->n_networks == ACCOUNT_NETWORKS_MAX) {
        fprintf(stderr, "nuncio: at most %d networks\n", ACCOUNT_NETWORKS_MAX);
        return false;
    }
    options->networks[options->n_networks++] = value;
    return true;
}

bool account_options_read(int argc, char **argv, struct account_options *ret_options)
{
    struct account_options options = {0};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (c == 'c')
            options.config = optarg;
        else if (c == STATE)
            options.state = optarg;
        else if (c == JSON)
            options.json = true;
        else if (c == 'h')
            options.help = true;
        else if (c < FIRST || !keep(&options, (enum account_option)(c - FIRST), optarg))
            return false;
    }
    options.arguments = argv + optind;
    options.n_arguments = argc - optind;
    *ret_options = options;
    return true;
}

bool account_options_fit(const struct account_options *options, unsigned takes)
{
    for (unsigned i = 0; i < ACCOUNT_OPTIONS; i++) {
        if (options->given[i] && !(takes & TAKES(i)))
            return false;
    }
    return true;
}
