/*
 * DMARC's verdict (RFC 9989 sections 4.4, 4.10, 5.3). See dmarc.h.
 *
 * For each author domain: its policy record by the walk up the tree, then the identifiers that SPF
 * and DKIM have authenticated. One that is aligned is enough to pass. Several authors are judged
 * one by one and the worst counts (section 11.5), so nobody hides a forged one behind his own.
 *
 * A look-up that fails costs a verdict only where it could have changed it (section 5.3.6): an
 * identifier that is aligned and whose own check had a temporary error, an organizational domain
 * that stays unknown and is asked about, the existence of a name on which the choice between sp and
 * np hangs.
 *
 * What is done about the verdict, and mail without any usable From, is for the policy.
 */
#include "trust/dmarc.h"

#include "trust/dmarc_tree.h"
#include "trust/dmarc_words.h"
#include "trust/printable.h"

#include "mail/address.h"

#include <errno.h>
#include <string.h>

enum { LABEL_MAX = 63 };

/* The judging of one author. */
struct judge {
    const struct dmarc_question *question;
    const struct trust_names *names;
    struct arena *arena;
    struct dmarc_tree tree; /* of the author */
    struct dmarc_verdict verdict;
    bool unsure;        /* something that could make it pass was not to be had */
    bool own_signature; /* verdict.dkim is of the author's very domain */
};

enum alignment { NOT_ALIGNED, ALIGNED, ALIGNMENT_UNKNOWN };

const char *dmarc_result_name(enum dmarc_result result)
{
    static const char *const names[] = {"none", "pass", "fail", "temperror", "permerror"};
    return names[result];
}

/* ---- alignment (sections 3.2.10, 4.10.2) ---------------------------------------------------- */

/* Can the DNS be asked for it, though no host may be called so: "-a.example.org",
 * "a!b.example.org"? Whoever writes such a name into From is not to get around the policy of
 * example.org. */
static bool is_askable(struct slice name)
{
    static const char specials[] = "\"\\[]()<>,;:@";
    size_t label = 0;

    if (name.len > TRUST_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.' && label == 0)
            return false;
        label = name.ptr[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f ||
            strchr(specials, name.ptr[i]))
            return false;
    }
    return label > 0;
}

/* The identifier as names are compared; empty when it is none. */
static struct slice comparable(struct arena *arena, struct slice domain)
{
    struct slice ascii;

    domain = dmarc_plain_name(arena, domain);
    if (address_domain_to_ascii(arena, domain, &ascii) != 0)
        return is_askable(domain) ? domain : SLICE_NULL;
    return ascii.ptr[0] == '[' ? SLICE_NULL : ascii;
}

/* 0 or -EAGAIN. */
static int align(struct judge *judge, struct slice identifier, bool strict,
                 enum alignment *ret_alignment)
{
    const struct dmarc_tree *author = &judge->tree;
    struct dmarc_tree tree;
    int r;

    *ret_alignment = slice_eq(identifier, author->start) ? ALIGNED : NOT_ALIGNED;
    if (strict || *ret_alignment == ALIGNED || identifier.len == 0)
        return 0;
    /* Both must lie below one organizational domain, which is one of the names above each. */
    if (!author->failed && !dmarc_is_within(identifier, author->organisation))
        return 0;
    r = dmarc_tree_walk(identifier, judge->names, judge->arena, &tree);
    if (r < 0)
        return r;
    if (!tree.failed && !dmarc_is_within(author->start, tree.organisation))
        return 0;
    if (author->failed || tree.failed)
        *ret_alignment = ALIGNMENT_UNKNOWN;
    else
        *ret_alignment = slice_eq(author->organisation, tree.organisation) ? ALIGNED : NOT_ALIGNED;
    return 0;
}

/* What an identifier with that alignment brings, when its own check passed, or had a temporary
 * error. True when the message passes by it. */
static bool weigh(struct judge *judge, enum alignment alignment, bool passed)
{
    if (alignment == ALIGNED && passed)
        return true;
    judge->unsure |= alignment != NOT_ALIGNED;
    return false;
}

