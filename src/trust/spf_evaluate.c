/*
 * check_host() of RFC 7208 sections 4.3 to 5: from a domain to a result.
 *
 * - The syntax of a whole record is checked before any of it is evaluated (section 4.6). Terms are
 *   then read a second time as their turn comes, which is cheaper than keeping them.
 * - Recursion (include, redirect) is bounded by the count of terms that ask the DNS.
 * - When an answer is under way, evaluation goes on as if the term had not matched, so that the
 *   questions of the terms behind it are under way at the same time; the result is then thrown away
 *   and all begins again (names.h). It costs a question too many when an early term matches, and
 *   saves a journey to the DNS for each term when none does. Limits hold on this way, too.
 * - Each question with an empty answer counts as void, as the usual implementations have it: those
 *   for the hosts of an MX, too; not the first one of check_host(), which decides by itself, nor
 *   those for addresses of the client's names, nor that of exp= (section 4.6.4).
 */
#include "trust/spf_host.h"
#include "trust/spf_term.h"

#include <errno.h>

/* How a term ends. */
enum { NO_MATCH, MATCH, BROKEN /* finding->result says how */ };

static int give_up(struct spf_check *check, struct spf_finding *finding, struct slice domain,
                   struct slice term, enum spf_result result, const char *problem)
{
    spf_complain(check, domain, term, problem);
    finding->result = result;
    return BROKEN;
}

/* ---- mechanisms ----------------------------------------------------------------------------- */

static const char too_many_voids[] =
    "more than 2 questions to the DNS found nothing (RFC 7208 section 4.6.4)";

/* A term in its turn. */
struct turn {
    struct spf_check *check;
    struct spf_finding *finding;
    struct slice domain; /* of the record */
    struct spf_term term;
    struct slice target;
};

static int break_off(const struct turn *turn, enum spf_result result, const char *problem)
{
    return give_up(turn->check, turn->finding, turn->domain, turn->term.text, result, problem);
}

/* A question of a mechanism (section 5): MATCH means that there are records to look at. */
static int ask(const struct turn *turn, struct slice name, enum trust_type type,
               const struct trust_answer **ret_answer)
{
    int r = spf_ask(turn->check, name, type, ret_answer);

    if (r < 0)
        return r;
    if ((*ret_answer)->result == TRUST_FAILED)
        return break_off(turn, SPF_TEMPERROR, spf_failure(turn->check, name, *ret_answer));
    if (turn->check->voids > SPF_VOIDS_MAX)
        return break_off(turn, SPF_PERMERROR, too_many_voids);
    return (*ret_answer)->n_records ? MATCH : NO_MATCH;
}

static bool is_near(const struct turn *turn, const uint8_t *bytes)
{
    const struct trust_ip *client = &turn->check->question->client;

    return trust_ip_in_network(client, bytes, client->v6 ? turn->term.prefix6 : turn->term.prefix4);
}

static int match_host(const struct turn *turn, struct slice host)
{
    const struct trust_answer *answer;
    int r = ask(turn, host, spf_address_type(turn->check), &answer);

    if (r != MATCH)
        return r;
    for (unsigned i = 0; i < answer->n_records; i++) {
        if (is_near(turn, (const uint8_t *)answer->records[i].bytes.ptr))
            return MATCH;
    }
    return NO_MATCH;
}

static int match_mx(const struct turn *turn)
{
    const struct trust_answer *answer, *unused;
    int r = ask(turn, turn->target, TRUST_MX, &answer);

    if (r != MATCH)
        return r;
    if (answer->n_records > SPF_NAMES_MAX)
        return break_off(turn, SPF_PERMERROR, "there are more than 10 MX records");
    for (unsigned i = 0; i < answer->n_records; i++)
        (void)spf_ask_uncounted(turn->check, answer->records[i].bytes,
                                spf_address_type(turn->check), &unused);
    for (unsigned i = 0; i < answer->n_records; i++) {
        r = match_host(turn, answer->records[i].bytes);
        if (r != NO_MATCH)
            return r;
    }
    return NO_MATCH;
}

static int match_exists(const struct turn *turn)
{
    const struct trust_answer *answer;

    return ask(turn, turn->target, TRUST_A, &answer);
}

static int match_ptr(const struct turn *turn)
{
    struct spf_check *check = turn->check;
    int r = spf_validate_names(check);

    if (r < 0)
        return r;
    check->voids += check->is_nameless;
    if (check->voids > SPF_VOIDS_MAX)
        return break_off(turn, SPF_PERMERROR, too_many_voids);
    for (unsigned i = 0; i < check->n_validated; i++) {
        if (spf_is_below(check->validated[i], turn->target))
            return MATCH;
    }
    return NO_MATCH;
}

/* The table of section 5.2. */
static int match_include(const struct turn *turn)
{
    struct spf_finding inner;
    int r = spf_check_host(turn->check, arena_dup(turn->check->arena, turn->target), &inner);

    if (r < 0)
        return r;
    switch (inner.result) {
    case SPF_PASS:
        return MATCH;
    case SPF_TEMPERROR:
        return break_off(turn, SPF_TEMPERROR, "the DNS fails for that record");
    case SPF_PERMERROR:
        return break_off(turn, SPF_PERMERROR, "there is an error in that record");
    case SPF_NONE:
        return break_off(turn, SPF_PERMERROR, "there is no SPF record");
    case SPF_NEUTRAL:
    case SPF_FAIL:
    case SPF_SOFTFAIL:
        break;
    }
    return NO_MATCH;
}

static int match_asking(const struct turn *turn)
{
    switch (turn->term.kind) {
    case SPF_INCLUDE:
        return match_include(turn);
    case SPF_A:
        return match_host(turn, turn->target);
    case SPF_MX:
        return match_mx(turn);
    case SPF_EXISTS:
        return match_exists(turn);
    default:
        return match_ptr(turn);
    }
}

