/*
 * The plan: RFC 5321 section 5.1 (MX, addresses), 7208 (SPF), 6376 (DKIM), 9989 (DMARC), 8461
 * (MTA-STS), 8460 (TLS-RPT), 7672 (TLSA), 6186 and 8314 (SRV), and the two names at which mail
 * clients look for their settings. See publish.h.
 */
#include "control/publish.h"

#include <arpa/inet.h>
#include <openssl/evp.h>

/* Of one string of a record (RFC 1035 section 3.3); of the keys that are told of one domain. */
enum { STRING_MAX = 255, KEYS_OF_DOMAIN_MAX = 16 };

struct plan {
    const struct publish_site *site;
    struct arena *arena;
    struct publish_record *records;
    unsigned n;
};

const char *publish_about_name(enum publish_about about)
{
    static const char *const names[] = {"MX",      "address", "PTR",        "SPF",
                                        "DKIM",    "DMARC",   "MTA-STS",    "MTA-STS",
                                        "TLS-RPT", "TLSA",    "autoconfig", "SRV"};
    return names[about];
}

const char *publish_state_name(enum publish_state state)
{
    static const char *const names[] = {"ok", "missing", "advised", "wrong", "unknown"};
    return names[state];
}

static struct slice below(struct plan *plan, const char *label)
{
    return arena_printf(plan->arena, "%s.%.*s", label, SLICE_ARG(plan->site->domain));
}

static void add(struct plan *plan, enum publish_about about, bool needed, struct slice name,
                enum dns_type type, struct slice value)
{
    if (plan->n < PUBLISH_RECORDS_MAX)
        plan->records[plan->n++] = (struct publish_record){
            .about = about, .needed = needed, .name = name, .type = type, .value = value};
}

static struct slice host_dot(struct plan *plan)
{
    return arena_printf(plan->arena, "%.*s.", SLICE_ARG(plan->site->host));
}

/* The name under which an address has its PTR record (RFC 1035 section 3.5, 3596 section 2.5). */
static struct slice reverse_name(struct plan *plan, struct slice address)
{
    static const char digits[] = "0123456789abcdef";
    const char *text = arena_cstr(plan->arena, address);
    unsigned char bytes[16];
    char name[80];
    size_t len = 0;

    if (inet_pton(AF_INET, text, bytes) == 1)
        return arena_printf(plan->arena, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1],
                            bytes[0]);
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return SLICE_NULL;
    for (int i = 15; i >= 0; i--) {
        name[len++] = digits[bytes[i] & 15];
        name[len++] = '.';
        name[len++] = digits[bytes[i] >> 4];
        name[len++] = '.';
    }
    return arena_printf(plan->arena, "%.*sip6.arpa", (int)len, name);
}

static void plan_host(struct plan *plan)
{
    const struct publish_site *site = plan->site;

    if (site->n_addresses == 0)
        add(plan, PUBLISH_ADDRESS, true, site->host, DNS_A, SLICE_NULL);
    for (unsigned i = 0; i < site->n_addresses; i++) {
        struct slice address = site->addresses[i];
        bool ipv6 = slice_find(address, ':') >= 0;
        add(plan, PUBLISH_ADDRESS, true, site->host, ipv6 ? DNS_AAAA : DNS_A, address);
    }
    for (unsigned i = 0; i < site->n_addresses; i++)
        add(plan, PUBLISH_PTR, true, reverse_name(plan, site->addresses[i]), DNS_PTR,
            host_dot(plan));
}

/* The record's text as in a zone file: strings of 255 bytes at most. */
static struct slice quoted(struct plan *plan, struct slice text)
{
    struct slice value = SLICE_NULL;

    while (text.len) {
        struct slice piece = slice_sub(text, 0, STRING_MAX);
        value = arena_printf(plan->arena, "%.*s%s\"%.*s\"", SLICE_ARG(value), value.len ? " " : "",
                             SLICE_ARG(piece));
        text = slice_skip(text, piece.len);
    }
    return value;
}

/* Mail of a domain without keys is signed with those of the nearest one above. */
static struct slice signed_by(const struct plan *plan)
{
    struct slice domain = plan->site->domain;

    while (domain.len) {
        ptrdiff_t dot = slice_find(domain, '.');
        domain = dot < 0 ? SLICE_NULL : slice_skip(domain, (size_t)dot + 1);
        for (unsigned i = 0; i < plan->site->n_keys; i++) {
            if (slice_eq(plan->site->keys[i].domain, domain))
                return domain;
        }
    }
    return SLICE_NULL;
}

