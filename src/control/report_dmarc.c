/*
 * nuncio report dmarc: who sends in your domains' names, by the reports of others (RFC 9990).
 *
 * A table of addresses for each author domain, most failures first; below each what its messages
 * showed and what that means. Reads the file that the history role writes.
 */
#include "control/report.h"

#include "base/arena.h"
#include "control/report_dmarc_hint.h"
#include "history/dmarc_reports.h"
#include "relay/own_hosts.h"
#include "trust/tlsrpt_report.h"

#include <stdio.h>
#include <sysexits.h>

enum { DOMAINS_MAX = 1000, SOURCES_MAX = 200, FACTS_MAX = 12, PATH_ROOM = 4096 };

struct output {
    const struct report_request *request;
    struct dmarc_reports *reports;
    struct dmarc_reports_question question;
    struct own_hosts own;
    struct arena arena;
    struct dmarc_reports_domain domains[DOMAINS_MAX];
    unsigned n_domains;
    struct dmarc_reports_source sources[SOURCES_MAX];
    unsigned n_sources;
    uint64_t more_sources;
    uint64_t failed;
};

/* ---- collecting: a query in a query is not needed ------------------------------------------- */

static void on_domain(void *arg, const struct dmarc_reports_domain *domain)
{
    struct output *output = arg;
    struct dmarc_reports_domain *copy;

    output->failed += domain->failed;
    if (output->n_domains == DOMAINS_MAX)
        return;
    copy = &output->domains[output->n_domains++];
    *copy = *domain;
    copy->domain = arena_dup(&output->arena, domain->domain);
    copy->policy = arena_dup(&output->arena, domain->policy);
}

static void on_source(void *arg, const struct dmarc_reports_source *source)
{
    struct output *output = arg;
    struct dmarc_reports_source *copy;

    /* JSON has all of them, text what people read. */
    if (output->n_sources == SOURCES_MAX) {
        output->more_sources++;
        return;
    }
    copy = &output->sources[output->n_sources++];
    *copy = *source;
    copy->ip = arena_dup(&output->arena, source->ip);
    copy->reporters = arena_dup(&output->arena, source->reporters);
}

struct facts {
    struct arena *arena;
    struct dmarc_reports_fact list[FACTS_MAX];
    unsigned n;
};

