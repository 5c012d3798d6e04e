/*
 * Judges messages, each by records of its own, for the tests that hold us to the words of the
 * RFCs. On stdin a case is a line and two texts behind it:
 *     IP TAB HELO TAB SENDER TAB SECONDS TAB LENGTH TAB LENGTH LF ZONE MESSAGE
 * (HELO and SENDER in hex; IP "-" when there is no client). On stdout there is a line for each, of
 * NAME=VALUE between TABs; "dkim" stands once for each signature.
 *
 * Each message is fed whole and in pieces of seven bytes, which must come to the same.
 */
#include "base/buf.h"
#include "trust/authors.h"
#include "trust/dmarc.h"
#include "trust/ip.h"
#include "trust/zone.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64 << 20 };

struct question {
    struct spf_question spf;
    bool has_client;
    int64_t seconds;
    struct slice message;
};

struct found {
    struct spf_verdict spf;
    struct dkim_verdict dkim;
    struct arc_verdict arc;
    struct dmarc_verdict dmarc;
};

/* 0, or what an evaluator said that should have had all answers. */
static int judge(const struct question *question, struct dkim_verifier *verifier,
                 const struct trust_names *names, struct arena *arena, struct found *ret_found)
{
    struct dmarc_question dmarc = {.dkim = &ret_found->dkim};
    struct trust_authors authors;
    int r = dkim_verifier_judge(verifier, names, question->seconds, arena, &ret_found->dkim);

    if (r == 0)
        r = dkim_verifier_judge_arc(verifier, names, question->seconds, arena, &ret_found->arc);
    if (r == 0 && question->has_client) {
        dmarc.spf = &ret_found->spf;
        r = spf_check(&question->spf, names, arena, &ret_found->spf);
    }
    trust_authors_read(dkim_verifier_header(verifier), arena, &authors);
    dmarc.authors = authors.list;
    dmarc.n_authors = authors.count;
    return r ? r : dmarc_check(&dmarc, names, arena, &ret_found->dmarc);
}

static void feed(struct dkim_verifier *verifier, struct slice message, size_t piece)
{
    for (size_t at = 0; at < message.len; at += piece)
        dkim_verifier_feed(verifier, slice_sub(message, at, piece));
    dkim_verifier_end(verifier);
}

static bool is_same(const struct found *a, const struct found *b)
{
    bool same = a->dkim.count == b->dkim.count && a->dkim.result == b->dkim.result &&
                a->arc.result == b->arc.result && a->dmarc.result == b->dmarc.result;

    for (unsigned i = 0; same && i < a->dkim.count; i++)
        same = a->dkim.list[i].result == b->dkim.list[i].result &&
               slice_eq(a->dkim.list[i].problem, b->dkim.list[i].problem);
    return same;
}

static void print(const struct question *question, const struct found *found)
{
    if (question->has_client)
        printf("spf=%s %.*s\texp=%.*s\tvoid=%u\tlookups=%u\t", spf_result_name(found->spf.result),
               SLICE_ARG(found->spf.problem), SLICE_ARG(found->spf.explanation),
               found->spf.void_lookups, found->spf.lookups);
    for (unsigned i = 0; i < found->dkim.count; i++)
        printf("dkim=%s %.*s\t", dkim_result_name(found->dkim.list[i].result),
               SLICE_ARG(found->dkim.list[i].problem));
    printf("message=%s\tarc=%s %.*s\t", dkim_result_name(found->dkim.result),
           arc_result_name(found->arc.result), SLICE_ARG(found->arc.problem));
    printf("dmarc=%s %.*s\tasked=%s\tauthor=%.*s\tat=%.*s\torg=%.*s\n",
           dmarc_result_name(found->dmarc.result), SLICE_ARG(found->dmarc.problem),
           found->dmarc.record.len ? dmarc_policy_name(found->dmarc.asked) : "",
           SLICE_ARG(found->dmarc.author), SLICE_ARG(found->dmarc.policy_domain),
           SLICE_ARG(found->dmarc.organisation));
}

static void answer(const struct question *question, const struct trust_names *names)
{
    struct dkim_verifier *whole = dkim_verifier_new(), *pieces = dkim_verifier_new();
    struct found found, again;
    struct arena arena;

    arena_init(&arena);
    feed(whole, question->message, question->message.len + 1);
    feed(pieces, question->message, 7);
    if (judge(question, whole, names, &arena, &found) != 0 ||
        judge(question, pieces, names, &arena, &again) != 0 || !is_same(&found, &again))
        abort();
    print(question, &found);
    dkim_verifier_free(whole);
    dkim_verifier_free(pieces);
    arena_done(&arena);
}

static struct slice from_hex(struct slice hex, struct arena *arena)
{
    char *bytes = arena_alloc(arena, hex.len / 2 + 1);

    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        char digits[3] = {hex.ptr[i], hex.ptr[i + 1], '\0'};
        bytes[i / 2] = (char)strtoul(digits, NULL, 16);
    }
    return slice_from(bytes, hex.len / 2);
}

static uint64_t read_number(struct slice *line)
{
    uint64_t number;

    if (!slice_parse_u64(slice_cut(line, '\t'), INT64_MAX, &number))
        abort();
    return number;
}

/* Reads a case from the front of `rest`; its records come back as text. */
static struct question read_case(struct slice *rest, struct arena *arena, struct slice *ret_zone)
{
    struct slice line = slice_cut(rest, '\n'), ip = slice_cut(&line, '\t');
    struct question question = {.spf = {.receiver = SLICE("mx.receiver.example")}};
    uint64_t zone_len, message_len;

    question.has_client = trust_ip_parse(ip, &question.spf.client);
    question.spf.helo = from_hex(slice_cut(&line, '\t'), arena);
    question.spf.sender = from_hex(slice_cut(&line, '\t'), arena);
    question.seconds = (int64_t)read_number(&line);
    question.spf.seconds = question.seconds;
    zone_len = read_number(&line);
    message_len = read_number(&line);
    if (zone_len + message_len > rest->len)
        abort();
    *ret_zone = slice_sub(*rest, 0, zone_len);
    question.message = slice_sub(*rest, zone_len, message_len);
    *rest = slice_skip(*rest, zone_len + message_len);
    return question;
}

static void answer_next(struct slice *rest)
{
    struct problem_list problems;
    struct trust_names names;
    struct question question;
    struct slice text;
    struct arena arena;
    struct zone *zone;

    arena_init(&arena);
    problem_list_init(&problems);
    question = read_case(rest, &arena, &text);
    zone = zone_read(SLICE("zone"), text, &problems);
    if (!zone) {
        for (const struct problem *at = problems.first; at; at = at->next)
            fprintf(stderr, "%.*s\n", SLICE_ARG(problem_line(&problems, at)));
        exit(65);
    }
    names = zone_names(zone);
    answer(&question, &names);
    zone_free(zone);
    problem_list_done(&problems);
    arena_done(&arena);
}

int main(void)
{
    struct slice rest;
    struct buf text;
    size_t n;

    buf_init(&text, TEXT_MAX);
    do {
        char *room = buf_reserve(&text, 65536);
        n = room ? fread(room, 1, 65536, stdin) : 0;
        buf_added(&text, n);
    } while (n > 0);
    for (rest = buf_slice(&text); rest.len;)
        answer_next(&rest);
    buf_done(&text);
    return 0;
}
