/*
 * nuncio report dmarc: who sends in your domains' names, by the reports of others (RFC 9990).
 *
 * A table of addresses for each author domain, most failures first; below each what its messages
 * showed and what that means. JSON has all of it, text what people read, and how much more there
 * is. Reads the file that the history role writes; what is asked is collected before it is printed,
 * so that nobody who reads slowly keeps the role from writing.
 */
#include "control/report.h"

#include "base/arena.h"
#include "control/report_dmarc_hint.h"
#include "history/dmarc_reports.h"
#include "relay/own_hosts.h"
#include "trust/tlsrpt_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* Of text. */
enum { SOURCES_SHOWN = 200, FACTS_SHOWN = 12, PATH_ROOM = 4096 };

struct domains {
    struct arena *arena;
    struct dmarc_reports_domain *list;
    size_t n, room;
    uint64_t failed;
};

struct sources {
    struct arena *arena;
    struct dmarc_reports_source *list;
    size_t n, room, max;
    uint64_t more;
};

struct facts {
    struct arena *arena;
    struct dmarc_reports_fact *list;
    size_t n, room;
};

struct output {
    const struct report_request *request;
    struct dmarc_reports *reports;
    struct dmarc_reports_question question;
    struct own_hosts own;
};

/* ---- collecting ----------------------------------------------------------------------------- */

static void *grow(void *list, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return list;
    *room = n ? n * 2 : 16;
    return xrealloc(list, *room * size);
}

static void on_domain(void *arg, const struct dmarc_reports_domain *domain)
{
    struct domains *domains = arg;
    struct dmarc_reports_domain *copy;

    domains->failed += domain->failed;
    domains->list = grow(domains->list, domains->n, &domains->room, sizeof(*copy));
    copy = &domains->list[domains->n++];
    *copy = *domain;
    copy->domain = arena_dup(domains->arena, domain->domain);
    copy->policy = arena_dup(domains->arena, domain->policy);
}

static void on_source(void *arg, const struct dmarc_reports_source *source)
{
    struct sources *sources = arg;
    struct dmarc_reports_source *copy;

    if (sources->n == sources->max) {
        sources->more++;
        return;
    }
    sources->list = grow(sources->list, sources->n, &sources->room, sizeof(*copy));
    copy = &sources->list[sources->n++];
    *copy = *source;
    copy->ip = arena_dup(sources->arena, source->ip);
    copy->reporters = arena_dup(sources->arena, source->reporters);
}

static void on_fact(void *arg, const struct dmarc_reports_fact *fact)
{
    struct facts *facts = arg;
    struct dmarc_reports_fact *copy;

    facts->list = grow(facts->list, facts->n, &facts->room, sizeof(*copy));
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
    for (size_t i = 0; i < facts->n; i++)
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
    for (size_t i = 0; i < facts->n && i < FACTS_SHOWN; i++)
        print_fact_text(source, &facts->list[i]);
    if (facts->n > FACTS_SHOWN)
        printf("      and %zu more of these, which --json has\n", facts->n - FACTS_SHOWN);
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
    hint = dmarc_hint(source, facts.list, (unsigned)facts.n, own);
    if (r == 0 && output->request->json)
        print_source_json(output, source, &facts, hint, own);
    else if (r == 0)
        print_source_text(source, &facts, hint, own);
    free(facts.list);
    arena_done(&arena);
    return r;
}

static int print_sources(struct output *output, struct sources *sources)
{
    int r = dmarc_reports_each_source(output->reports, &output->question, on_source, sources);

    for (size_t i = 0; i < sources->n && r == 0; i++)
        r = print_source(output, &sources->list[i]);
    if (sources->more && r == 0)
        printf("  and %llu more addresses with fewer failures, which --json has\n",
               (unsigned long long)sources->more);
    return r;
}

static int print_domain(struct output *output, const struct dmarc_reports_domain *domain)
{
    struct sources sources = {.max = output->request->json ? SIZE_MAX : SOURCES_SHOWN};
    struct arena arena;
    int r;

    arena_init(&arena);
    sources.arena = &arena;
    if (output->request->json)
        print_domain_json(domain);
    else
        print_domain_text(domain);
    output->question.domain = domain->domain;
    r = print_sources(output, &sources);
    free(sources.list);
    arena_done(&arena);
    return r;
}

static int print_all(struct output *output, struct domains *domains)
{
    int r = dmarc_reports_each_domain(output->reports, &output->question, on_domain, domains);

    for (size_t i = 0; i < domains->n && r == 0; i++)
        r = print_domain(output, &domains->list[i]);
    if (r < 0)
        return report_not_opened(output->request, DMARC_REPORTS_FILE, "", r);
    if (domains->n == 0)
        fputs("nuncio: no reports in this time; they come when rua= in _dmarc.DOMAIN asks for "
              "them\n",
              stderr);
    return domains->n == 0 ? EX_NOINPUT : domains->failed ? EX_DATAERR : EX_OK;
}

int report_dmarc(const struct report_request *request)
{
    struct output output = {.request = request,
                            .question = {.domain = request->domain, .since_s = request->since_s}};
    struct domains domains = {.n = 0};
    struct arena arena;
    char path[PATH_ROOM];
    int r;

    snprintf(path, sizeof(path), "%s/" DMARC_REPORTS_FILE, request->folder);
    r = dmarc_reports_open_read(path, &output.reports);
    if (r < 0)
        return report_not_opened(request, DMARC_REPORTS_FILE,
                                 "no reports have come yet; they do when rua= in _dmarc.DOMAIN "
                                 "asks for them",
                                 r);
    arena_init(&arena);
    domains.arena = &arena;
    own_hosts_read(&output.own);
    r = print_all(&output, &domains);
    own_hosts_done(&output.own);
    free(domains.list);
    arena_done(&arena);
    dmarc_reports_close(output.reports);
    return r;
}
