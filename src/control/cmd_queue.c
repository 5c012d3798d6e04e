/*
 * nuncio queue: what waits, and what is done with it. The work is the queue role's
 * (src/queue/commands.h); here it is asked and shown.
 */
#include "control/client.h"
#include "control/commands.h"
#include "control/queue_options.h"
#include "control/queue_print.h"
#include "control/queue_table.h"

#include "mail/encoding.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio queue list [FILTER...] [--limit N]\n"
    "       nuncio queue show [--text] ID...\n"
    "       nuncio queue retry|hold|release|bounce|remove [-n] ID...|FILTER...|--all\n"
    "       nuncio queue reroute --to ROUTE [-n] ID...|FILTER...|--all\n"
    "       nuncio queue suspend TARGET [--for TIME] [--reason TEXT]\n"
    "       nuncio queue resume TARGET|--all\n"
    "       nuncio queue suspended\n"
    "       nuncio queue stats\n\n"
    "  list       what is not delivered yet, the oldest first\n"
    "  show       a message with its envelope, header and all its recipients; with --text the\n"
    "             whole message alone\n"
    "  retry      try now what waits for its next attempt\n"
    "  hold       do not try until released\n"
    "  release    try again what is held\n"
    "  bounce     give it up, and tell the sender\n"
    "  remove     give it up, and tell nobody\n"
    "  reroute    send it over another route of the configuration; --to '' over its own again\n"
    "  suspend    try nothing that goes there or comes from there, until resumed; what is too old\n"
    "             bounces all the same\n"
    "  resume     end that\n"
    "  suspended  what is suspended now\n"
    "  stats      numbers, and the lanes\n\n"
    "FILTER (all given must fit; * in a pattern stands for anything):\n"
    "  --sender PATTERN     the reverse-path (<> for bounces), or the account that handed it in\n"
    "  --recipient PATTERN  only these recipients\n"
    "  --domain PATTERN     only recipients there\n"
    "  --lane PATTERN       only what goes that way: ROUTE, or ROUTE/SITE as stats names it\n"
    "  --older TIME         came so long ago or longer: 90s, 30m, 2h, 5d\n"
    "  --newer TIME         came so long ago or less\n"
    "  --reply TEXT         the last reply has TEXT in it\n"
    "  --is STATE           waiting, ready, sending, failed, held or suspended\n\n"
    "TARGET: --lane PATTERN, --domain PATTERN, --sender PATTERN, or --source ADDRESS of a route\n\n"
    "  -n, --dry-run        say how much would be changed, and change nothing\n"
    "  -c, --config FILE    the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR      the state folder, otherwise that of the configuration\n"
    "      --json           one JSON object a line\n\n"
    "Example: nuncio queue retry --domain example.org --reply greylisted\n";

struct asking {
    const char *action;
    bool json;
};

/* A message, a recipient or a suspension a line, without the protocol around it. */
static void show_json(const json_t *answer)
{
    static const char *const inner[] = {"message", "recipient", "suspension"};
    const json_t *object = NULL;

    for (size_t i = 0; !object && i < sizeof(inner) / sizeof(inner[0]); i++) {
        object = json_object_get(answer, inner[i]);
        if (!json_is_object(object))
            object = NULL;
    }
    json_dumpf(object ? object : answer, stdout, JSON_COMPACT);
    putchar('\n');
}

static bool is_list(const char *action)
{
    return strcmp(action, "list") == 0 || strcmp(action, "show") == 0 ||
           strcmp(action, "suspended") == 0;
}

static void show_end(const struct asking *asking, const json_t *answer)
{
    if (strcmp(asking->action, "list") == 0)
        queue_print_total(answer);
    else if (strcmp(asking->action, "stats") == 0)
        queue_table_print(answer);
    else if (strcmp(asking->action, "suspended") == 0)
        queue_print_suspended_total(answer);
    else if (strcmp(asking->action, "suspend") == 0)
        puts("Suspended. What is under way is let end; see nuncio queue suspended.");
    else if (strcmp(asking->action, "resume") == 0)
        puts("Resumed.");
    else if (strcmp(asking->action, "show") != 0)
        queue_print_changed(answer);
}

