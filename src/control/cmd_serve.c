/*
 * nuncio serve: the server in the foreground. With --try it needs no configuration: it writes one
 * for this machine alone into ./var, makes an account, and says how to send the first message.
 */
#include "control/commands.h"

#include "base/slice.h"
#include "control/locate.h"
#include "control/trial.h"
#include "daemon/daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

static void print_help(void)
{
    fputs("usage: nuncio serve [-c FILE | --try]\n\n"
          "Runs the server in the foreground until SIGTERM or Ctrl-C. SIGHUP reads the\n"
          "configuration again.\n\n"
          "  -c, --config FILE  the configuration, otherwise " NUNCIO_CONFIG_FILE "\n"
          "      --try          a private server on 127.0.0.1:2525 as the calling user, with its\n"
          "                     configuration and everything else in ./" TRIAL_FOLDER "\n\n"
          "Example: nuncio serve -c /etc/nuncio/nuncio.conf\n",
          stdout);
}

int cmd_serve(int argc, char **argv)
{
    static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                                 {"try", no_argument, NULL, 't'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    struct daemon_options options = {.roles = &role_table};
    const char *given = NULL;
    bool trial = false;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            given = optarg;
            break;
        case 't':
            trial = true;
            break;
        case 'h':
            print_help();
            return EX_OK;
        default:
            return EX_USAGE;
        }
    }
    if (optind < argc || (trial && given)) {
        fputs("nuncio serve: too many arguments; nuncio serve --help explains\n", stderr);
        return EX_USAGE;
    }
    if (trial)
        return trial_serve(&options);
    options.config_path = config_locate(given);
    return daemon_serve(&options);
}
