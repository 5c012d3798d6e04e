/*
 * nuncio report tls: what others report about TLS to our domains (RFC 8460), summed up. Reads the
 * file that the history role writes, whether the server runs or not.
 */
#include "control/report.h"

#include "base/arena.h"
#include "history/tls_reports.h"
#include "trust/tlsrpt_meaning.h"

#include <stdio.h>
#include <sysexits.h>

enum { DOMAINS_MAX = 1000, PATH_ROOM = 4096 };

struct output {
    const struct report_request *request;
    struct arena arena;
    struct slice domains[DOMAINS_MAX];
    unsigned n_domains;
    uint64_t failed;
};

/* ---- sums ----------------------------------------------------------------------------------- */

static void print_total_json(const struct tls_reports_total *total)
{
    json_t *object = json_object();

    report_set(object, "domain", total->domain);
    report_set(object, "reporter", total->organization);
    json_object_set_new(object, "policy", json_string(tlsrpt_policy_type_name(total->type)));
    report_set_number(object, "reports", total->reports);
    report_set_number(object, "successful", total->successful);
    report_set_number(object, "failed", total->failed);
    json_object_set_new(object, "from", json_string(tlsrpt_time_format(total->start_s).text));
    json_object_set_new(object, "until", json_string(tlsrpt_time_format(total->end_s).text));
    report_print_json(object);
}

static void print_total_text(const struct tls_reports_total *total, bool first)
{
    if (first) {
        report_print(total->domain);
        printf("\n  %10s %10s  %-16s  %-21s  %s\n", "successful", "failed", "policy", "days",
               "reporter");
    }
    printf("  %10llu %10llu  %-16s  %.10s %.10s  ", (unsigned long long)total->successful,
           (unsigned long long)total->failed, tlsrpt_policy_type_name(total->type),
           tlsrpt_time_format(total->start_s).text, tlsrpt_time_format(total->end_s).text);
    report_print(total->organization);
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

    report_set(object, "domain", output->domains[0]);
    report_set(object, "failure", failure->result);
    report_set_number(object, "sessions", failure->count);
    report_set(object, "mx", failure->mx);
    report_set(object, "sending_ip", failure->sending_ip);
    report_set(object, "reporter", failure->organization);
    report_set(object, "reason", failure->reason);
    json_object_set_new(object, "last", json_string(tlsrpt_time_format(failure->end_s).text));
    json_object_set_new(object, "means", json_string(meaning.means));
    json_object_set_new(object, "remedy", json_string(meaning.remedy));
    report_print_json(object);
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
    report_print(failure->result);
    report_print_part(" at ", failure->mx);
    report_print_part(" from ", failure->sending_ip);
    report_print_part(", told by ", failure->organization);
    printf(", last on %.10s\n      %s\n      -> %s\n", tlsrpt_time_format(failure->end_s).text,
           meaning.means, meaning.remedy);
    report_print_part("      reason: ", failure->reason);
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

static int print_all(struct tls_reports *reports, const struct report_request *request)
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
        (void)report_not_opened(request, TLS_REPORTS_FILE, "", r);
    else if (output.n_domains == 0)
        fputs("nuncio: no reports in this time; they come when _smtp._tls.DOMAIN asks for them\n",
              stderr);
    arena_done(&output.arena);
    return code;
}

int report_tls(const struct report_request *request)
{
    static const char none[] =
        "no reports have come yet; they do when _smtp._tls.DOMAIN asks for them";
    struct tls_reports *reports;
    char path[PATH_ROOM];
    int r;

    snprintf(path, sizeof(path), "%s/" TLS_REPORTS_FILE, request->folder);
    r = tls_reports_open_read(path, &reports);
    if (r < 0)
        return report_not_opened(request, TLS_REPORTS_FILE, none, r);
    r = print_all(reports, request);
    tls_reports_close(reports);
    return r;
}
