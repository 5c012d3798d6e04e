/*
 * See authentication.h.
 *
 * Each kind of check has found nothing (FINE), a fault (BAD), or nothing yet (UNKNOWN: the DNS did
 * not answer). What a fault leads to is the setting's to say; what is unknown is taken for a fault
 * to see whether an answer could change anything: if not, nobody has to wait for it.
 *
 * A trusted sealer saves a message from what its forwarding has broken: SPF, DKIM and DMARC. iprev
 * and HELO speak of the server that hands it in, who is here.
 */
#include "policy/authentication.h"

#include "policy/authentication_words.h"
#include "trust/authres.h"

enum finding { FINE, BAD, UNKNOWN };

/* What a set of checks leads to. */
struct outcome {
    enum authentication_action action;
    enum config_check_kind check;
    struct config_source rule;
    bool gave_up;
};

/* ---- what was found ------------------------------------------------------------------------- */

static enum finding find_spf(const struct spf_verdict *mailfrom, enum spf_result bad)
{
    if (!mailfrom || (mailfrom->result != bad && mailfrom->result != SPF_TEMPERROR))
        return FINE;
    return mailfrom->result == bad ? BAD : UNKNOWN;
}

/* Those by keys in testing count as none unless they pass (RFC 6376 section 3.6.1). */
static enum finding find_dkim(const struct dkim_verdict *dkim)
{
    enum finding finding = FINE;

    for (unsigned i = 0; dkim && i < dkim->count; i++) {
        const struct dkim_signature *signature = &dkim->list[i];
        if (signature->result == DKIM_PASS)
            return FINE;
        if (signature->result == DKIM_TEMPERROR)
            finding = UNKNOWN;
        else if (!signature->testing && finding == FINE)
            finding = BAD;
    }
    return finding;
}

/* Without an author nobody's name is abused, and a record that says nothing is none. But among more
 * authors than are judged there may be anybody (RFC 9989 section 11.5), and a domain that is none
 * for the DNS may be read as another one by people. */
static enum finding find_dmarc(const struct dmarc_verdict *dmarc)
{
    if (dmarc && dmarc->author_unclear)
        return BAD;
    if (!dmarc || (dmarc->result != DMARC_FAIL && dmarc->result != DMARC_TEMPERROR))
        return FINE;
    return dmarc->result == DMARC_FAIL ? BAD : UNKNOWN;
}

static enum finding find_iprev(const struct iprev_verdict *iprev)
{
    if (!iprev || iprev->result == IPREV_PASS)
        return FINE;
    return iprev->result == IPREV_TEMPERROR ? UNKNOWN : BAD;
}

/* A name may be good and yet not this client's, if SPF says so. */
static enum finding find_helo(const struct trust_verdicts *verdicts)
{
    const struct helo_verdict *helo = verdicts->helo_check;
    const struct spf_verdict *spf = verdicts->spf_helo;

    if ((helo && helo->result == HELO_FAIL) || (helo && spf && spf->result == SPF_FAIL))
        return BAD;
    return helo && helo->result == HELO_TEMPERROR ? UNKNOWN : FINE;
}

static enum finding find(const struct trust_verdicts *verdicts, enum config_check_kind check)
{
    switch (check) {
    case CHECKED_SPF:
        return find_spf(verdicts->spf_mailfrom, SPF_FAIL);
    case CHECKED_SOFTFAIL:
        return find_spf(verdicts->spf_mailfrom, SPF_SOFTFAIL);
    case CHECKED_DKIM:
        return find_dkim(verdicts->dkim);
    case CHECKED_DMARC:
        return find_dmarc(verdicts->dmarc);
    case CHECKED_IPREV:
        return find_iprev(verdicts->iprev);
    case CHECKED_HELO:
        return find_helo(verdicts);
    case CHECKED_ARC: /* only saves */
    case CHECKED_KINDS:
        break;
    }
    return FINE;
}

/* ---- what it leads to ----------------------------------------------------------------------- */

/* DMARC does what the domain asks for, and no more than the setting allows. When the record is not
 * known it may ask for anything. */
