/*
 * nuncio spool: the mail on disk, while the server is down.
 *
 * check reads everything and changes nothing; export writes the messages out. Both read as the
 * server would, so what they find is what it would find.
 */
#include "control/commands.h"

#include "control/command_config.h"
#include "spool/spool.h"

#include "base/log.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio spool check [-c FILE | --state DIR] [--json]\n"
    "       nuncio spool export [-c FILE | --state DIR] [--json] TARGET\n\n"
    "Works on the mail on disk while the server is stopped.\n\n"
    "  check              reads everything, computes every checksum, and changes nothing\n"
    "  export             writes each message as ID.eml and what is known of it as ID.json into\n"
    "                     the folder TARGET, which is made if it is missing\n"
    "  -c, --config FILE  the configuration that names the state folder\n"
    "      --state DIR    the state folder itself\n"
    "      --json         one JSON object\n\n"
    "Exit code: 0 when all is sound, 65 when damage was found, 75 when the server is running.\n\n"
    "Example: nuncio spool check --state /var/lib/nuncio\n";

struct request {
    const char *config;
    const char *state;
    bool json;
};

struct output {
    bool json;
    json_t *lines;
};

static void tell(void *arg, struct slice line)
{
    struct output *output = arg;

    if (output->json)
        json_array_append_new(output->lines, json_stringn_nocheck(line.ptr, line.len));
    else
        printf("%.*s\n", SLICE_ARG(line));
}

static int finish(struct output *output, const char *directory, int result)
{
    if (output->json) {
        json_t *object = json_pack("{s:s, s:b, s:O}", "spool", directory, "sound", result == 0,
                                   "lines", output->lines);
        if (result < 0)
            json_object_set_new(object, "error", json_string(log_strerror(result)));
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
    }
    if (result == -EAGAIN)
        fprintf(stderr, "nuncio: a server is running with %s; stop it first\n", directory);
    else if (result < 0)
        fprintf(stderr, "nuncio: %s: %s\n", directory, log_strerror(result));
    if (result == 0)
        return EX_OK;
    if (result > 0 || result == -EBADMSG)
        return EX_DATAERR;
    return result == -EAGAIN ? EX_TEMPFAIL : result == -ENOENT ? EX_NOINPUT : EX_IOERR;
}

/* `to` is NULL for a check. */
static int run(const struct request *request, const char *to)
{
    struct output output = {.json = request->json};
    char *state = command_config_state(request->config, request->state, "nuncio: ");
    struct buf directory;
    int result;

    if (!state)
        return EX_CONFIG;
    buf_init(&directory, SIZE_MAX);
    buf_printf(&directory, "%s/spool", state);
    buf_add_char(&directory, '\0');
    output.lines = json_array();
    result = to ? spool_export(disk_real(), directory.ptr, to, tell, &output)
                : spool_check(disk_real(), directory.ptr, tell, &output);
    result = finish(&output, directory.ptr, result);
    json_decref(output.lines);
    buf_done(&directory);
    free(state);
    return result;
}

static int usage(void)
{
    fputs("nuncio: spool check, or spool export TARGET; nuncio spool --help tells more\n", stderr);
    return EX_USAGE;
}

int cmd_spool(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"state", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct request request = {0};
    int option;

    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            request.config = optarg;
            break;
        case 's':
            request.state = optarg;
            break;
        case 'j':
            request.json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EX_OK;
        default:
            return usage();
        }
    }
    argc -= optind;
    argv += optind;
    if (argc == 1 && strcmp(argv[0], "check") == 0)
        return run(&request, NULL);
    if (argc == 2 && strcmp(argv[0], "export") == 0)
        return run(&request, argv[1]);
    return usage();
}
