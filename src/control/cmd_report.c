/*
 * nuncio report tls: what others report about TLS to our domains (RFC 8460), summed up.
 *
 * Reads the file that the history role writes, whether the server runs or not. What reports say is
 * what strangers say: it is printed with control characters taken out.
 */
#include "control/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "control/locate.h"
#include "history/tls_reports.h"
#include "trust/tlsrpt_meaning.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { DAY_S = 86400, SINCE_DAYS = 30, DOMAINS_MAX = 1000, PATH_ROOM = 4096 };

static const char help[] =
    "usage: nuncio report tls [-c FILE | --state DIR] [--since TIME] [--json] [DOMAIN]\n\n"
    "Sums up the reports about TLS that other mail servers sent for your domains: who could\n"
    "deliver safely, who could not, and why. They come to the address in the domain's\n"
    "_smtp._tls record, as mail; who sent them is not verified.\n\n"
    "  -c, --config FILE  the configuration that names the state folder\n"
    "      --state DIR    the state folder itself\n"
    "      --since TIME   only days after this: 7d, 24h or 2026-11-01; 30d by default\n"
    "      --json         one JSON object a line: a sum for each domain and reporter, and each\n"
    "                     kind of failure\n\n"
    "Exit code: 0 when nothing failed, 65 when a report tells of failures, 66 when there are no\n"
    "reports.\n\n"
    "Example: nuncio report tls example.org --since 7d\n";

struct request {
    const char *config, *state;
    struct slice domain;
    int64_t since_s;
    bool json;
};

struct output {
    const struct request *request;
    struct arena arena;
    struct slice domains[DOMAINS_MAX];
    unsigned n_domains;
    uint64_t failed;
};

/* Printable ASCII and UTF-8 as it is; the rest as "?". */
static void print_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        putchar(c < ' ' || c == 0x7f ? '?' : c);
    }
}

static json_t *json_text(struct slice text)
{
    json_t *value = json_stringn(text.ptr ? text.ptr : "", text.len);

    return value ? value : json_string("");
}

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void print_total_json(const struct tls_reports_total *total)
{
    json_t *object = json_object();

    json_object_set_new(object, "domain", json_text(total->domain));
    json_object_set_new(object, "reporter", json_text(total->organization));
    json_object_set_new(object, "policy", json_string(tlsrpt_policy_type_name(total->type)));
    json_object_set_new(object, "reports", json_integer((json_int_t)total->reports));
    json_object_set_new(object, "successful", json_integer((json_int_t)total->successful));
    json_object_set_new(object, "failed", json_integer((json_int_t)total->failed));
    json_object_set_new(object, "from", json_string(tlsrpt_time_format(total->start_s).text));
    json_object_set_new(object, "until", json_string(tlsrpt_time_format(total->end_s).text));
    print_json(object);
}

static void print_total_text(const struct tls_reports_total *total, bool first)
{
    if (first) {
        print_text(total->domain);
        printf("\n  %10s %10s  %-16s  %-21s  %s\n", "successful", "failed", "policy", "days",
               "reporter");
    }
    printf("  %10llu %10llu  %-16s  %.10s %.10s  ", (unsigned long long)total->successful,
           (unsigned long long)total->failed, tlsrpt_policy_type_name(total->type),
           tlsrpt_time_format(total->start_s).text, tlsrpt_time_format(total->end_s).text);
    print_text(total->organization);
    putchar('\n');
}

static void on_total(void *arg, const struct tls_reports_total *total)
{
    struct output *output = arg;

    output->failed += total->failed;
    if (output->request->json)
        print_total_json(total);
    else
        print_total_text(total, output->n_domains == 0);
    if (output->n_domains == 0)
        output->domains[output->n_domains++] = arena_dup(&output->arena, total->domain);
}

