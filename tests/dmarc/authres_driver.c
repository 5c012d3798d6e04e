/*
 * Authentication-Results for the test that compares: lines of stdin, in hex,
 *     write TAB STRING TAB STRING ...   verdicts made of these strings: the field
 *     whose TAB VALUE                   "ours" or "other", for mx.example.org
 * and a line of hex for each on stdout.
 */
#include "base/buf.h"
#include "trust/authres.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64 << 20 };

static unsigned digit(char c)
{
    return ascii_is_digit(c) ? (unsigned)(c - '0') : (unsigned)(ascii_lower(c) - 'a') + 10;
}

/* The next string of the line; empty when there is none left. */
static struct slice next(struct slice *line, struct arena *arena)
{
    struct slice hex = line->ptr ? slice_cut(line, '\t') : SLICE_NULL;
    char *bytes = arena_alloc(arena, hex.len / 2 + 1);

    for (size_t i = 0; i + 1 < hex.len; i += 2)
        bytes[i / 2] = (char)(digit(hex.ptr[i]) << 4 | digit(hex.ptr[i + 1]));
    return slice_from(bytes, hex.len / 2);
}

static void write_field(struct slice line, struct arena *arena, struct buf *out)
{
    struct iprev_verdict iprev = {.result = IPREV_FAIL, .problem = next(&line, arena)};
    struct spf_verdict spf = {.result = SPF_SOFTFAIL, .domain = next(&line, arena)};
    struct dkim_signature signature = {.result = DKIM_FAIL, .domain = next(&line, arena)};
    struct dkim_verdict dkim = {.list = &signature, .count = 1};
    struct arc_verdict arc = {.result = ARC_FAIL, .problem = next(&line, arena)};
    struct dmarc_verdict dmarc = {.result = DMARC_PERMERROR, .author = next(&line, arena)};
    struct trust_verdicts verdicts = {.client = next(&line, arena),
                                      .iprev = &iprev,
                                      .spf_mailfrom = &spf,
                                      .dkim = &dkim,
                                      .arc = &arc,
                                      .dmarc = &dmarc};

    verdicts.reverse_path = next(&line, arena);
    spf.problem = next(&line, arena);
    signature.selector = next(&line, arena);
    signature.identity = next(&line, arena);
    signature.algorithm = next(&line, arena);
    signature.b_start = next(&line, arena);
    signature.problem = next(&line, arena);
    dmarc.problem = next(&line, arena);
    authres_write(out, SLICE("mx.example.org"), &verdicts, next(&line, arena));
}

static void answer(struct slice line)
{
    bool writes = slice_eq(slice_cut(&line, '\t'), SLICE("write"));
    struct arena arena;
    struct buf out;

    arena_init(&arena);
    buf_init(&out, TEXT_MAX);
    if (writes)
        write_field(line, &arena, &out);
    else
        buf_add_cstr(&out, authres_is_of(next(&line, &arena), SLICE("mx.example.org")) ? "ours"
                                                                                       : "other");
    for (size_t i = 0; i < out.len; i++)
        printf("%02x", (unsigned)(unsigned char)out.ptr[i]);
    putchar('\n');
    buf_done(&out);
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
    for (rest = buf_slice(&text); rest.ptr && rest.len;)
        answer(slice_cut(&rest, '\n'));
    buf_done(&text);
    return 0;
}
