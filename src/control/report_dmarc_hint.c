/*
 * See report_dmarc_hint.h. A forwarder breaks SPF and keeps signatures; a list breaks signatures
 * and has SPF of its own; a service that sends in our name has both of its own; a forger has
 * neither.
 */
#include "control/report_dmarc_hint.h"

#include <arpa/inet.h>
#include <string.h>

bool dmarc_hint_is_own(const struct own_hosts *own, struct slice ip)
{
    struct dns_address address = {.family = slice_find(ip, ':') < 0 ? AF_INET : AF_INET6};
    char text[INET6_ADDRSTRLEN];

    if (ip.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(ip));
    if (inet_pton(address.family, text, address.bytes) != 1)
        return false;
    for (unsigned i = 0; i < own->count; i++) {
        if (own->addresses[i].family == address.family &&
            memcmp(own->addresses[i].bytes, address.bytes, sizeof(address.bytes)) == 0)
            return true;
    }
    return false;
}

static bool has(const struct dmarc_reports_fact *facts, unsigned n, enum dmarc_reports_kind kind,
                const char *result)
{
    for (unsigned i = 0; i < n; i++) {
        if (facts[i].kind == kind && slice_eq(facts[i].result, slice_from_cstr(result)))
            return true;
    }
    return false;
}

static const char *own_hint(const struct dmarc_reports_source *source,
                            const struct dmarc_reports_fact *facts, unsigned n)
{
    if (source->unsigned_messages == source->messages)
        return "this machine sends it, and does not sign: make a key with nuncio dkim keygen and "
               "publish it, see nuncio dns";
    if (has(facts, n, DMARC_REPORTS_DKIM, "permerror") ||
        has(facts, n, DMARC_REPORTS_DKIM, "neutral"))
        return "this machine signs with a key that is not, or wrongly, in the DNS: see nuncio dns";
    if (!has(facts, n, DMARC_REPORTS_SPF, "pass"))
        return "this machine sends it: put its address into the domain's SPF record, and sign, see "
               "nuncio dns";
    return "this machine sends it, under another domain in reverse-path and signature: sign with "
           "the author's domain, see nuncio dns";
}

const char *dmarc_hint(const struct dmarc_reports_source *source,
                       const struct dmarc_reports_fact *facts, unsigned n_facts, bool own)
{
    bool spf = has(facts, n_facts, DMARC_REPORTS_SPF, "pass");
    bool dkim = has(facts, n_facts, DMARC_REPORTS_DKIM, "pass");

    if (source->failed == 0)
        return NULL;
    if (own)
        return own_hint(source, facts, n_facts);
    if (source->failed < source->messages)
        return "some of it passes: most likely a forwarder or a mailing list that changes some "
               "messages, or a service of yours that is not set up for all of its mail";
    if (spf && dkim)
        return "somebody who sends with SPF and signatures of his own: if it is a service of "
               "yours, let it sign with your domain; else nothing is to be done";
    if (spf)
        return "a forwarder, a mailing list or a service with SPF of its own, without a signature "
               "of yours that survived: if it is yours, let it sign with your domain";
    if (dkim)
        return "signed, but not by your domain, and not allowed by SPF: if it is a service of "
               "yours, let it sign with your domain";
    return "neither your SPF record nor a signature of yours vouches for it: if it is not a server "
           "of yours, it is forged, and a policy of reject keeps it out";
}