static enum authentication_action act_on_dmarc(const struct dmarc_verdict *dmarc,
                                               enum authentication_action most)
{
    if (dmarc->author_unclear)
        return most == AUTHENTICATION_ACCEPT ? most : AUTHENTICATION_JUNK;
    if (dmarc->record.len == 0)
        return most;
    switch (dmarc->asked) {
    case DMARC_POLICY_NONE:
        return AUTHENTICATION_ACCEPT;
    case DMARC_POLICY_QUARANTINE:
        return most == AUTHENTICATION_ACCEPT ? most : AUTHENTICATION_JUNK;
    case DMARC_POLICY_REJECT:
        break;
    }
    return most;
}

/* Of a fault. */
static enum authentication_action act_on(const struct trust_verdicts *verdicts,
                                         enum config_check_kind check,
                                         enum config_check_action setting)
{
    enum authentication_action action = AUTHENTICATION_ACCEPT;

    if (setting == CHECK_REJECT)
        action = AUTHENTICATION_REFUSE;
    else if (setting == CHECK_QUARANTINE)
        action = AUTHENTICATION_JUNK;
    return check == CHECKED_DMARC ? act_on_dmarc(verdicts->dmarc, action) : action;
}

static bool is_broken_by_forwarding(enum config_check_kind check)
{
    return check == CHECKED_SPF || check == CHECKED_SOFTFAIL || check == CHECKED_DKIM ||
           check == CHECKED_DMARC;
}

/* A sealer might save it, if the DNS would only tell his key. */
static bool may_be_saved(const struct authentication_question *question,
                         const struct outcome *outcome)
{
    const struct arc_verdict *arc = question->verdicts->arc;

    return arc && arc->result == ARC_TEMPERROR && question->config->n_trusted_sealers > 0 &&
           outcome->action > AUTHENTICATION_ACCEPT && is_broken_by_forwarding(outcome->check);
}

static void take_worse(struct outcome *outcome, enum authentication_action action,
                       enum config_check_kind check, const struct config_checks *checks)
{
    if (action > outcome->action)
        *outcome =
            (struct outcome){.action = action, .check = check, .rule = checks->list[check].source};
}

static struct outcome judge(const struct authentication_question *question,
                            const struct config_domain *domain)
{
    const struct config *config = question->config;
    const struct config_author *author =
        question->author.len ? config_find_author(config, question->author) : NULL;
    const struct config_checks checks =
        config_checks_for(config, question->listener, domain, author);
    struct outcome known = {.action = AUTHENTICATION_ACCEPT}, doubt = known;

    for (unsigned i = 0; i < CHECKED_KINDS; i++) {
        enum finding finding = find(question->verdicts, i);
        if (finding == FINE || (question->verdicts->saved_by && is_broken_by_forwarding(i)))
            continue;
        take_worse(finding == BAD ? &known : &doubt,
                   act_on(question->verdicts, i, checks.list[i].action), i, &checks);
    }
    if (may_be_saved(question, &known))
        doubt = (struct outcome){.action = known.action, .check = CHECKED_ARC, .rule = known.rule};
    else if (doubt.action <= known.action)
        return known;
    if (question->tried_ms < checks.defer_ms) {
        doubt.action = AUTHENTICATION_DEFER;
        return doubt;
    }
    known.gave_up = true;
    return known;
}

/* ---- one answer for all --------------------------------------------------------------------- */

/* The recipients of one domain mostly come one after another. */
struct memory {
    const struct config_domain *domain;
    struct outcome outcome;
    bool filled;
};

static const struct outcome *judge_recipient(const struct authentication_question *question,
                                             const struct authentication_recipient *recipient,
                                             struct memory *memory)
{
    static const struct outcome everything = {.action = AUTHENTICATION_ACCEPT};

    if (recipient->is_postmaster)
        return &everything;
    if (!memory->filled || memory->domain != recipient->domain) {
        memory->outcome = judge(question, recipient->domain);
        memory->domain = recipient->domain;
        memory->filled = true;
    }
    return &memory->outcome;
}

/* The worst of all, and whether all are that bad. DEFER comes before all, since it is asked for
 * only where it matters. */