static void plan_key(struct plan *plan, const struct publish_key *key)
{
    if (plan->n == PUBLISH_RECORDS_MAX)
        return;
    add(plan, PUBLISH_DKIM, true,
        arena_printf(plan->arena, "%.*s._domainkey.%.*s", SLICE_ARG(key->selector),
                     SLICE_ARG(key->domain)),
        DNS_TXT, quoted(plan, key->record));
    plan->records[plan->n - 1].key = key->record;
    plan->records[plan->n - 1].note = key->note;
}

static void plan_keys(struct plan *plan)
{
    const struct publish_site *site = plan->site;
    unsigned before = plan->n;
    struct slice above;

    for (unsigned i = 0; i < site->n_keys && plan->n - before < KEYS_OF_DOMAIN_MAX; i++) {
        if (slice_eq(site->keys[i].domain, site->domain))
            plan_key(plan, &site->keys[i]);
    }
    if (plan->n > before || plan->n == PUBLISH_RECORDS_MAX)
        return;
    add(plan, PUBLISH_DKIM, false, below(plan, "_domainkey"), DNS_TXT, SLICE_NULL);
    above = signed_by(plan);
    if (above.len)
        plan->records[plan->n - 1].note =
            arena_printf(plan->arena, "signed with the keys of %.*s", SLICE_ARG(above));
}

static void plan_texts(struct plan *plan)
{
    struct slice domain = plan->site->domain;

    add(plan, PUBLISH_SPF, true, domain, DNS_TXT, SLICE("\"v=spf1 mx -all\""));
    plan_keys(plan);
    add(plan, PUBLISH_DMARC, true, below(plan, "_dmarc"), DNS_TXT,
        arena_printf(plan->arena, "\"v=DMARC1; p=none; rua=mailto:postmaster@%.*s\"",
                     SLICE_ARG(domain)));
    add(plan, PUBLISH_STS, false, below(plan, "_mta-sts"), DNS_TXT,
        arena_printf(plan->arena, "\"v=STSv1; id=%.*s\"", SLICE_ARG(plan->site->today)));
    add(plan, PUBLISH_STS_HOST, false, below(plan, "mta-sts"), DNS_CNAME, host_dot(plan));
    add(plan, PUBLISH_TLS_RPT, false, below(plan, "_smtp._tls"), DNS_TXT,
        arena_printf(plan->arena, "\"v=TLSRPTv1; rua=mailto:postmaster@%.*s\"", SLICE_ARG(domain)));
}

/* 3 1 1: the key's digest, which stays when a certificate is renewed with the same key. */
static void plan_tlsa(struct plan *plan, const struct publish_certificate *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct slice value = SLICE("3 1 1 ");
    unsigned len = 0;

    if (certificate->n == 0 || EVP_Digest(certificate->keys[0].ptr, certificate->keys[0].len,
                                          digest, &len, EVP_sha256(), NULL) != 1)
        return;
    for (unsigned i = 0; i < len; i++)
        value = arena_printf(plan->arena, "%.*s%02x", SLICE_ARG(value), digest[i]);
    add(plan, PUBLISH_TLSA, false,
        arena_printf(plan->arena, "_25._tcp.%.*s", SLICE_ARG(plan->site->host)), DNS_TLSA, value);
    if (plan->n)
        plan->records[plan->n - 1].certificate = certificate;
}

static void plan_srv(struct plan *plan, const char *service, uint16_t port)
{
    if (port)
        add(plan, PUBLISH_SRV, false, below(plan, service), DNS_SRV,
            arena_printf(plan->arena, "0 1 %u %.*s.", port, SLICE_ARG(plan->site->host)));
}

static void plan_clients(struct plan *plan)
{
    add(plan, PUBLISH_AUTOCONFIG, false, below(plan, "autoconfig"), DNS_CNAME, host_dot(plan));
    add(plan, PUBLISH_AUTOCONFIG, false, below(plan, "autodiscover"), DNS_CNAME, host_dot(plan));
    plan_srv(plan, "_submissions._tcp", plan->site->submissions_port);
    plan_srv(plan, "_submission._tcp", plan->site->submission_port);
    plan_srv(plan, "_imaps._tcp", 993);
    plan_srv(plan, "_imap._tcp", 143);
}

unsigned publish_plan(const struct publish_site *site, struct arena *arena,
                      struct publish_record records[PUBLISH_RECORDS_MAX])
{
    struct plan plan = {.site = site, .arena = arena, .records = records};

    add(&plan, PUBLISH_MX, true, site->domain, DNS_MX,
        arena_printf(arena, "10 %.*s.", SLICE_ARG(site->host)));
    plan_host(&plan);
    plan_texts(&plan);
    for (unsigned i = 0; i < site->n_certificates; i++)
        plan_tlsa(&plan, &site->certificates[i]);
    plan_clients(&plan);
    return plan.n;
}
