/*
 * The decision, in the order of security_choose(): what cannot go on at all, then DANE, then what
 * asks for a certificate from a CA, then encryption alone, then what the server likes.
 *
 * - DANE needs a chain of secure answers: MX (or a host of the configuration), addresses, TLSA. A
 *   break in it means that there is none (RFC 7672 section 2.2.1); a failure that the host is not
 * to be used.
 * - Usable TLSA records decide alone; CAs are not asked, and MTA-STS does not make good what DANE
 *   finds bad (RFC 8461 section 2).
 * - "TLS-Required: No" takes the recipient's wishes away, not those of the configuration (RFC 8689
 *   section 4.2.2).
 * - With every rule the host's name goes along, so that the log can tell what the certificate is
 *   worth even where nobody asks.
 */
#include "relay/security.h"

#include "io/socket_address.h"

const char *security_rule_name(enum security_rule rule)
{
    static const char *const names[] = {
        [SECURITY_NONE] = "none",
        [SECURITY_OPPORTUNISTIC] = "opportunistic",
        [SECURITY_ENCRYPT] = "encrypt",
        [SECURITY_VERIFY] = "verify",
        [SECURITY_DANE] = "dane",
        [SECURITY_STS] = "sts",
        [SECURITY_REQUIRETLS] = "requiretls",
    };
    return names[rule];
}

const char *security_grade(enum security_rule rule)
{
    switch (rule) {
    case SECURITY_DANE:
        return "dane";
    case SECURITY_STS:
        return "sts";
    case SECURITY_VERIFY:
    case SECURITY_REQUIRETLS:
        return "verified";
    default:
        return "encrypted";
    }
}

/* ---- the question --------------------------------------------------------------------------- */

static bool is_name(const struct destination_host *host)
{
    struct socket_address address;

    return host->kind == ENDPOINT_INET && !socket_address_parse(host->name, 0, &address);
}

static bool dane_counts(const struct security_question *question)
{
    const struct config_route *route = question->route;

    if (route->tls == TLS_POLICY_DANE_ONLY)
        return true;
    return route->dane && route->tls != TLS_POLICY_NONE && !question->wish.tls_optional;
}

bool security_asks_tlsa(const struct security_question *question)
{
    const struct destination *destination = question->destination;

    return dane_counts(question) && is_name(question->host) &&
           (!destination->mx || destination->secure);
}

static enum sts_mode sts_mode(const struct security_question *question)
{
    if (!question->route->mta_sts || !question->destination->mx || question->wish.tls_optional)
        return STS_NONE;
    return question->destination->sts;
}

/* Who says that this host is the domain's (RFC 8689 section 4.2.1)? A policy that is being tested
 * does so for the hosts that it names, as one in force does (RFC 8461 section 4.1). */
static bool is_vouched(const struct security_question *question)
{
    const struct destination *destination = question->destination;
    enum sts_mode mode = sts_mode(question);

    return !destination->mx || destination->secure ||
           (mode == STS_ENFORCE && !question->host->sts_forbidden) ||
           (mode == STS_TESTING && destination->sts_policy &&
            sts_policy_allows(destination->sts_policy, question->host->name));
}

/* Delivery on this machine: nothing to be encrypted (RFC 8689 section 4.4). */
static bool is_at_home(const struct security_question *question)
{
    const struct destination_host *host = question->host;

    return host->kind == ENDPOINT_UNIX || (question->route->protocol == PROTOCOL_LMTP &&
                                           (slice_eq_nocase(host->name, SLICE("localhost")) ||
                                            slice_starts_with_nocase(host->name, SLICE("127.")) ||
                                            slice_eq(host->name, SLICE("::1"))));
}

static bool needs_requiretls(const struct security_question *question)
{
    return question->wish.requiretls && !is_at_home(question);
}

/* ---- the answer ----------------------------------------------------------------------------- */

/* Names for which a certificate may be: the host's. */
static void name_host(const struct security_question *question, struct arena *arena,
                      struct security *security)
{
    const struct destination_host *host = question->host;