static int judge_spf(struct judge *judge)
{
    const struct spf_verdict *spf = judge->question->spf;
    struct dmarc_verdict *verdict = &judge->verdict;
    enum alignment alignment;
    int r;

    if (!spf)
        return 0;
    verdict->spf_domain = comparable(judge->arena, spf->domain);
    if (spf->result != SPF_PASS && spf->result != SPF_TEMPERROR)
        return 0;
    r = align(judge, verdict->spf_domain, verdict->parsed.spf_strict, &alignment);
    if (r == 0)
        verdict->spf_aligned = weigh(judge, alignment, spf->result == SPF_PASS);
    return r;
}

static int judge_signature(struct judge *judge, const struct dkim_signature *signature)
{
    struct slice domain = comparable(judge->arena, signature->domain);
    struct dmarc_verdict *verdict = &judge->verdict;
    enum alignment alignment;
    int r = align(judge, domain, verdict->parsed.dkim_strict, &alignment);

    if (r < 0 || !weigh(judge, alignment, signature->result == DKIM_PASS))
        return r;
    /* The author's own signature says more than that of a relative. */
    if (!verdict->dkim || (slice_eq(domain, verdict->author) && !judge->own_signature))
        verdict->dkim = signature;
    judge->own_signature |= slice_eq(domain, verdict->author);
    verdict->dkim_aligned = true;
    return 0;
}

static int judge_dkim(struct judge *judge)
{
    const struct dkim_verdict *dkim = judge->question->dkim;
    int waiting = 0;

    for (unsigned i = 0; dkim && i < dkim->count; i++) {
        const struct dkim_signature *signature = &dkim->list[i];
        if (signature->result != DKIM_PASS && signature->result != DKIM_TEMPERROR)
            continue;
        if (judge_signature(judge, signature) < 0)
            waiting = -EAGAIN;
    }
    return waiting;
}

/* ---- the policy (section 4.10.1) ------------------------------------------------------------ */

static enum dmarc_policy one_milder(enum dmarc_policy policy)
{
    return policy == DMARC_POLICY_NONE ? policy : policy - 1;
}

/* sp and np are for names below the record's; np for those that do not exist. */
static int choose_policy(struct judge *judge)
{
    struct dmarc_verdict *verdict = &judge->verdict;
    const struct dmarc_record *record = &verdict->parsed;
    const struct trust_answer *answer;
    bool below = verdict->policy_domain.len < verdict->author.len, exists = true;

    if (below && record->has_np) {
        int r = trust_ask(judge->names, verdict->author, TRUST_TXT, &answer);
        if (r < 0)
            return r;
        exists = answer->result != TRUST_NO_NAME;
        if (answer->result == TRUST_FAILED && record->np_policy != record->subdomain_policy)
            judge->unsure = true;
    }
    verdict->asked = record->policy;
    verdict->asked_by = "p";
    if (below && !exists && record->has_np) {
        verdict->asked = record->np_policy;
        verdict->asked_by = "np";
    } else if (below && record->has_sp) {
        verdict->asked = record->subdomain_policy;
        verdict->asked_by = "sp";
    }
    if (record->testing)
        verdict->asked = one_milder(verdict->asked);
    return 0;
}

/* Takes the record that applies. False when there is nothing to go on with: the result says why. */
static bool take_record(struct judge *judge)
{
    const struct dmarc_found *found = dmarc_tree_policy(&judge->tree);
    struct dmarc_verdict *verdict = &judge->verdict;

    /* Above a failure a record might be there that is nearer, or says where to stop. */
    if (judge->tree.failed && !(found && found->domain.len == judge->tree.start.len)) {
        verdict->result = DMARC_TEMPERROR;
        verdict->problem = judge->tree.why;
        return false;
    }
    if (!found)
        return false;
    verdict->policy_domain = found->domain;
    verdict->record = found->text;
    verdict->parsed = found->record;
    if (found->record.problem.len == 0 || found->record.n_rua > 0)
        return true;
    verdict->result = DMARC_PERMERROR;
    verdict->problem = arena_printf(judge->arena, "the DMARC record of %.*s says nothing: %.*s",
                                    SLICE_ARG(found->domain), SLICE_ARG(found->record.problem));
    return false;
}

/* ---- one author ----------------------------------------------------------------------------- */