static void find_domain(void *arg, const struct tls_reports_total *total)
{
    struct output *output = arg;
    unsigned n = output->n_domains;

    if (n < DOMAINS_MAX && (n == 0 || !slice_eq(output->domains[n - 1], total->domain)))
        output->domains[output->n_domains++] = arena_dup(&output->arena, total->domain);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void print_failure_json(const struct output *output,
                               const struct tls_reports_failure *failure)
{
    const struct tlsrpt_meaning meaning = tlsrpt_meaning(failure->result);
    json_t *object = json_object();

    json_object_set_new(object, "domain", json_text(output->domains[0]));
    json_object_set_new(object, "failure", json_text(failure->result));
    json_object_set_new(object, "sessions", json_integer((json_int_t)failure->count));
    json_object_set_new(object, "mx", json_text(failure->mx));
    json_object_set_new(object, "sending_ip", json_text(failure->sending_ip));
    json_object_set_new(object, "reporter", json_text(failure->organization));
    json_object_set_new(object, "reason", json_text(failure->reason));
    json_object_set_new(object, "last", json_string(tlsrpt_time_format(failure->end_s).text));
    json_object_set_new(object, "means", json_string(meaning.means));
    json_object_set_new(object, "remedy", json_string(meaning.remedy));
    print_json(object);
}

static void print_part(const char *label, struct slice text)
{
    if (text.len == 0)
        return;
    printf("%s", label);
    print_text(text);
}

static void on_failure(void *arg, const struct tls_reports_failure *failure)
{
    const struct tlsrpt_meaning meaning = tlsrpt_meaning(failure->result);
    struct output *output = arg;

    if (output->request->json) {
        print_failure_json(output, failure);
        return;
    }
    printf("  %llu x ", (unsigned long long)failure->count);
    print_text(failure->result);
    print_part(" at ", failure->mx);
    print_part(" from ", failure->sending_ip);
    print_part(", told by ", failure->organization);
    printf(", last on %.10s\n      %s\n      -> %s\n", tlsrpt_time_format(failure->end_s).text,
           meaning.means, meaning.remedy);
    print_part("      reason: ", failure->reason);
    if (failure->reason.len)
        putchar('\n');
}

/* ---- the command ---------------------------------------------------------------------------- */

static int print_domain(struct tls_reports *reports, struct output *all, struct slice domain)
{
    struct output output = {.request = all->request};
    int r;

    arena_init(&output.arena);
    r = tls_reports_each_total(reports, domain, all->request->since_s, on_total, &output);
    if (r == 0)
        r = tls_reports_each_failure(reports, domain, all->request->since_s, on_failure, &output);
    all->failed += output.failed;
    arena_done(&output.arena);
    return r;
}

static int print_all(struct tls_reports *reports, const struct request *request)
{
    struct output output = {.request = request};
    int r, code;

    arena_init(&output.arena);
    r = tls_reports_each_total(reports, request->domain, request->since_s, find_domain, &output);
    for (unsigned i = 0; i < output.n_domains && r == 0; i++)
        r = print_domain(reports, &output, output.domains[i]);
    code = r < 0                   ? EX_IOERR
           : output.n_domains == 0 ? EX_NOINPUT
           : output.failed         ? EX_DATAERR
                                   : EX_OK;
    if (r < 0)
        fprintf(stderr, "nuncio: " TLS_REPORTS_FILE ": %s\n", log_strerror(r));
    else if (output.n_domains == 0)
        fputs("nuncio: no reports in this time; they come when _smtp._tls.DOMAIN asks for them\n",
              stderr);
    arena_done(&output.arena);
    return code;
}

static char *state_of_config(const char *path)
{
    struct problem_list problems;
    struct config_bundle bundle;
    struct config *config = NULL;
    char *state = NULL;

    problem_list_init(&problems);
    if (config_load(path, &bundle, &config, &problems) == 0)
        state = xslicedup(config->state);
    for (const struct problem *problem = problems.first; problem; problem = problem->next)
        fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(problem_line(&problems, problem)));
    config_unref(config);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return state;
}

static int run(const struct request *request)
{
    char *state =
        request->state ? xstrdup(request->state) : state_of_config(config_locate(request->config));
    struct tls_reports *reports;
    char path[PATH_ROOM];
    int r;

    if (!state)
        return EX_CONFIG;
    snprintf(path, sizeof(path), "%s/" TLS_REPORTS_FILE, state);
    free(state);
    r = tls_reports_open_read(path, &reports);
    if (r == -ENOENT) {
        fputs("nuncio: no reports have come yet; they do when _smtp._tls.DOMAIN asks for them\n",
              stderr);
        return EX_NOINPUT;
    }
    if (r < 0) {
        fprintf(stderr, "nuncio: %s: %s\n", path, log_strerror(r));
        return r == -EACCES ? EX_NOPERM : EX_IOERR;
    }
    r = print_all(reports, request);
    tls_reports_close(reports);
    return r;
}

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

/* EX_OK with the request, or the code with which all is over; -1: the help was asked for. */
static int read_options(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"state", required_argument, NULL, 's'},
        {"since", required_argument, NULL, 't'},  {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    int option;

    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            request->config = optarg;
            break;
        case 's':
            request->state = optarg;
            break;
        case 't':
            if (!read_since(optarg, &request->since_s))
                return usage("--since wants a time like 7d, 24h or 2026-11-01");
            break;
        case 'j':
            request->json = true;
            break;
        case 'h':
            return -1;
        default:
            return usage("report tls [--since TIME] [--json] [DOMAIN]");
        }
    }
    return EX_OK;
}

int cmd_report(int argc, char **argv)
{
    struct request request = {.since_s = (int64_t)(clock_wall_ms() / 1000) - SINCE_DAYS * DAY_S};
    int code = read_options(argc, argv, &request);

    if (code == -1) {
        fputs(help, stdout);
        return EX_OK;
    }
    if (code != EX_OK)
        return code;
    argc -= optind;
    argv += optind;
    if (argc < 1 || argc > 2 || strcmp(argv[0], "tls") != 0)
        return usage("report tls [DOMAIN]");
    request.domain = slice_from_cstr(argc == 2 ? argv[1] : "");
    return run(&request);
}