static void gather(const struct authentication_question *question, struct outcome *ret_worst,
                   bool *ret_all_refuse)
{
    struct memory memory = {.filled = false};

    *ret_worst = (struct outcome){.action = AUTHENTICATION_ACCEPT};
    *ret_all_refuse = question->n_recipients > 0;
    for (unsigned i = 0; i < question->n_recipients; i++) {
        struct authentication_recipient *recipient = &question->recipients[i];
        const struct outcome *outcome = judge_recipient(question, recipient, &memory);
        bool gave_up = ret_worst->gave_up || outcome->gave_up;

        recipient->junk =
            outcome->action == AUTHENTICATION_JUNK || outcome->action == AUTHENTICATION_REFUSE;
        *ret_all_refuse = *ret_all_refuse && outcome->action == AUTHENTICATION_REFUSE;
        if (ret_worst->action != AUTHENTICATION_DEFER &&
            (outcome->action > ret_worst->action || outcome->action == AUTHENTICATION_DEFER))
            *ret_worst = *outcome;
        ret_worst->gave_up = gave_up;
    }
}

static void take_back_junk(const struct authentication_question *question)
{
    for (unsigned i = 0; i < question->n_recipients; i++)
        question->recipients[i].junk = false;
}

void authentication_judge(const struct authentication_question *question, struct arena *arena,
                          struct authentication *ret_result)
{
    struct outcome worst;
    bool all_refuse;

    gather(question, &worst, &all_refuse);
    *ret_result = (struct authentication){.action = worst.action,
                                          .check = worst.check,
                                          .rule = worst.rule,
                                          .saved = question->verdicts->saved_by != NULL,
                                          .gave_up_deferral = worst.gave_up};
    if (worst.action == AUTHENTICATION_ACCEPT)
        return;
    authentication_words(question->verdicts, arena, ret_result);
    if (worst.action == AUTHENTICATION_REFUSE && !all_refuse)
        ret_result->action = AUTHENTICATION_JUNK;
    if (ret_result->action == AUTHENTICATION_JUNK) {
        ret_result->code = 0;
        ret_result->status = STATUS(0, 0, 0);
    } else {
        take_back_junk(question);
    }
}

static unsigned not_ignored(const struct config_checks *checks)
{
    unsigned set = 0;

    for (unsigned i = 0; i < CHECKED_KINDS; i++) {
        enum config_check_action action = checks->list[i].action;
        if (action != CHECK_IGNORE && action != CHECK_UNSET)
            set |= 1u << i;
    }
    return set;
}

/* Nothing that a domain or author wants is done where the listener has it off: config_checks_for().
 */
static unsigned switched_off(const struct config_listener *listener)
{
    unsigned set = 0;

    for (unsigned i = 0; i < CHECKED_KINDS && listener->service != SERVICE_MX; i++) {
        if (listener->checks.list[i].action == CHECK_IGNORE)
            set |= 1u << i;
    }
    return set;
}

unsigned authentication_wanted(const struct config *config, const struct config_listener *listener)
{
    const struct config_checks general = config_checks_for(config, listener, NULL, NULL);
    const unsigned most = ((1u << CHECKED_KINDS) - 1) & ~switched_off(listener);
    unsigned wanted = not_ignored(&general);

    for (size_t i = 0; i < config->n_domains && (wanted & most) != most; i++)
        wanted |= not_ignored(&config->domains[i].checks);
    for (size_t i = 0; i < config->n_authors && (wanted & most) != most; i++)
        wanted |= not_ignored(&config->authors[i].checks);
    return wanted & most;
}

static bool is_trusted(const struct config *config, struct slice sealer)
{
    for (size_t i = 0; i < config->n_trusted_sealers; i++) {
        if (slice_eq_nocase(config->trusted_sealers[i], sealer))
            return true;
    }
    return false;
}

const struct arc_set *authentication_find_trusted(const struct config *config,
                                                  const struct arc_verdict *arc,
                                                  struct slice author, struct arena *arena)
{
    if (!arc || arc->result != ARC_PASS)
        return NULL;
    /* What a set says of the one before it is worth as much as its sealer. */
    for (unsigned i = arc->count; i > 0; i--) {
        const struct arc_set *set = &arc->list[i - 1];
        if (!is_trusted(config, set->sealer))
            return NULL;
        if (authres_vouches(set->results, author, arena))
            return set;
    }
    return NULL;
}