    if (host->kind != ENDPOINT_INET)
        return;
    if (is_name(host))
        security->demand.sni = arena_dup(arena, host->name);
    security->demand.names = arena_alloc(arena, 3 * sizeof(struct slice));
    security->demand.names[0] = arena_dup(arena, host->name);
    security->demand.n_names = 1;
}

static bool has_usage(const struct tlsa_answer *tlsa, enum tlsa_usage usage)
{
    for (unsigned i = 0; i < tlsa->count; i++) {
        if (tlsa->list[i].usage == usage)
            return true;
    }
    return false;
}

/* RFC 7672 section 3.2.2; DANE-EE(3) has no names, and so its connections serve all domains. */
static void demand_dane(const struct security_question *question, const struct tlsa_answer *tlsa,
                        struct arena *arena, struct security *security)
{
    struct tls_demand *demand = &security->demand;
    struct slice domain = question->destination->domain;

    security->rule = SECURITY_DANE;
    security->tls_needed = true;
    demand->level = TLS_DANE;
    demand->sni = tlsa->base;
    demand->tlsa = tlsa->list;
    demand->n_tlsa = tlsa->count;
    demand->n_names = 0;
    if (!has_usage(tlsa, TLSA_DANE_TA))
        return;
    demand->names[demand->n_names++] = tlsa->base;
    if (question->destination->mx && domain.len)
        demand->names[demand->n_names++] = arena_dup(arena, domain);
}

static void demand_verified(enum security_rule rule, struct security *security)
{
    security->rule = rule;
    security->tls_needed = true;
    security->demand.level = TLS_VERIFY;
}

static void demand_encrypted(struct security *security)
{
    security->rule = SECURITY_ENCRYPT;
    security->tls_needed = true;
}

/* The rules from the strictest to the mildest; the first that applies. */
static void choose_rule(const struct security_question *question, const struct tlsa_answer *tlsa,
                        struct arena *arena, struct security *security)
{
    enum config_tls_policy policy = question->route->tls;

    if (tlsa->state == TLSA_USABLE)
        demand_dane(question, tlsa, arena, security);
    else if (sts_mode(question) == STS_ENFORCE)
        demand_verified(SECURITY_STS, security);
    else if (policy == TLS_POLICY_VERIFY)
        demand_verified(SECURITY_VERIFY, security);
    else if (needs_requiretls(question))
        demand_verified(SECURITY_REQUIRETLS, security);
    else if (policy == TLS_POLICY_ENCRYPT || tlsa->state == TLSA_UNUSABLE)
        demand_encrypted(security);
    else
        security->rule = SECURITY_OPPORTUNISTIC;
}

/* Why this host cannot be used at all. SECURITY_GO: it can. */
static int find_hindrance(const struct security_question *question, const struct tlsa_answer *tlsa,
                          const struct outcome *outcome, struct verdict *ret_verdict)
{
    struct slice host = question->host->name;
    enum config_tls_policy policy = question->route->tls;

    if (tlsa->state == TLSA_FAILED) {
        *ret_verdict = verdict_from_text(outcome, DONE_NETWORK, STATUS(4, 7, 5),
                                         "the TLSA records of %.*s cannot be had: %.*s",
                                         SLICE_ARG(host), SLICE_ARG(tlsa->why));
        return SECURITY_LATER;
    }
    if (policy == TLS_POLICY_DANE_ONLY && tlsa->state != TLSA_USABLE) {
        *ret_verdict = verdict_from_text(
            outcome, DONE_NETWORK, STATUS(4, 7, 5), "%.*s has no %s, and route %.*s wants them",
            SLICE_ARG(host),
            tlsa->state == TLSA_UNUSABLE ? "TLSA records that can be used" : "secure TLSA records",
            SLICE_ARG(question->route->name));
        return SECURITY_LATER;
    }
    if (question->host->sts_forbidden && sts_mode(question) == STS_ENFORCE &&
        tlsa->state != TLSA_USABLE) {
        *ret_verdict = verdict_from_text(
            outcome, DONE_NETWORK, STATUS(4, 7, 5),
            "the MTA-STS policy of %.*s does not allow %.*s, which has no TLSA records either",
            SLICE_ARG(question->destination->domain), SLICE_ARG(host));
        return SECURITY_LATER;
    }
    if (!needs_requiretls(question) || (policy != TLS_POLICY_NONE && is_vouched(question)))
        return SECURITY_GO;
    *ret_verdict =
        verdict_from_text(outcome, DONE_NEVER, STATUS(5, 7, 10), "REQUIRETLS: %s",
                          policy == TLS_POLICY_NONE
                              ? "the route to the next server is never encrypted"
                              : "neither DNSSEC nor MTA-STS says that this is the domain's server");
    return SECURITY_NEVER;
}

