/*
 * nuncio queue list|show|retry|hold|release|bounce|remove|stats: what waits, and what is done with
 * it. The work is the queue role's (src/queue/commands.h); here it is asked and shown.
 */
#include "control/client.h"
#include "control/commands.h"
#include "control/queue_print.h"

#include <getopt.h>
#include <stdbool.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio queue list [FILTER...]\n"
    "       nuncio queue show ID\n"
    "       nuncio queue retry|hold|release|bounce|remove ID...|FILTER...|--all\n"
    "       nuncio queue stats\n\n"
    "  list      what is not delivered yet\n"
    "  show      a message with all its recipients\n"
    "  retry     try now what waits for its next attempt\n"
    "  hold      do not try until released\n"
    "  release   try again what is held\n"
    "  bounce    give it up, and tell the sender\n"
    "  remove    give it up, and tell nobody\n"
    "  stats     numbers, and the lanes\n\n"
    "FILTER (all given must fit):\n"
    "  --sender ADDRESS     the reverse-path (<> for bounces), or the account that handed it in\n"
    "  --recipient ADDRESS  only these recipients\n"
    "  --domain DOMAIN      only recipients there\n"
    "  --is STATE           waiting, ready, sending, failed or held\n\n"
    "  -c, --config FILE    the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR      the state folder, otherwise that of the configuration\n"
    "      --json           one JSON object a line\n\n"
    "Example: nuncio queue retry --domain example.org\n";

struct options {
    const char *config, *state;
    bool json, help;
    json_t *filter; /* of the request */
};

static bool set_filter(struct options *options, const char *key, const char *value)
{
    return json_object_set_new(options->filter, key, json_string(value)) == 0;
}

static bool take_option(struct options *options, int c)
{
    switch (c) {
    case 'c':
        options->config = optarg;
        return true;
    case 'd':
        options->state = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 'a':
        return json_object_set_new(options->filter, "all", json_true()) == 0;
    case 'S':
        return set_filter(options, "sender", optarg);
    case 'R':
        return set_filter(options, "recipient", optarg);
    case 'D':
        return set_filter(options, "domain", optarg);
    case 'I':
        return set_filter(options, "state", optarg);
    case 'h':
        options->help = true;
        return true;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"state", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},         {"all", no_argument, NULL, 'a'},
        {"sender", required_argument, NULL, 'S'}, {"recipient", required_argument, NULL, 'R'},
        {"domain", required_argument, NULL, 'D'}, {"is", required_argument, NULL, 'I'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (!take_option(options, c))
            return false;
    }
    return true;
}

/* A message or a recipient a line, without the protocol around it. */
static void show_json(const json_t *answer)
{
    const json_t *message = json_object_get(answer, "message");
    const json_t *recipient = json_object_get(answer, "recipient");

    if (!message && !recipient && json_object_size(answer) == 2)
        return; /* the end of a list: how many there were */
    json_dumpf(message ? message : recipient ? recipient : answer, stdout, JSON_COMPACT);
    putchar('\n');
}

static void on_answer(void *arg, const json_t *answer)
{
    const struct options *options = arg;
    const json_t *message = json_object_get(answer, "message");
    const json_t *recipient = json_object_get(answer, "recipient");

    if (options->json)
        show_json(answer);
    else if (message)
        queue_print_message(message);
    else if (recipient)
        queue_print_recipient(recipient);
    else if (json_object_get(answer, "lanes"))
        queue_print_stats(answer);
    else if (json_object_get(answer, "recipients"))
        printf("%lld recipients of %lld messages.\n",
               (long long)json_integer_value(json_object_get(answer, "recipients")),
               (long long)json_integer_value(json_object_get(answer, "messages")));
    else
        queue_print_total(answer);
}

/* One request for each id, or one for the filter. */
static int ask(struct client *client, struct options *options, const char *action, char **ids,
               int n_ids)
{
    int code = EX_OK, i = 0;

    do {
        json_t *request = json_deep_copy(options->filter);
        int r;
        json_object_set_new(request, "command", json_sprintf("queue.%s", action));
        if (n_ids)
            json_object_set_new(request, "id", json_string(ids[i]));
        r = client_ask(client, request, on_answer, options);
        if (code == EX_OK)
            code = r;
    } while (++i < n_ids);
    return code;
}

static bool is_action(const char *name)
{
    static const char *const actions[] = {"list",    "show",   "retry",  "hold",
                                          "release", "bounce", "remove", "stats"};

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i], name) == 0)
            return true;
    }
    return false;
}

int cmd_queue(int argc, char **argv)
{
    struct options options = {.filter = json_object()};
    struct client *client = NULL;
    int code = EX_USAGE;

    if (!read_options(argc, argv, &options) ||
        (!options.help && (optind >= argc || !is_action(argv[optind])))) {
        fputs(help, stderr);
    } else if (options.help) {
        fputs(help, stdout);
        code = EX_OK;
    } else {
        code = client_open(options.config, options.state, &client);
        if (code == EX_OK)
            code = ask(client, &options, argv[optind], argv + optind + 1, argc - optind - 1);
        client_close(client);
    }
    json_decref(options.filter);
    return code;
}
