/* The common part of the commands that the parent answers. See admin_options.h. */
#include "control/admin_options.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

bool admin_options_read(int argc, char **argv, const char *help, struct admin_options *ret_options,
                        int *ret_code)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"state", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct admin_options options = {0};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        switch (c) {
        case 'c':
            options.config = optarg;
            break;
        case 'd':
            options.state = optarg;
            break;
        case 'j':
            options.json = true;
            break;
        default:
            fputs(help, c == 'h' ? stdout : stderr);
            *ret_code = c == 'h' ? EX_OK : EX_USAGE;
            return false;
        }
    }
    if (optind < argc) {
        fputs(help, stderr);
        *ret_code = EX_USAGE;
        return false;
    }
    *ret_options = options;
    return true;
}

static void keep_answer(void *arg, const json_t *answer)
{
    json_t **kept = arg;

    json_decref(*kept);
    *kept = json_deep_copy(answer);
}

int admin_options_ask(const struct admin_options *options, const char *command, json_t **ret_answer)
{
    struct client *client = NULL;
    json_t *answer = NULL;
    int code = client_open(options->config, options->state, &client);

    if (code == EX_OK)
        code = client_ask(client, json_pack("{s:s}", "command", command), keep_answer, &answer);
    client_close(client);
    if (code == EX_OK && !answer)
        code = EX_PROTOCOL;
    if (code == EX_OK) {
        json_object_del(answer, "end");
        *ret_answer = answer;
    } else {
        json_decref(answer);
    }
    return code;
}

void admin_options_print(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
}
