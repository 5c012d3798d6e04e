/*
 * SPF and DMARC as they are found. See publish_sender.h; publish_key.c has DKIM.
 *
 * What others will say of our mail is not guessed from the text: the record is evaluated for each
 * address that mail leaves from, with includes and all, and once for an address that nobody has
 * (240.0.0.1 of class E, RFC 1112), which no record may let pass.
 */
#include "control/publish_sender.h"

#include "base/clock.h"
#include "control/publish_text.h"
#include "mail/address.h"
#include "trust/dmarc_tree.h"
#include "trust/ip.h"
#include "trust/mailto.h"
#include "trust/spf.h"

enum { LOOKUPS_MANY = 8 }; /* of 10 */

static struct publish_finding finding(enum publish_state state, struct slice text)
{
    return (struct publish_finding){.state = state, .text = text};
}

/* ---- SPF ------------------------------------------------------------------------------------ */

static bool check(const struct publish_site *site, struct slice address,
                  const struct trust_names *names, struct arena *arena,
                  struct spf_verdict *ret_verdict)
{
    struct spf_question question = {.identity = SPF_MAILFROM,
                                    .helo = site->host,
                                    .receiver = site->host,
                                    .seconds = (int64_t)(clock_wall_ms() / 1000)};

    question.sender = arena_printf(arena, "postmaster@%.*s", SLICE_ARG(site->domain));
    return trust_ip_parse(address, &question.client) &&
           spf_check(&question, names, arena, ret_verdict) == 0;
}

/* SPF_TEMPERROR and SPF_PERMERROR: the same for all addresses. */
static struct publish_finding broken(const struct spf_verdict *verdict, struct arena *arena)
{
    return finding(
        verdict->result == SPF_TEMPERROR ? PUBLISH_UNKNOWN : PUBLISH_WRONG,
        arena_printf(arena, "others read it as an error: %.*s", SLICE_ARG(verdict->problem)));
}

static struct publish_finding shut_out(const struct publish_site *site, struct slice address,
                                       const struct spf_verdict *verdict, struct arena *arena)
{
    if (site->smarthost.len)
        return finding(PUBLISH_ADVISED,
                       arena_printf(arena,
                                    "does not name %.*s; mail leaves over %.*s, so it must name "
                                    "the addresses of that, mostly by an include",
                                    SLICE_ARG(address), SLICE_ARG(site->smarthost)));
    return finding(PUBLISH_WRONG,
                   arena_printf(arena,
                                "does not name %.*s, so mail from here gets %s%s%.*s; add 'mx', "
                                "or 'ip%c:%.*s'",
                                SLICE_ARG(address), spf_result_name(verdict->result),
                                verdict->term.len ? " by " : "", SLICE_ARG(verdict->term),
                                slice_find(address, ':') >= 0 ? '6' : '4', SLICE_ARG(address)));
}

/* What it says of those that it does not name. */
static struct publish_finding judge_strangers(const struct publish_site *site, struct slice text,
                                              unsigned lookups, const struct trust_names *names,
                                              struct arena *arena)
{
    struct spf_verdict verdict;

    if (!check(site, SLICE("240.0.0.1"), names, arena, &verdict))
        return finding(PUBLISH_THERE, text);
    if (verdict.result == SPF_TEMPERROR || verdict.result == SPF_PERMERROR)
        return broken(&verdict, arena);
    if (verdict.result == SPF_PASS)
        return finding(PUBLISH_WRONG,
                       arena_printf(arena,
                                    "'%.*s' lets everybody send as this domain; end with '-all' or "
                                    "'~all'",
                                    SLICE_ARG(verdict.term)));
    if (verdict.result != SPF_FAIL && verdict.result != SPF_SOFTFAIL)
        return finding(PUBLISH_ADVISED,
                       arena_printf(arena,
                                    "says nothing of servers that it does not name: end with "
                                    "'-all', or '~all' while you are not sure (%.*s)",
                                    SLICE_ARG(text)));
    lookups = lookups > verdict.lookups ? lookups : verdict.lookups;
    if (lookups >= LOOKUPS_MANY)
        text = arena_printf(arena, "%.*s (it needs %u look-ups; more than 10 are an error)",
                            SLICE_ARG(text), lookups);
    return finding(PUBLISH_THERE, text);
}