static int decide(struct judge *judge)
{
    struct dmarc_verdict *verdict = &judge->verdict;
    int spf = judge_spf(judge), dkim = judge_dkim(judge), policy = choose_policy(judge);

    if (spf < 0 || dkim < 0 || policy < 0)
        return -EAGAIN;
    if (verdict->spf_aligned || verdict->dkim_aligned) {
        verdict->result = DMARC_PASS;
        return 0;
    }
    verdict->result = judge->unsure ? DMARC_TEMPERROR : DMARC_FAIL;
    verdict->problem = dmarc_words_failure(verdict, judge->question, judge->arena);
    return 0;
}

/* While the author's tree is on its way those of the identifiers may be, too. */
static void prefetch(const struct judge *judge)
{
    const struct spf_verdict *spf = judge->question->spf;
    const struct dkim_verdict *dkim = judge->question->dkim;
    struct dmarc_tree tree;

    if (spf && spf->result == SPF_PASS)
        (void)dmarc_tree_walk(comparable(judge->arena, spf->domain), judge->names, judge->arena,
                              &tree);
    for (unsigned i = 0; dkim && i < dkim->count; i++) {
        if (dkim->list[i].result == DKIM_PASS)
            (void)dmarc_tree_walk(comparable(judge->arena, dkim->list[i].domain), judge->names,
                                  judge->arena, &tree);
    }
}

static int judge_author(struct judge *judge, struct slice author)
{
    struct dmarc_verdict *verdict = &judge->verdict;
    int r;

    *verdict = (struct dmarc_verdict){.result = DMARC_NONE, .asked_by = ""};
    judge->unsure = judge->own_signature = false;
    verdict->author = comparable(judge->arena, author);
    if (verdict->author.len == 0) {
        verdict->author = printable_text(judge->arena, author, TRUST_NAME_MAX);
        verdict->result = DMARC_PERMERROR;
        verdict->author_unclear = true;
        verdict->problem = arena_printf(judge->arena, "\"%.*s\" in From is no domain name",
                                        SLICE_ARG(verdict->author));
        return 0;
    }
    r = dmarc_tree_walk(verdict->author, judge->names, judge->arena, &judge->tree);
    if (r < 0) {
        prefetch(judge);
        return r;
    }
    verdict->organisation = judge->tree.organisation;
    return take_record(judge) ? decide(judge) : 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* What does more harm when it is overlooked comes later. */
static int severity(const struct dmarc_verdict *verdict)
{
    switch (verdict->result) {
    case DMARC_PASS:
        return 0;
    case DMARC_NONE:
        return 1;
    case DMARC_PERMERROR:
        return 3;
    case DMARC_TEMPERROR:
        return 5;
    case DMARC_FAIL:
        break;
    }
    return verdict->asked == DMARC_POLICY_NONE ? 2 : verdict->asked == DMARC_POLICY_REJECT ? 6 : 4;
}

static bool is_countable(const struct dmarc_question *question, struct arena *arena,
                         struct dmarc_verdict *ret_verdict)
{
    if (question->n_authors > 0 && question->n_authors <= DMARC_AUTHORS_MAX)
        return true;
    *ret_verdict = (struct dmarc_verdict){.result = DMARC_PERMERROR, .asked_by = ""};
    ret_verdict->author_unclear = question->n_authors > 0;
    ret_verdict->problem =
        question->n_authors == 0
            ? SLICE("the message names no author: From is missing or has no domain")
            : arena_printf(arena, "From names more than %u domains", (unsigned)DMARC_AUTHORS_MAX);
    return false;
}

int dmarc_check(const struct dmarc_question *question, const struct trust_names *names,
                struct arena *arena, struct dmarc_verdict *ret_verdict)
{
    struct judge *judge = arena_alloc(arena, sizeof(*judge));
    struct dmarc_verdict worst = {.result = DMARC_NONE};
    bool waiting = false;

    if (!is_countable(question, arena, ret_verdict))
        return 0;
    *judge = (struct judge){.question = question, .names = names, .arena = arena};
    for (unsigned i = 0; i < question->n_authors; i++) {
        waiting |= judge_author(judge, question->authors[i]) < 0;
        if (i == 0 || severity(&judge->verdict) > severity(&worst))
            worst = judge->verdict;
    }
    if (waiting)
        return -EAGAIN;
    *ret_verdict = worst;
    return 0;
}
