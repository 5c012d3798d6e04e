/*
 * The sentence goes to whoever sent the message, in a reply of SMTP, and to whoever asks why; so it
 * names every identifier with the one thing that would have helped.
 *
 *     nothing authenticates news.example.com: SPF passes for bounce.example.net, but that is
 *     another organization; the DKIM signature of example.com (selector s1) gives fail
 *     (the body has been changed)
 *
 * See dmarc_words.h.
 */
#include "trust/dmarc_words.h"

#include "trust/printable.h"

#include "base/buf.h"

enum { SIGNATURES_NAMED = 4, PROBLEM_MAX = 120, TEXT_MAX = 2000 };

static void add_domain(struct buf *out, struct slice domain, struct arena *arena)
{
    buf_add_slice(out, printable_text(arena, domain, TRUST_NAME_MAX));
}

static void add_problem(struct buf *out, struct slice problem, struct arena *arena)
{
    if (problem.len == 0)
        return;
    buf_add_cstr(out, " (");
    buf_add_slice(out, printable_text(arena, problem, PROBLEM_MAX));
    buf_add_char(out, ')');
}

static const char *not_aligned(bool strict)
{
    return strict ? ", but that is not the same domain" : ", but that is another organization";
}

static void add_spf(struct buf *out, const struct spf_verdict *spf, bool strict,
                    struct arena *arena)
{
    if (!spf) {
        buf_add_cstr(out, "SPF was not checked");
        return;
    }
    buf_add_cstr(out, spf->result == SPF_PASS ? "SPF passes for " : "SPF for ");
    add_domain(out, spf->domain, arena);
    if (spf->result == SPF_PASS) {
        buf_add_cstr(out, not_aligned(strict));
        return;
    }
    buf_printf(out, " gives %s", spf_result_name(spf->result));
    add_problem(out, spf->problem, arena);
}

static void add_signature(struct buf *out, const struct dkim_signature *signature, bool strict,
                          struct arena *arena)
{
    buf_add_cstr(out, "; the DKIM signature of ");
    add_domain(out, signature->domain, arena);
    buf_add_cstr(out, " (selector ");
    add_domain(out, signature->selector, arena);
    buf_add_char(out, ')');
    if (signature->result == DKIM_PASS) {
        buf_printf(out, " passes%s", not_aligned(strict));
        return;
    }
    buf_printf(out, " gives %s", dkim_result_name(signature->result));
    add_problem(out, signature->problem, arena);
}

static void add_dkim(struct buf *out, const struct dkim_verdict *dkim, bool strict,
                     struct arena *arena)
{
    if (!dkim || dkim->count == 0) {
        buf_add_cstr(out, dkim ? "; there is no DKIM signature" : "; DKIM was not checked");
        return;
    }
    for (unsigned i = 0; i < dkim->count && i < SIGNATURES_NAMED; i++)
        add_signature(out, &dkim->list[i], strict, arena);
    if (dkim->count + dkim->ignored > SIGNATURES_NAMED)
        buf_printf(out, "; %u further signatures do not help",
                   dkim->count + dkim->ignored - SIGNATURES_NAMED);
}

struct slice dmarc_words_failure(const struct dmarc_verdict *verdict,
                                 const struct dmarc_question *question, struct arena *arena)
{
    struct slice text;
    struct buf out;

    buf_init(&out, TEXT_MAX);
    buf_add_cstr(&out, verdict->result == DMARC_TEMPERROR ? "nothing that authenticates "
                                                          : "nothing authenticates ");
    add_domain(&out, verdict->author, arena);
    buf_add_cstr(&out, verdict->result == DMARC_TEMPERROR ? " can be had now: " : ": ");
    add_spf(&out, question->spf, verdict->parsed.spf_strict, arena);
    add_dkim(&out, question->dkim, verdict->parsed.dkim_strict, arena);
    text = arena_dup(arena, buf_slice(&out));
    buf_done(&out);
    return text;
}