struct publish_finding publish_sender_spf(const struct publish_site *site, struct slice text,
                                          const struct trust_names *names, struct arena *arena)
{
    const struct slice *list = site->n_sources ? site->sources : site->addresses;
    unsigned n = site->n_sources ? site->n_sources : site->n_addresses, lookups = 0;
    struct publish_finding strangers;

    strangers = judge_strangers(site, text, 0, names, arena);
    if (strangers.state == PUBLISH_WRONG || strangers.state == PUBLISH_UNKNOWN)
        return strangers;
    for (unsigned i = 0; i < n; i++) {
        struct spf_verdict verdict;
        if (!check(site, list[i], names, arena, &verdict))
            continue;
        if (verdict.result == SPF_TEMPERROR || verdict.result == SPF_PERMERROR)
            return broken(&verdict, arena);
        if (verdict.result != SPF_PASS)
            return shut_out(site, list[i], &verdict, arena);
        lookups = lookups > verdict.lookups ? lookups : verdict.lookups;
    }
    return judge_strangers(site, text, lookups, names, arena);
}

/* ---- DMARC ---------------------------------------------------------------------------------- */

/* Do its reports arrive? False, with what is wrong. */
static bool judge_reports(const struct publish_site *site, const struct dmarc_record *record,
                          const struct trust_names *names, struct arena *arena,
                          struct publish_finding *ret_finding)
{
    for (unsigned i = 0; i < record->n_rua; i++) {
        struct slice host = mailto_host(record->rua[i], arena);
        struct dmarc_destination destination;
        if (!host.len) {
            *ret_finding = finding(
                PUBLISH_WRONG,
                arena_printf(arena, "rua=%.*s is no address for reports: write rua=mailto:ADDRESS",
                             SLICE_ARG(record->rua[i])));
            return false;
        }
        if (dmarc_destination_check(site->domain, host, names, arena, &destination) < 0 ||
            destination.may || destination.later)
            continue;
        *ret_finding = finding(
            PUBLISH_WRONG,
            arena_printf(arena,
                         "nobody sends reports to %.*s before it says that it takes them; there: "
                         "%.*s._report._dmarc.%.*s. TXT \"v=DMARC1\"",
                         SLICE_ARG(host), SLICE_ARG(site->domain), SLICE_ARG(host)));
        return false;
    }
    return true;
}

/* What to do next, on the way to a policy that protects. */
static struct publish_finding advise(const struct dmarc_record *record, struct slice text,
                                     struct arena *arena)
{
    if (record->n_rua == 0)
        return finding(PUBLISH_ADVISED, arena_printf(arena,
                                                     "nobody tells you who sends in your name: add "
                                                     "rua=mailto:ADDRESS (%.*s)",
                                                     SLICE_ARG(text)));
    if (record->testing)
        text = arena_printf(arena,
                            "%.*s (t=y: a test; take it out when reports show that your mail "
                            "passes)",
                            SLICE_ARG(text));
    else if (record->policy == DMARC_POLICY_NONE)
        text = arena_printf(arena,
                            "%.*s (protects nobody yet: when reports show that all of your mail "
                            "passes, go on to p=quarantine, then p=reject)",
                            SLICE_ARG(text));
    return finding(PUBLISH_THERE, text);
}

struct publish_finding publish_sender_dmarc(const struct publish_site *site, struct slice text,
                                            const struct trust_names *names, struct arena *arena)
{
    struct publish_finding result = publish_text_dmarc(text, arena);
    struct dmarc_record record;

    if (result.state != PUBLISH_THERE)
        return result;
    if (!dmarc_record_read(text, arena, &record))
        return finding(PUBLISH_WRONG,
                       arena_printf(arena,
                                    "is no DMARC record to others; it must read like "
                                    "v=DMARC1; p=none; rua=mailto:postmaster@%.*s",
                                    SLICE_ARG(site->domain)));
    if (!judge_reports(site, &record, names, arena, &result))
        return result;
    return advise(&record, text, arena);
}

bool publish_sender_dmarc_above(const struct publish_site *site, const struct trust_names *names,
                                struct arena *arena, struct publish_finding *ret_finding)
{
    const struct dmarc_found *found;
    struct dmarc_tree tree;

    if (dmarc_tree_walk(site->domain, names, arena, &tree) < 0)
        return false;
    found = dmarc_tree_policy(&tree);
    if (!found || slice_eq(found->domain, site->domain))
        return false;
    *ret_finding = finding(PUBLISH_THERE,
                           arena_printf(arena, "has none of its own, so that of %.*s holds: %.*s",
                                        SLICE_ARG(found->domain), SLICE_ARG(found->text)));
    return true;
}