static int count_term(const struct turn *turn)
{
    if (turn->check->lookups == SPF_LOOKUPS_MAX)
        return break_off(turn, SPF_PERMERROR,
                         "more than 10 terms ask the DNS (RFC 7208 section 4.6.4)");
    turn->check->lookups++;
    return NO_MATCH;
}

static int match_term(struct turn *turn)
{
    const struct spf_term *term = &turn->term;
    bool v6 = turn->check->question->client.v6;
    struct spf_expansion room;
    int r;

    switch (term->kind) {
    case SPF_ALL:
        return MATCH;
    case SPF_IP4:
        return !v6 && is_near(turn, term->bytes);
    case SPF_IP6:
        return v6 && is_near(turn, term->bytes);
    case SPF_REDIRECT:
    case SPF_EXP:
    case SPF_OTHER:
        return NO_MATCH;
    case SPF_INCLUDE:
    case SPF_A:
    case SPF_MX:
    case SPF_PTR:
    case SPF_EXISTS:
        break;
    }
    if (count_term(turn) == BROKEN)
        return BROKEN;
    r = spf_target(turn->check, term->spec, turn->domain, &room, &turn->target);
    if (r == SPF_EXPANSION_NEVER)
        return NO_MATCH;
    return r ? r : match_asking(turn);
}

/* ---- records -------------------------------------------------------------------------------- */

/* Section 6.1. */
static int follow_redirect(struct turn *turn, const struct spf_modifiers *modifiers)
{
    struct spf_check *check = turn->check;
    struct slice record = turn->finding->record;
    struct spf_expansion room;
    int r;

    turn->term = (struct spf_term){.kind = SPF_REDIRECT, .text = modifiers->redirect_text};
    if (count_term(turn) == BROKEN)
        return BROKEN;
    r = spf_target(check, modifiers->redirect, turn->domain, &room, &turn->target);
    if (r < 0)
        return r;
    if (r == SPF_EXPANSION_NEVER)
        turn->target = SLICE_NULL;
    r = spf_check_host(check, arena_dup(check->arena, turn->target), turn->finding);
    if (r < 0)
        return r;
    turn->finding->record = record;
    if (turn->finding->result == SPF_NONE)
        return break_off(turn, SPF_PERMERROR, "there is no SPF record");
    return MATCH;
}

/* The terms from left to right (section 4.6.2), then redirect=, then neutral (section 4.7). */
static int evaluate(struct turn *turn, const struct spf_modifiers *modifiers)
{
    struct spf_finding *finding = turn->finding;
    struct slice rest, text;
    bool again = false;
    int r = NO_MATCH;

    spf_terms_begin(finding->record, &rest);
    while (r != MATCH && r != BROKEN && spf_terms_next(&rest, &text)) {
        (void)spf_term_read(text, &turn->term);
        r = match_term(turn);
        again |= r == -EAGAIN;
    }
    if (r == MATCH)
        finding->result = turn->term.qualifier;
    if (r == MATCH || r == BROKEN)
        finding->term = text;
    else if (modifiers->redirect.len)
        again |= follow_redirect(turn, modifiers) == -EAGAIN;
    else
        finding->result = SPF_NEUTRAL;
    return again ? -EAGAIN : 0;
}

/* Section 4.5. */
static void select_record(struct spf_check *check, struct slice domain,
                          const struct trust_answer *answer, struct spf_finding *finding)
{
    finding->result = SPF_NONE;
    for (unsigned i = 0; i < answer->n_records; i++) {
        if (!spf_record_is(answer->records[i].bytes))
            continue;
        if (finding->record.len) {
            give_up(check, finding, domain, SLICE_NULL, SPF_PERMERROR,
                    "there are several SPF records, and one is allowed");
            return;
        }
        finding->record = answer->records[i].bytes;
        finding->result = SPF_NEUTRAL;
    }
}

/* Section 4.3: a name with several labels that can be one of the DNS. */
static bool is_domain(struct slice domain)
{
    ptrdiff_t dot = slice_find_last(domain, '.');
    bool number = true;

    if (dot < 0)
        return false;
    for (size_t i = 0; i < domain.len; i++) {
        if (domain.ptr[i] <= ' ' || domain.ptr[i] > 126)
            return false;
        if (i > (size_t)dot)
            number &= ascii_is_digit(domain.ptr[i]);
    }
    return !number && domain.ptr[0] != '[';
}

int spf_check_host(struct spf_check *check, struct slice domain, struct spf_finding *ret_finding)
{
    struct turn turn = {.check = check, .finding = ret_finding, .domain = domain};
    const struct trust_answer *answer;
    struct spf_modifiers modifiers;
    const char *problem;
    struct slice term;
    int r;

    *ret_finding = (struct spf_finding){.result = SPF_NONE};
    if (!is_domain(domain))
        return 0;
    r = spf_ask_uncounted(check, domain, TRUST_TXT, &answer);
    if (r < 0)
        return r;
    if (answer->result == TRUST_FAILED) {
        give_up(check, ret_finding, domain, SLICE_NULL, SPF_TEMPERROR,
                spf_failure(check, domain, answer));
        return 0;
    }
    select_record(check, domain, answer, ret_finding);
    if (ret_finding->result != SPF_NEUTRAL)
        return 0;
    problem = spf_record_check(ret_finding->record, &term, &modifiers);
    if (problem) {
        ret_finding->term = term;
        give_up(check, ret_finding, domain, term, SPF_PERMERROR, problem);
        return 0;
    }
    ret_finding->exp = modifiers.exp;
    ret_finding->exp_domain = domain;
    return evaluate(&turn, &modifiers);
}
