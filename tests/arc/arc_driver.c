/*
 * Judges the ARC chains of many messages by one zone file, for the tests that compare: on stdin
 * each message stands behind its length in decimal and a line feed; on stdout there is a line for
 * each, RESULT TAB SETS TAB OLDEST-PASS TAB PROBLEM.
 *
 * Each is fed whole and in pieces of seven bytes, which must come to the same.
 */
#include "base/buf.h"
#include "trust/dkim.h"
#include "trust/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 << 20, SECONDS = 1500000000 };

static void judge(struct slice message, size_t piece, const struct trust_names *names,
                  struct arena *arena, struct arc_verdict *ret_verdict)
{
    struct dkim_verifier *verifier = dkim_verifier_new();

    for (size_t at = 0; at < message.len; at += piece)
        dkim_verifier_feed(verifier, slice_sub(message, at, piece));
    dkim_verifier_end(verifier);
    if (dkim_verifier_judge_arc(verifier, names, SECONDS, arena, ret_verdict) != 0)
        abort();
    ret_verdict->problem = arena_dup(arena, ret_verdict->problem);
    dkim_verifier_free(verifier);
}

static void print_message(struct slice message, const struct trust_names *names)
{
    struct arc_verdict whole, pieces;
    struct arena arena;

    arena_init(&arena);
    judge(message, message.len + 1, names, &arena, &whole);
    judge(message, 7, names, &arena, &pieces);
    if (whole.result != pieces.result || whole.oldest_pass != pieces.oldest_pass ||
        !slice_eq(whole.problem, pieces.problem))
        abort();
    printf("%s\t%u\t%u\t%.*s\n", arc_result_name(whole.result), whole.count, whole.oldest_pass,
           SLICE_ARG(whole.problem));
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

static struct zone *open_zone(const char *path)
{
    struct problem_list problems;
    FILE *file = fopen(path, "r");
    struct zone *zone;
    struct buf text;

    if (!file)
        abort();
    read_all(file, &text);
    fclose(file);
    problem_list_init(&problems);
    zone = zone_read(slice_from_cstr(path), buf_slice(&text), &problems);
    if (!zone)
        abort();
    problem_list_done(&problems);
    buf_done(&text);
    return zone;
}

int main(int argc, char **argv)
{
    struct zone *zone = argc == 2 ? open_zone(argv[1]) : NULL;
    struct trust_names names;
    struct slice rest;
    struct buf text;

    if (!zone)
        return 64;
    names = zone_names(zone);
    read_all(stdin, &text);
    rest = buf_slice(&text);
    while (rest.ptr && rest.len) {
        uint64_t len;
        if (!slice_parse_u64(slice_cut(&rest, '\n'), rest.len, &len))
            return 65;
        print_message(slice_sub(rest, 0, len), &names);
        rest = slice_skip(rest, len);
    }
    buf_done(&text);
    zone_free(zone);
    return 0;
}
