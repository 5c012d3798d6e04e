/*
 * mailq, as every Unix program expects it: what is not delivered yet. Options of other mailq
 * programs are not known here; `nuncio queue list` has filters.
 */
#include "control/client.h"
#include "control/commands.h"
#include "control/queue_print.h"

#include <getopt.h>
#include <sysexits.h>

static const char help[] = "usage: mailq [-c FILE] [--state DIR]\n\n"
                           "Shows what waits for delivery; the same as nuncio queue list.\n\n"
                           "Example: mailq\n";

static void on_answer(void *arg, const json_t *answer)
{
    const json_t *message = json_object_get(answer, "message");

    (void)arg;
    if (message)
        queue_print_message(message);
    else if (json_integer_value(json_object_get(answer, "messages")))
        queue_print_total(answer);
    else
        puts("Mail queue is empty"); /* the words that scripts look for */
}

int cmd_mailq(int argc, char **argv)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"state", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *config = NULL, *state = NULL;
    struct client *client = NULL;
    int c, code;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (c == 'c') {
            config = optarg;
        } else if (c == 'd') {
            state = optarg;
        } else {
            fputs(help, c == 'h' ? stdout : stderr);
            return c == 'h' ? EX_OK : EX_USAGE;
        }
    }
    code = client_open(config, state, &client);
    if (code == EX_OK)
        code = client_ask(client, json_pack("{s:s,s:b}", "command", "queue.list", "brief", 1),
                          on_answer, NULL);
    client_close(client);
    return code;
}
