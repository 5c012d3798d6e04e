/*
 * Judges many messages by one zone file, for the tests that compare: lines of stdin are
 *     AUTHOR TAB SPF TAB DKIM TAB DKIM ...
 * domains that have passed, "-" for none; lines of stdout RESULT TAB POLICY TAB WHERE TAB
 * ORGANIZATION TAB PROBLEM.
 */
#include "base/buf.h"
#include "trust/dmarc.h"
#include "trust/zone.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64 << 20 };

static void judge(struct slice line, const struct trust_names *names, struct arena *arena,
                  struct dmarc_verdict *ret_verdict)
{
    struct slice author = slice_cut(&line, '\t'), spf = slice_cut(&line, '\t');
    struct spf_verdict spf_verdict = {.result = SPF_PASS, .domain = spf};
    struct dkim_signature signatures[DKIM_SIGNATURES_MAX] = {{0}};
    struct dkim_verdict dkim = {.result = DKIM_PASS, .list = signatures};
    const struct dmarc_question question = {
        .authors = &author, .n_authors = 1, .spf = &spf_verdict, .dkim = &dkim};

    if (slice_eq(spf, SLICE("-"))) {
        spf_verdict.result = SPF_FAIL;
        spf_verdict.domain = author;
    }
    while (line.ptr && dkim.count < DKIM_SIGNATURES_MAX) {
        signatures[dkim.count].result = DKIM_PASS;
        signatures[dkim.count++].domain = slice_cut(&line, '\t');
    }
    if (dmarc_check(&question, names, arena, ret_verdict) != 0)
        abort();
}

static void print_line(struct slice line, const struct trust_names *names)
{
    struct dmarc_verdict verdict;
    struct arena arena;

    arena_init(&arena);
    judge(line, names, &arena, &verdict);
    printf("%s\t%s\t%.*s\t%.*s\t%.*s\n", dmarc_result_name(verdict.result),
           dmarc_policy_name(verdict.asked), SLICE_ARG(verdict.policy_domain),
           SLICE_ARG(verdict.organisation), SLICE_ARG(verdict.problem));
    arena_done(&arena);
}

static void read_all(FILE *file, struct buf *out)
{
    char chunk[65536];
    size_t n;

    buf_init(out, TEXT_MAX);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(out, chunk, n);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    struct problem_list problems;
    struct trust_names names;
    struct buf records, text;
    struct zone *zone;
    struct slice rest;

    if (!file)
        return 64;
    read_all(file, &records);
    fclose(file);
    problem_list_init(&problems);
    zone = zone_read(SLICE("zone"), buf_slice(&records), &problems);
    if (!zone)
        return 65;
    names = zone_names(zone);
    read_all(stdin, &text);
    for (rest = buf_slice(&text); rest.ptr && rest.len;)
        print_line(slice_cut(&rest, '\n'), &names);
    buf_done(&text);
    buf_done(&records);
    zone_free(zone);
    problem_list_done(&problems);
    return 0;
}
