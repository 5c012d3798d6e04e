/*
 * nuncio why: the story of a message, and of what was refused at the door. The history is read from
 * its file (control/why_place.h), with the server running or not.
 */
#include "control/commands.h"

#include "base/clock.h"
#include "control/why_beside.h"
#include "control/why_find.h"
#include "control/why_follow.h"
#include "control/why_rebuild.h"
#include "control/why_story.h"
#include "control/why_time.h"

#include <errno.h>
#include <getopt.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio why [WHAT] [--since TIME] [--until TIME] [--follow] [--json]\n"
    "       nuncio why --rebuild LOGFILE...\n\n"
    "WHAT is the id of a message, a Message-ID, an address, an IP address, a domain or host, the\n"
    "name of a route or site, session:NUMBER, or 'queue': all that waits now. One that is found "
    "is\n"
    "told as a story; of many there is a list, the newest first. Without WHAT: all of that "
    "time.\n\n"
    "      --since TIME, --until TIME\n"
    "                     10m (ago), today, yesterday, 10:02, 2026-11-22, 2026-11-22T10:02[Z]\n"
    "      --follow       go on, and show what happens until interrupted\n"
    "      --json         every event as a JSON object a line\n"
    "      --rebuild      put what these log files tell into the history (logfmt or JSON lines,\n"
    "                     also behind the prefix of syslog or journald; '-' is standard input).\n"
    "                     What is there already is not put in twice\n"
    "  -c, --config FILE  the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR    the state folder, otherwise that of the configuration\n\n"
    "Exit code 0: found; 1: nothing found; 66: there is no history; 77: not for you.\n\n"
    "Example: nuncio why joe@example.org --since today\n";

enum { EXIT_NOT_FOUND = 1 };

struct options {
    const char *config, *state;
    struct why_question question;
    uint64_t now_ms;
    bool follow, json, rebuild, help, bad_time;
};

static void take_time(struct options *options, uint64_t *ret_ms)
{
    if (why_time_parse(slice_from_cstr(optarg), options->now_ms, ret_ms))
        return;
    fprintf(stderr, "nuncio: '%s' is not a time like 10m, today, 10:02 or 2026-11-22T10:02\n",
            optarg);
    options->bad_time = true;
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
    case 's':
        take_time(options, &options->question.since_ms);
        return true;
    case 'u':
        take_time(options, &options->question.until_ms);
        return true;
    case 'f':
        options->follow = true;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 'r':
        options->rebuild = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"state", required_argument, NULL, 'd'},
                                          {"since", required_argument, NULL, 's'},
                                          {"until", required_argument, NULL, 'u'},
                                          {"follow", no_argument, NULL, 'f'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"rebuild", no_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    bool timed;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (!take_option(options, c))
            return false;
    }
    timed = options->question.since_ms > 0 || options->question.until_ms < UINT64_MAX;
    if (options->help || options->rebuild)
        return options->help || argc > optind;
    options->question.text = argc > optind ? argv[optind] : NULL;
    return argc - optind <= 1 && (options->question.text || timed || options->follow);
}

static int print_list(struct why_place *place, const struct why_found *found)
{
    int r = 0;

    for (size_t i = 0; i < found->count && r == 0; i++)
        r = why_story_print_line(place, &found->list[i]);
    if (found->more)
        printf("... and more; --since and --until choose a time\n");
    printf("More about one of them: nuncio why ID\n");
    return r;
}

static int print_all_json(struct why_place *place, const struct why_found *found)
{
    int r = 0;

    for (size_t i = found->count; i > 0 && r == 0; i--) /* the oldest first */
        r = why_story_print_json(place, &found->list[i - 1]);
    return r;
}

static int print(struct why_place *place, const struct options *options,
                 const struct why_found *found)
{
    if (options->json)
        return print_all_json(place, found);
    return found->count == 1 ? why_story_print(place, &found->list[0]) : print_list(place, found);
}

/* Without WHAT and time, to follow means from now on. */
static bool only_follows(const struct options *options)
{
    return options->follow && !options->question.text && options->question.since_ms == 0;
}

static int answer(struct why_place *place, struct options *options)
{
    static struct why_found found;
    size_t n_beside = 0;
    int r = only_follows(options) ? 0 : why_find(place, &options->question, &found);

    if (r == -ENOTCONN) {
        fputs("nuncio: no server answers; what waits is known only while it runs\n", stderr);
        return EX_UNAVAILABLE;
    }
    if (r == 0 && found.count)
        r = print(place, options, &found);
    if (r == 0 && !only_follows(options))
        r = why_beside_print(place, &options->question, &found, options->json, &n_beside);
    if (r < 0)
        return why_place_failed(place, r);
    if (options->follow)
        return why_follow(place, &options->question, &found, options->json);
    if (!found.count && !n_beside) {
        fprintf(stderr,
                "nuncio: the history knows nothing of %s: it has not come to this server, or is "
                "older than the history\n",
                options->question.text ? options->question.text : "that time");
        return EXIT_NOT_FOUND;
    }
    return EX_OK;
}

int cmd_why(int argc, char **argv)
{
    struct options options = {.question = {.until_ms = UINT64_MAX}, .now_ms = clock_wall_ms()};
    struct why_place place;
    int code;

    if (!read_options(argc, argv, &options) || options.help || options.bad_time) {
        if (!options.bad_time)
            fputs(help, options.help ? stdout : stderr);
        return options.help ? EX_OK : EX_USAGE;
    }
    if (options.rebuild)
        return why_rebuild(options.config, options.state, argv + optind, argc - optind);
    code = why_place_open(options.config, options.state, false, &place);
    if (code != EX_OK)
        return code;
    code = answer(&place, &options);
    why_place_close(&place);
    return code;
}
