/*
 * See session_report.h. Under DANE the policy domain is the TLSA base domain, and the records are
 * the policy (section 4.2). Where no policy holds, a certificate that would not verify is no
 * failure; TLS that could not be had is.
 */
#include "relay/session_report.h"

#include "relay/tlsa.h"

enum { IP_MAX = 64 };

static const char *find_failure(const struct security *security, const struct tls_verdict *tls)
{
    bool judged = security->tls_needed || security->sts_testing;

    return tls->version && !judged ? NULL : tls->result;
}

/* Type, domain and text of the policy that was applied. */
static void add_policy(const struct session_report *report, const struct security *security,
                       struct arena *arena, struct tlsrpt_session *session)
{
    const struct destination *destination = report->destination;

    if (security->rule == SECURITY_DANE) {
        session->type = TLSRPT_TLSA;
        session->domain = security->demand.sni;
        session->policy = tlsa_to_text(security->demand.tlsa, security->demand.n_tlsa, arena);
    } else if (destination->sts != STS_NONE && destination->sts_policy) {
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

void session_report_tell(const struct session_report *report, const struct security *security,
                         const struct tls_verdict *tls, const struct socket_address *to,
                         const struct socket_address *from)
{
    struct tlsrpt_session session = {.domain = report->destination->domain,
                                     .mx = report->host,
                                     .result = find_failure(security, tls)};
    struct arena arena;

    if (!report->tlsrpt || !report->destination->mx || security->rule == SECURITY_NONE)
        return;
    arena_init(&arena);
    add_policy(report, security, &arena, &session);
    session.receiving_ip = ip_text(to, &arena);
    session.sending_ip = ip_text(from, &arena);
    if (session.result)
        session.why = slice_from_cstr(tls->why);
    tlsrpt_note(report->tlsrpt, &session);
    arena_done(&arena);
}
