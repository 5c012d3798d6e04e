/*
 * nuncio report: what others report about mail in our domains' names, and what we are to report to
 * others. The kinds of reports have files of their own, see report.h.
 */
#include "control/commands.h"

#include "base/clock.h"
#include "control/command_config.h"
#include "control/report.h"
#include "trust/tlsrpt_report.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { DAY_S = 86400, SINCE_DAYS = 30 };

static const char help[] =
    "usage: nuncio report tls [-c FILE | --state DIR] [--since TIME] [--json] [DOMAIN]\n"
    "       nuncio report dmarc [-c FILE | --state DIR] [--since TIME] [--json] [DOMAIN]\n"
    "       nuncio report dmarc --outgoing [-c FILE | --state DIR] [--json] [DOMAIN]\n\n"
    "Sums up the reports that other mail servers sent for your domains. They come as mail to an\n"
    "account here; who sent them is not verified.\n\n"
    "  tls    who could deliver safely, who could not, and why; asked for by _smtp._tls.DOMAIN\n"
    "  dmarc  who sends in your domains' names, and what fails; asked for by rua= in\n"
    "         _dmarc.DOMAIN\n\n"
    "  -c, --config FILE  the configuration that names the state folder\n"
    "      --state DIR    the state folder itself\n"
    "      --since TIME   only days after this: 7d, 24h or 2026-11-01; 30d by default\n"
    "      --outgoing     what was counted here and is to be reported to the owners of DMARC\n"
    "                     policies, by day and domain, with the addresses that it goes to\n"
    "      --json         one JSON object a line\n\n"
    "Exit code: 0 when nothing failed, 65 when a report tells of failures, 66 when there are no\n"
    "reports.\n\n"
    "Example: nuncio report dmarc example.org --since 7d\n";

struct options {
    struct report_request request;
    bool outgoing, help;
};

/* "7d", "24h", "2026-11-01". */
static bool read_since(const char *text, int64_t *ret_since_s)
{
    struct slice since = slice_from_cstr(text);
    int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
    char time[32];
    uint64_t number;

    snprintf(time, sizeof(time), "%.10sT00:00:00Z", text);
    if (since.len == 10 && tlsrpt_time_parse(slice_from_cstr(time), ret_since_s))
        return true;
    if (since.len < 2 || !slice_parse_u64(slice_sub(since, 0, since.len - 1), 100000, &number))
        return false;
    switch (since.ptr[since.len - 1]) {
    case 'd':
        *ret_since_s = now_s - (int64_t)number * DAY_S;
        return true;
    case 'h':
        *ret_since_s = now_s - (int64_t)number * 3600;
        return true;
    default:
        return false;
    }
}

static int usage(const char *wrong)
{
    fprintf(stderr, "nuncio: %s; nuncio report --help tells more\n", wrong);
    return EX_USAGE;
}

static int read_option(int option, struct options *options)
{
    switch (option) {
    case 'c':
        options->request.config = optarg;
        return EX_OK;
    case 's':
        options->request.state = optarg;
        return EX_OK;
    case 't':
        if (!read_since(optarg, &options->request.since_s))
            return usage("--since wants a time like 7d, 24h or 2026-11-01");
        return EX_OK;
    case 'o':
        options->outgoing = true;
        return EX_OK;
    case 'j':
        options->request.json = true;
        return EX_OK;
    case 'h':
        options->help = true;
        return EX_OK;
    default:
        return usage("report tls|dmarc [--since TIME] [--json] [DOMAIN]");
    }
}

/* EX_OK, or the code with which all is over. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option list[] = {{"config", required_argument, NULL, 'c'},
                                         {"state", required_argument, NULL, 's'},
                                         {"since", required_argument, NULL, 't'},
                                         {"outgoing", no_argument, NULL, 'o'},
                                         {"json", no_argument, NULL, 'j'},
                                         {"help", no_argument, NULL, 'h'},
                                         {0}};
    int option, code = EX_OK;

    while (code == EX_OK && (option = getopt_long(argc, argv, "c:", list, NULL)) != -1)
        code = read_option(option, options);
    return code;
}

static int run(int (*kind)(const struct report_request *request), struct report_request *request)
{
    char *state = command_config_state(request->config, request->state, "nuncio: ");
    int code;

    if (!state)
        return EX_CONFIG;
    request->folder = state;
    code = kind(request);
    free(state);
    return code;
}

int cmd_report(int argc, char **argv)
{
    struct options options = {
        .request = {.since_s = (int64_t)(clock_wall_ms() / 1000) - SINCE_DAYS * DAY_S}};
    int code = read_options(argc, argv, &options);

    if (code != EX_OK)
        return code;
    if (options.help) {
        fputs(help, stdout);
        return EX_OK;
    }
    argc -= optind;
    argv += optind;
    if (argc < 1 || argc > 2)
        return usage("report tls|dmarc [DOMAIN]");
    options.request.domain = slice_from_cstr(argc == 2 ? argv[1] : "");
    if (strcmp(argv[0], "tls") == 0 && !options.outgoing)
        return run(report_tls, &options.request);
    if (strcmp(argv[0], "dmarc") == 0)
        return run(options.outgoing ? report_outgoing : report_dmarc, &options.request);
    return usage("report tls [DOMAIN], or report dmarc [--outgoing] [DOMAIN]");
}