static void on_answer(void *arg, const json_t *answer)
{
    const struct asking *asking = arg;
    const json_t *message = json_object_get(answer, "message");
    const json_t *recipient = json_object_get(answer, "recipient");
    const json_t *suspension = json_object_get(answer, "suspension");
    bool end = json_object_get(answer, "end") != NULL;

    if (asking->json && !(end && is_list(asking->action)))
        show_json(answer);
    else if (asking->json)
        return; /* how many there were, says the number of lines */
    else if (message)
        queue_print_message(message);
    else if (recipient)
        queue_print_recipient(recipient);
    else if (suspension)
        queue_print_suspension(suspension);
    else
        show_end(asking, answer);
}

/* A message of a list as JSON is a part of its line, as it is. */
static bool on_line(void *arg, struct slice line)
{
    static const struct slice before = SLICE_INIT("{\"message\":");
    const struct asking *asking = arg;

    if (!asking->json || !slice_starts_with_nocase(line, before))
        return false;
    fwrite(line.ptr + before.len, 1, line.len - before.len - 1, stdout);
    putchar('\n');
    return true;
}

/* The pieces of queue.text. */
static void on_text(void *arg, const json_t *answer)
{
    const json_t *piece = json_object_get(answer, "base64");
    struct buf bytes;

    (void)arg;
    buf_init(&bytes, json_string_length(piece) + 1);
    base64_decode(&bytes, slice_from(json_string_value(piece), json_string_length(piece)), NULL);
    fwrite(bytes.ptr ? bytes.ptr : "", 1, bytes.len, stdout);
    buf_done(&bytes);
}

/* One request for each id, or one for the filter. */
static int ask(struct client *client, struct queue_options *options, struct asking *asking,
               char **ids, int n_ids)
{
    int code = EX_OK, i = 0;

    do {
        json_t *request = json_deep_copy(options->request);
        const char *command = options->text ? "text" : asking->action;
        int r;
        json_object_set_new(request, "command", json_sprintf("queue.%s", command));
        if (n_ids)
            json_object_set_new(request, "id", json_string(ids[i]));
        if (!options->json && strcmp(command, "list") == 0)
            json_object_set_new(request, "brief", json_true());
        r = client_ask_lines(client, request, on_line, options->text ? on_text : on_answer, asking);
        if (code == EX_OK)
            code = r;
    } while (++i < n_ids);
    return code;
}

static const char *find_action(const char *name)
{
    static const char *const actions[] = {"list",    "show",   "retry",     "hold",
                                          "release", "bounce", "remove",    "reroute",
                                          "suspend", "resume", "suspended", "stats"};

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i], name) == 0)
            return actions[i];
    }
    return NULL;
}

/* Says what is wrong with the command line, in a case that has a better answer than the usage. */
static bool is_sound(const struct queue_options *options, const char *action, int n_ids)
{
    bool resumes_all = strcmp(action, "resume") == 0 && json_object_get(options->request, "all");

    if ((strcmp(action, "suspend") == 0 || strcmp(action, "resume") == 0) && !resumes_all)
        return queue_options_target(options->request);
    if (json_object_get(options->request, "source")) {
        fputs("nuncio: --source is for suspend and resume\n", stderr);
        return false;
    }
    if (strcmp(action, "show") == 0 && !n_ids) {
        fputs("nuncio: say which message: nuncio queue show ID\n", stderr);
        return false;
    }
    if (strcmp(action, "reroute") == 0 && !json_object_get(options->request, "to")) {
        fputs("nuncio: say over which route: --to ROUTE\n", stderr);
        return false;
    }
    return true;
}

static int run(struct queue_options *options, const char *action, char **ids, int n_ids)
{
    struct asking asking = {.action = action, .json = options->json};
    struct client *client = NULL;
    int code;

    if (!is_sound(options, action, n_ids))
        return EX_USAGE;
    code = client_open(options->config, options->state, &client);
    if (code == EX_OK)
        code = ask(client, options, &asking, ids, n_ids);
    client_close(client);
    return code;
}

int cmd_queue(int argc, char **argv)
{
    struct queue_options options;
    bool good = queue_options_read(argc, argv, &options);
    const char *action = good && optind < argc ? find_action(argv[optind]) : NULL;
    int code = EX_USAGE;

    if (options.help) {
        fputs(help, stdout);
        code = EX_OK;
    } else if (!action) {
        fputs(help, stderr);
    } else {
        code = run(&options, action, argv + optind + 1, argc - optind - 1);
    }
    json_decref(options.request);
    return code;
}
