/*
 * What is to be said of an answer, one line for each record of the plan. See publish.h.
 *
 * What is wrong is worse than what is missing: a TLSA record that fits no certificate makes others
 * keep their mail, two SPF records count as a broken one. So each judge looks first for what would
 * do harm.
 */
#include "control/publish.h"
#include "control/publish_sender.h"
#include "control/publish_text.h"

#include <arpa/inet.h>
#include <openssl/evp.h>

static struct publish_finding there(struct slice text)
{
    return (struct publish_finding){.state = PUBLISH_THERE, .text = text};
}

static struct publish_finding wrong(struct slice text)
{
    return (struct publish_finding){.state = PUBLISH_WRONG, .text = text};
}

static struct publish_finding absent(const struct publish_record *record, struct slice text)
{
    return (struct publish_finding){.state = record->needed ? PUBLISH_MISSING : PUBLISH_ADVISED,
                                    .text = text};
}

static struct publish_finding judge_mx(const struct publish_site *site,
                                       const struct publish_record *record,
                                       const struct dns_answer *answer, struct arena *arena)
{
    struct slice others = SLICE_NULL;
    struct dns_mx mx;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (!dns_read_mx(answer->records[i], arena, &mx))
            continue;
        if (slice_eq(mx.exchange, site->host))
            return there(arena_printf(arena, "%u %.*s", mx.preference, SLICE_ARG(mx.exchange)));
        others =
            arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(others), others.len ? ", " : "",
                         SLICE_ARG(mx.exchange.len ? mx.exchange : SLICE("nowhere (null MX)")));
    }
    if (others.len)
        return wrong(arena_printf(arena, "mail for this domain goes to %.*s, not to this server",
                                  SLICE_ARG(others)));
    return absent(record, SLICE("nobody is told which server takes this domain's mail"));
}

static struct publish_finding judge_address(const struct publish_site *site,
                                            const struct publish_record *record,
                                            const struct dns_answer *answer, struct arena *arena)
{
    const char *text = arena_cstr(arena, record->value);
    unsigned char bytes[16];

    if (!slice_eq(answer->canonical, site->host))
        return wrong(arena_printf(arena,
                                  "is an alias of %.*s, which the host of an MX record must "
                                  "not be (RFC 2181 section 10.3)",
                                  SLICE_ARG(answer->canonical)));
    if (record->value.len == 0)
        return answer->n_records
                   ? there(SLICE("has an address"))
                   : absent(record, SLICE("this server's name has no address; write the one at "
                                          "which the world reaches it"));
    inet_pton(record->type == DNS_A ? AF_INET : AF_INET6, text, bytes);
    for (unsigned i = 0; i < answer->n_records; i++) {
        if (slice_eq(answer->records[i], slice_from(bytes, record->type == DNS_A ? 4 : 16)))
            return there(record->value);
    }
    return absent(record, arena_printf(arena, "the name does not lead to %s", text));
}

static struct publish_finding judge_ptr(const struct publish_site *site,
                                        const struct publish_record *record,
                                        const struct dns_answer *answer, struct arena *arena)
{
    struct slice name, other = SLICE_NULL;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (!dns_read_name(answer->records[i], arena, &name))
            continue;
        if (slice_eq(name, site->host))
            return there(name);
        other = name;
    }
    if (other.len)
        return wrong(arena_printf(arena,
                                  "the address is called %.*s, and others doubt a server "
                                  "that calls itself %.*s; whoever gave you the address can "
                                  "change it",
                                  SLICE_ARG(other), SLICE_ARG(site->host)));
    return absent(record, SLICE("many servers refuse mail from an address without a name; whoever "
                                "gave you the address can set it"));
}

static struct publish_finding judge_text(const struct publish_site *site,
                                         const struct publish_record *record,
                                         const struct dns_answer *answer,
                                         const struct trust_names *names, struct arena *arena)
{
    static const struct {
        enum publish_about about;
        struct slice version, why;
    } kinds[] = {
        {PUBLISH_SPF, SLICE_INIT("v=spf1"),
         SLICE_INIT("nobody is told which servers send for this domain")},
        {PUBLISH_DMARC, SLICE_INIT("v=DMARC1"),
         SLICE_INIT("nobody is told what to do with mail that only pretends to be yours")},
        {PUBLISH_STS, SLICE_INIT("v=STSv1"),
         SLICE_INIT("others are not told to insist on TLS; it needs the policy at "
                    "https://mta-sts.DOMAIN/.well-known/mta-sts.txt")},
        {PUBLISH_TLS_RPT, SLICE_INIT("v=TLSRPTv1"),
         SLICE_INIT("nobody tells you when TLS towards you fails")},
    };
    struct publish_finding above;
    struct slice text;
    size_t kind = 0;
    unsigned count;

    while (kinds[kind].about != record->about)
        kind++;
    count = publish_text_count(answer, kinds[kind].version, arena, &text);
    if (count == 0 && record->about == PUBLISH_DMARC &&
        publish_sender_dmarc_above(site, names, arena, &above))
        return above;
    if (count == 0)
        return absent(record, kinds[kind].why);
    if (count > 1)
        return wrong(arena_printf(arena,
                                  "%u records begin with %.*s, which counts as none; keep one",
                                  count, SLICE_ARG(kinds[kind].version)));
    switch (record->about) {
    case PUBLISH_SPF:
        return publish_sender_spf(site, text, names, arena);
    case PUBLISH_DMARC:
        return publish_sender_dmarc(site, text, names, arena);
    case PUBLISH_STS:
        return publish_text_sts(text, arena);
    default:
        return publish_text_tls_rpt(text, arena);
    }
}