static struct security_fault find_fault(const struct security_question *question,
                                        const struct tlsa_answer *tlsa)
{
    struct security_fault fault = {.base = tlsa->base.len ? tlsa->base : question->host->name,
                                   .records = tlsa->unusable};

    if (tlsa->state == TLSA_FAILED) {
        fault.result = "dnssec-invalid";
        fault.why = tlsa->why;
    } else if (tlsa->state == TLSA_UNUSABLE) {
        fault.result = "tlsa-invalid";
        fault.why = SLICE("none of the TLSA records can be used");
    } else if (tlsa->state == TLSA_NONE && question->route->tls == TLS_POLICY_DANE_ONLY) {
        fault.result = "dane-required";
        fault.why = SLICE("there are no secure TLSA records");
    }
    return fault;
}

int security_choose(const struct security_question *question, const struct tlsa_answer *tlsa,
                    const struct outcome *outcome, struct security *ret_security,
                    struct verdict *ret_verdict)
{
    struct security security = {.rule = SECURITY_NONE, .vouched = is_vouched(question)};
    int r;

    security.fault = find_fault(question, tlsa);
    *ret_security = security;
    r = find_hindrance(question, tlsa, outcome, ret_verdict);
    if (r != SECURITY_GO || question->route->tls == TLS_POLICY_NONE)
        return r;
    name_host(question, outcome->arena, &security);
    choose_rule(question, tlsa, outcome->arena, &security);
    security.requiretls = needs_requiretls(question);
    security.sts_testing = sts_mode(question) == STS_TESTING && security.rule != SECURITY_DANE;
    security.demand.resume = arena_printf(
        outcome->arena, "%.*s %u", SLICE_ARG(question->host->name), (unsigned)question->host->port);
    *ret_security = security;
    return SECURITY_GO;
}

int security_decide(const struct security_question *question, const struct outcome *outcome,
                    struct security *ret_security, struct verdict *ret_verdict)
{
    struct tlsa_answer tlsa = {.state = TLSA_NONE};

    if (security_asks_tlsa(question)) {
        struct tlsa_question asked = {.host = question->host->name,
                                      .canonical = question->canonical,
                                      .address_secure = question->address_secure,
                                      .port = question->host->port,
                                      .deadline = question->deadline};
        tlsa_find(question->dns, &asked, outcome->arena, &tlsa);
    }
    return security_choose(question, &tlsa, outcome, ret_security, ret_verdict);
}

struct slice security_key(const struct security *security, struct arena *arena)
{
    const struct tls_demand *demand = &security->demand;
    struct slice copy, tlsa = tlsa_to_text(demand->tlsa, demand->n_tlsa, arena);
    struct buf key;

    buf_init(&key, 128 * 1024);
    buf_printf(&key, "%s %d%d%d %.*s", security_rule_name(security->rule), security->tls_needed,
               security->requiretls, security->vouched, SLICE_ARG(demand->sni));
    for (unsigned i = 0; i < demand->n_names; i++)
        buf_printf(&key, " %.*s", SLICE_ARG(demand->names[i]));
    buf_printf(&key, "\n%.*s", SLICE_ARG(tlsa));
    copy = arena_dup(arena, buf_slice(&key));
    buf_done(&key);
    return copy;
}
