/*
 * Judges many senders by one zone file, for the tests that compare: lines of stdin are
 *     IP TAB HELO TAB SENDER        (HELO and SENDER in hex, since they may hold anything)
 * and lines of stdout RESULT TAB EXPLANATION TAB PROBLEM.
 *
 * Each is judged twice: with answers at hand, and with answers that come a round later, as from a
 * network. Both must find the same.
 */
#include "base/buf.h"
#include "trust/ip.h"
#include "trust/spf.h"
#include "trust/zone.h"

#include <errno.h>

enum { TEXT_MAX = 64 << 20, ASKED_MAX = 1024, ROUNDS_MAX = 64 };

struct slow {
    struct trust_names names;
    struct {
        struct slice name;
        enum trust_type type;
        bool ready;
    } asked[ASKED_MAX];
    unsigned count;
    struct arena arena;
};

static int ask_slowly(void *arg, struct slice name, enum trust_type type,
                      const struct trust_answer **ret_answer)
{
    struct slow *slow = arg;

    for (unsigned i = 0; i < slow->count; i++) {
        if (slow->asked[i].type != type || !slice_eq_nocase(slow->asked[i].name, name))
            continue;
        return slow->asked[i].ready ? trust_ask(&slow->names, name, type, ret_answer) : -EAGAIN;
    }
    if (slow->count == ASKED_MAX)
        abort();
    slow->asked[slow->count].name = arena_dup(&slow->arena, name);
    slow->asked[slow->count].ready = false;
    slow->asked[slow->count++].type = type;
    return -EAGAIN;
}

static void check_slowly(const struct spf_question *question, struct slow *slow,
                         struct arena *arena, struct spf_verdict *verdict)
{
    const struct trust_names names = {.ask = ask_slowly, .arg = slow};

    slow->count = 0;
    for (unsigned round = 0; spf_check(question, &names, arena, verdict) == -EAGAIN; round++) {
        if (round == ROUNDS_MAX)
            abort();
        for (unsigned i = 0; i < slow->count; i++)
            slow->asked[i].ready = true;
    }
}

static void judge(const struct spf_question *question, const struct trust_names *names)
{
    struct slow slow = {.names = *names};
    struct spf_verdict verdict, slow_verdict;
    struct arena arena;

    arena_init(&arena);
    arena_init(&slow.arena);
    if (spf_check(question, names, &arena, &verdict) != 0)
        abort();
    check_slowly(question, &slow, &arena, &slow_verdict);
    if (verdict.result != slow_verdict.result ||
        !slice_eq(verdict.explanation, slow_verdict.explanation) ||
        !slice_eq(verdict.problem, slow_verdict.problem) ||
        !slice_eq(verdict.term, slow_verdict.term) || verdict.lookups != slow_verdict.lookups ||
        verdict.void_lookups != slow_verdict.void_lookups)
        abort();
    printf("%s\t%.*s\t%.*s\n", spf_result_name(verdict.result), SLICE_ARG(verdict.explanation),
           SLICE_ARG(verdict.problem));
    arena_done(&slow.arena);
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

static void judge_line(struct slice line, const struct trust_names *names)
{
    struct spf_question question = {.receiver = SLICE("mx.receiver.example")};
    struct arena arena;

    arena_init(&arena);
    if (!trust_ip_parse(slice_cut(&line, '\t'), &question.client))
        abort();
    question.helo = from_hex(slice_cut(&line, '\t'), &arena);
    question.sender = from_hex(line, &arena);
    judge(&question, names);
    arena_done(&arena);
}

static void read_all(FILE *file, struct buf *text)
{
    char piece[65536];
    size_t n;

    buf_init(text, TEXT_MAX);
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(text, piece, n);
}

static struct zone *load(const char *path)
{
    struct problem_list problems;
    struct buf text;
    struct zone *zone;
    FILE *file = fopen(path, "rb");

    if (!file)
        return NULL;
    read_all(file, &text);
    fclose(file);
    problem_list_init(&problems);
    zone = zone_read(slice_from_cstr(path), buf_slice(&text), &problems);
    for (const struct problem *at = problems.first; at; at = at->next)
        fprintf(stderr, "%.*s\n", SLICE_ARG(problem_line(&problems, at)));
    problem_list_done(&problems);
    buf_done(&text);
    return zone;
}

int main(int argc, char **argv)
{
    struct zone *zone = argc == 2 ? load(argv[1]) : NULL;
    struct trust_names names;
    struct buf text;
    struct slice rest;

    if (!zone)
        return 1;
    names = zone_names(zone);
    read_all(stdin, &text);
    rest = buf_slice(&text);
    while (rest.len)
        judge_line(slice_cut(&rest, '\n'), &names);
    buf_done(&text);
    zone_free(zone);
    return 0;
}