static bool tlsa_fits(const struct dns_tlsa *tlsa, struct slice certificate, struct slice key)
{
    struct slice what = tlsa->selector == 0 ? certificate : key;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (tlsa->selector > 1 || tlsa->matching > 2)
        return false;
    if (tlsa->matching == 0)
        return slice_eq(tlsa->data, what);
    return EVP_Digest(what.ptr, what.len, digest, &len,
                      tlsa->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1 &&
           slice_eq(tlsa->data, slice_from(digest, len));
}

/* RFC 7672 section 3.1: 3 is the server's certificate, 2 one of those that it is issued by. */
static bool tlsa_names(const struct dns_tlsa *tlsa, const struct publish_certificate *certificate)
{
    unsigned n = tlsa->usage == 3 ? 1 : tlsa->usage == 2 ? certificate->n : 0;

    for (unsigned i = 0; i < n && i < certificate->n; i++) {
        if (tlsa_fits(tlsa, certificate->certificates[i], certificate->keys[i]))
            return true;
    }
    return false;
}

static struct publish_finding judge_tlsa(const struct publish_record *record,
                                         const struct dns_answer *answer)
{
    struct dns_tlsa tlsa;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (dns_read_tlsa(answer->records[i], &tlsa) && tlsa_names(&tlsa, record->certificate))
            return answer->security == DNS_SECURE
                       ? there(SLICE("fits the certificate, and is signed"))
                       : (struct publish_finding){
                             .state = PUBLISH_ADVISED,
                             .text = SLICE("fits the certificate, but the zone is not signed with "
                                           "DNSSEC, so it does nothing")};
    }
    if (answer->n_records)
        return wrong(SLICE("no TLSA record fits the certificate: servers that heed DANE keep their "
                           "mail"));
    if (answer->security != DNS_SECURE)
        return absent(record, SLICE("DANE needs a zone that is signed with DNSSEC, first"));
    return absent(record, SLICE("the zone is signed, so DANE would protect mail on its way here"));
}

static struct publish_finding judge_srv(const struct publish_record *record,
                                        const struct dns_answer *answer, struct arena *arena)
{
    struct dns_srv srv;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (dns_read_srv(answer->records[i], arena, &srv))
            return there(arena_printf(arena, "%.*s:%u", SLICE_ARG(srv.target), srv.port));
    }
    return absent(record, SLICE("mail clients look here for their settings"));
}

static struct publish_finding judge_host(const struct publish_record *record,
                                         const struct dns_answer *answer)
{
    if (answer->n_records)
        return there(answer->canonical);
    if (record->about == PUBLISH_STS_HOST)
        return absent(record, SLICE("the web server that has the MTA-STS policy"));
    return absent(record, SLICE("mail clients look here for their settings, if a web server has "
                                "them"));
}

static struct publish_finding judge_failure(const struct dns_answer *answer, struct arena *arena)
{
    if (answer->security == DNS_BOGUS)
        return wrong(arena_printf(arena, "nobody who heeds DNSSEC believes this zone: %.*s",
                                  SLICE_ARG(answer->why)));
    return (struct publish_finding){
        .state = PUBLISH_UNKNOWN,
        .text = arena_printf(arena, "%s%s%.*s", dns_result_text(answer->result),
                             answer->why.len ? ": " : "", SLICE_ARG(answer->why))};
}

bool publish_is_asked(const struct publish_record *record)
{
    return record->about != PUBLISH_DKIM || record->key.len;
}

static struct publish_finding judge_no_key(const struct publish_site *site,
                                           const struct publish_record *record, struct arena *arena)
{
    if (record->note.len)
        return there(record->note);
    if (site->keys_shut)
        return absent(record, SLICE("the keys are not yours to read: call this command as root"));
    return absent(record, arena_printf(arena,
                                       "mail of this domain is not signed, there is no key: nuncio "
                                       "dkim keygen %.*s",
                                       SLICE_ARG(site->domain)));
}

struct publish_finding publish_judge(const struct publish_site *site,
                                     const struct publish_record *record,
                                     const struct dns_answer *answer,
                                     const struct trust_names *names, struct arena *arena)
{
    if (!publish_is_asked(record))
        return judge_no_key(site, record, arena);
    if (answer->result == DNS_FAILED || answer->result == DNS_TIMEOUT)
        return judge_failure(answer, arena);
    switch (record->about) {
    case PUBLISH_MX:
        return judge_mx(site, record, answer, arena);
    case PUBLISH_ADDRESS:
        return judge_address(site, record, answer, arena);
    case PUBLISH_PTR:
        return judge_ptr(site, record, answer, arena);
    case PUBLISH_DKIM:
        return publish_sender_dkim(record, answer, arena);
    case PUBLISH_TLSA:
        return judge_tlsa(record, answer);
    case PUBLISH_SRV:
        return judge_srv(record, answer, arena);
    case PUBLISH_STS_HOST:
    case PUBLISH_AUTOCONFIG:
        return judge_host(record, answer);
    default:
        return judge_text(site, record, answer, names, arena);
    }
}
