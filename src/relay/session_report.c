/*
 * See session_report.h. Under DANE the policy domain is the TLSA base domain, and the records are
 * the policy (section 4.2); records of which none can be used are a failure of that policy even
 * where mail went through. Where no policy holds, a certificate that would not verify is no
 * failure; TLS that could not be had is. A host that a policy does not name is a validation-failure
 * (section 4.3.3): no more special type fits.
 */
#include "relay/session_report.h"

#include "relay/tlsa.h"

enum { IP_MAX = 64 };

#define NOT_NAMED "the MTA-STS policy does not name this host"

static bool has_policy(const struct destination *destination)
{
    return destination->sts != STS_NONE && destination->sts_policy;
}

/* Under a policy that is being tested, so that mail goes there all the same. */
static bool is_forbidden(const struct session_report *report)
{
    return has_policy(report->destination) &&
           !sts_policy_allows(report->destination->sts_policy, report->host);
}

static void take_result(const struct session_report *report, const struct security *security,
                        const struct tls_verdict *tls, struct tlsrpt_session *session)
{
    bool judged = security->tls_needed || security->sts_testing;

    if (tls->result && (judged || !tls->version)) {
        session->result = tls->result;
        session->why = slice_from_cstr(tls->why);
    } else if (session->type == TLSRPT_STS && is_forbidden(report)) {
        session->result = "validation-failure";
        session->why = SLICE(NOT_NAMED);
    }
}

/* Type, domain and text of the policy that was applied. */
static void take_policy(const struct session_report *report, const struct security *security,
                        struct arena *arena, struct tlsrpt_session *session)
{
    const struct destination *destination = report->destination;

    if (security->rule == SECURITY_DANE) {
        session->type = TLSRPT_TLSA;
        session->domain = security->demand.sni;
        session->policy = tlsa_to_text(security->demand.tlsa, security->demand.n_tlsa, arena);
    } else if (has_policy(destination)) {
        session->type = TLSRPT_STS;
        session->policy = sts_policy_text(destination->sts_policy);
    }
}

static struct slice ip_text(const struct socket_address *address, struct arena *arena)
{
    struct buf text;
    struct slice copy = SLICE_NULL;

    if (address->len == 0)
        return copy;
    buf_init(&text, IP_MAX);
    socket_address_add_text(&text, address);
    copy = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return copy;
}

static bool is_told(const struct session_report *report)
{
    return report->tlsrpt && report->destination->mx;
}

static void note_fault(const struct session_report *report, const struct security_fault *fault,
                       struct tlsrpt_session session)
{
    session.type = TLSRPT_TLSA;
    session.domain = fault->base;
    session.policy = fault->records;
    session.result = fault->result;
    session.why = fault->why;
    tlsrpt_note(report->tlsrpt, &session);
}

void session_report_tell(const struct session_report *report, const struct security *security,
                         const struct tls_verdict *tls, const struct socket_address *to,
                         const struct socket_address *from)
{
    struct tlsrpt_session session = {.domain = report->destination->domain, .mx = report->host};
    struct arena arena;

    if (!is_told(report) || security->rule == SECURITY_NONE)
        return;
    arena_init(&arena);
    session.receiving_ip = ip_text(to, &arena);
    session.sending_ip = ip_text(from, &arena);
    if (security->fault.result)
        note_fault(report, &security->fault, session);
    take_policy(report, security, &arena, &session);
    take_result(report, security, tls, &session);
    /* With a fault there is a policy: what is left is told of another one, or not at all. */
    if (!security->fault.result || session.type == TLSRPT_STS)
        tlsrpt_note(report->tlsrpt, &session);
    arena_done(&arena);
}

void session_report_fault(const struct session_report *report, const struct security_fault *fault)
{
    if (is_told(report) && fault->result)
        note_fault(report, fault, (struct tlsrpt_session){.mx = report->host});
}

void session_report_forbidden(struct tlsrpt *tlsrpt, struct slice domain,
                              const struct sts_policy *policy, struct slice host)
{
    const struct tlsrpt_session session = {.domain = domain,
                                           .type = TLSRPT_STS,
                                           .policy = sts_policy_text(policy),
                                           .mx = host,
                                           .result = "validation-failure",
                                           .why = SLICE(NOT_NAMED)};

    if (tlsrpt)
        tlsrpt_note(tlsrpt, &session);
}