static void on_fact(void *arg, const struct dmarc_reports_fact *fact)
{
    struct facts *facts = arg;
    struct dmarc_reports_fact *copy;

    if (facts->n == FACTS_MAX)
        return;
    copy = &facts->list[facts->n++];
    *copy = *fact;
    copy->domain = arena_dup(facts->arena, fact->domain);
    copy->selector = arena_dup(facts->arena, fact->selector);
    copy->result = arena_dup(facts->arena, fact->result);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *fact_json(const struct dmarc_reports_fact *fact)
{
    static const char *const kinds[] = {"dkim", "spf", "override"};
    bool is_override = fact->kind == DMARC_REPORTS_REASON;
    json_t *object = json_object();

    json_object_set_new(object, "check", json_string(kinds[fact->kind]));
    report_set(object, is_override ? "type" : "domain", fact->domain);
    if (fact->selector.len)
        report_set(object, is_override ? "comment" : "selector", fact->selector);
    if (!is_override)
        report_set(object, "result", fact->result);
    report_set_number(object, "messages", fact->messages);
    return object;
}

static void print_source_json(const struct output *output,
                              const struct dmarc_reports_source *source, const struct facts *facts,
                              const char *hint, bool own)
{
    json_t *object = json_object(), *list = json_array();

    report_set(object, "domain", output->question.domain);
    report_set(object, "source", source->ip);
    json_object_set_new(object, "own_address", json_boolean(own));
    report_set_number(object, "messages", source->messages);
    report_set_number(object, "failed", source->failed);
    report_set_number(object, "dkim_aligned", source->dkim_aligned);
    report_set_number(object, "spf_aligned", source->spf_aligned);
    report_set_number(object, "quarantined", source->quarantined);
    report_set_number(object, "rejected", source->rejected);
    report_set(object, "reporters", source->reporters);
    json_object_set_new(object, "last", json_string(tlsrpt_time_format(source->end_s).text));
    for (unsigned i = 0; i < facts->n; i++)
        json_array_append_new(list, fact_json(&facts->list[i]));
    json_object_set_new(object, "seen", list);
    if (hint)
        json_object_set_new(object, "hint", json_string(hint));
    report_print_json(object);
}

static void print_domain_json(const struct dmarc_reports_domain *domain)
{
    json_t *object = json_object();

    report_set(object, "domain", domain->domain);
    report_set(object, "policy", domain->policy);
    report_set_number(object, "reports", domain->reports);
    report_set_number(object, "messages", domain->messages);
    report_set_number(object, "failed", domain->failed);
    json_object_set_new(object, "from", json_string(tlsrpt_time_format(domain->begin_s).text));
    json_object_set_new(object, "until", json_string(tlsrpt_time_format(domain->end_s).text));
    report_print_json(object);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_domain_text(const struct dmarc_reports_domain *domain)
{
    report_print(domain->domain);
    printf(": %llu messages, %llu failed, by %llu reports of %.10s to %.10s",
           (unsigned long long)domain->messages, (unsigned long long)domain->failed,
           (unsigned long long)domain->reports, tlsrpt_time_format(domain->begin_s).text,
           tlsrpt_time_format(domain->end_s).text);
    report_print_part("; policy ", domain->policy);
    printf("\n  %8s %8s %8s %8s %8s %8s  %s\n", "messages", "failed", "by DKIM", "by SPF",
           "to junk", "rejected", "from");
}

static void print_fact_text(const struct dmarc_reports_source *source,
                            const struct dmarc_reports_fact *fact)
{
    static const char *const heads[] = {"      signed by ", "      SPF for ", "      let pass: "};

    printf("%s", heads[fact->kind]);
    report_print(fact->domain);
    report_print_part(fact->kind == DMARC_REPORTS_REASON ? ", " : ", selector ", fact->selector);
    report_print_part(": ", fact->result);
    if (fact->kind != DMARC_REPORTS_REASON && slice_eq(fact->result, SLICE("pass")) &&
        fact->aligned == 0)
        printf(", but not for this domain");
    if (fact->messages != source->messages)
        printf(" (%llu)", (unsigned long long)fact->messages);
    putchar('\n');
}

static void print_source_text(const struct dmarc_reports_source *source, const struct facts *facts,
                              const char *hint, bool own)
{
    printf("  %8llu %8llu %8llu %8llu %8llu %8llu  ", (unsigned long long)source->messages,
           (unsigned long long)source->failed, (unsigned long long)source->dkim_aligned,
           (unsigned long long)source->spf_aligned, (unsigned long long)source->quarantined,
           (unsigned long long)source->rejected);
    report_print(source->ip);
    printf("%s", own ? " (this machine)" : "");
    report_print_part(", told by ", source->reporters);
    printf(", last on %.10s\n", tlsrpt_time_format(source->end_s).text);
    if (!hint)
        return;
    if (source->unsigned_messages)
        printf("      not signed (%llu)\n", (unsigned long long)source->unsigned_messages);
    for (unsigned i = 0; i < facts->n; i++)
        print_fact_text(source, &facts->list[i]);
    printf("      -> %s\n", hint);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int print_source(struct output *output, const struct dmarc_reports_source *source)
{
    bool own = dmarc_hint_is_own(&output->own, source->ip);
    struct facts facts = {.n = 0};
    struct arena arena;
    const char *hint;
    int r;

    arena_init(&arena);
    facts.arena = &arena;
    r = dmarc_reports_each_fact(output->reports, &output->question, source->ip, on_fact, &facts);
    hint = dmarc_hint(source, facts.list, facts.n, own);
    if (r == 0 && output->request->json)
        print_source_json(output, source, &facts, hint, own);
    else if (r == 0)
        print_source_text(source, &facts, hint, own);
    arena_done(&arena);
    return r;
}

static int print_domain(struct output *output, const struct dmarc_reports_domain *domain)
{
    int r;

    if (output->request->json)
        print_domain_json(domain);
    else
        print_domain_text(domain);
    output->question.domain = domain->domain;
    output->n_sources = 0;
    output->more_sources = 0;
    r = dmarc_reports_each_source(output->reports, &output->question, on_source, output);
    for (unsigned i = 0; i < output->n_sources && r == 0; i++)
        r = print_source(output, &output->sources[i]);
    if (output->more_sources && !output->request->json)
        printf("  and %llu more addresses with fewer failures\n",
               (unsigned long long)output->more_sources);
    return r;
}

static int print_all(struct output *output)
{
    int r = dmarc_reports_each_domain(output->reports, &output->question, on_domain, output);

    for (unsigned i = 0; i < output->n_domains && r == 0; i++)
        r = print_domain(output, &output->domains[i]);
    if (r < 0)
        return report_not_opened(output->request, DMARC_REPORTS_FILE, "", r);
    if (output->n_domains == 0)
        fputs("nuncio: no reports in this time; they come when rua= in _dmarc.DOMAIN asks for "
              "them\n",
              stderr);
    return output->n_domains == 0 ? EX_NOINPUT : output->failed ? EX_DATAERR : EX_OK;
}

int report_dmarc(const struct report_request *request)
{
    static struct output output; /* large for a stack */
    char path[PATH_ROOM];
    int r;

    output.request = request;
    output.question =
        (struct dmarc_reports_question){.domain = request->domain, .since_s = request->since_s};
    snprintf(path, sizeof(path), "%s/" DMARC_REPORTS_FILE, request->folder);
    r = dmarc_reports_open_read(path, &output.reports);
    if (r < 0)
        return report_not_opened(request, DMARC_REPORTS_FILE,
                                 "no reports have come yet; they do when rua= in _dmarc.DOMAIN "
                                 "asks for them",
                                 r);
    arena_init(&output.arena);
    own_hosts_read(&output.own);
    r = print_all(&output);
    own_hosts_done(&output.own);
    arena_done(&output.arena);
    dmarc_reports_close(output.reports);
    return r;
}
