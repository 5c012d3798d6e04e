/*
 * The steps:
 *
 *   1. An address literal is its own server. What is no domain name cannot be found (5.1.2).
 *   2. MX records. No such name: 5.1.2. None: the domain's own name is its server (the "implicit
 *      MX"), or the name that it is an alias of. A null MX: 5.1.10. No answer that can be trusted:
 *      4.4.3, for this domain alone.
 *   3. The addresses of all those hosts, to know which one is ours and which are nowhere. Ours, and
 *      what is no better than we are, is left out; when nothing is left, mail would come back to
 *      us: 5.4.6. This is also how a backup MX delivers: to better preference only.
 *   4. Hosts without any address are left out. When none is left: 5.4.4 (the domain's own name:
 *      5.1.2), or 4.4.3 if it was a failure of DNS.
 *   5. Meanwhile the domain's MTA-STS policy has been asked for (RFC 8461). Hosts that it forbids
 *      are left out while it is enforced; when none is left the mail waits (4.7.5). It is looked
 *      at again every few minutes, however long the records live: a policy may change sooner.
 *      Where the MX records are signed they stay, with a mark: DANE goes before MTA-STS, and
 *      whether they have TLSA records is seen when they are dialled (relay/security.h).
 *
 * The addresses are not kept: whoever connects asks again, and libunbound has them in its cache.
 */
#include "relay/search.h"

#include "base/buf.h"
#include "base/clock.h"
#include "io/socket_address.h"
#include "mail/address.h"
#include "relay/mx_list.h"
#include "relay/session_report.h"

#include <stdlib.h>

enum { NEVER_MS = 5 * 60 * 1000 };

struct host_facts {
    bool has_address;
    bool failed; /* to look it up */
};

struct search {
    struct search_tools *tools;
    void *owner;
    struct config *config;
    const struct config_route *route;
    struct arena arena;
    struct slice domain; /* A-labels in lower case, or a literal in brackets */
    unsigned pending;    /* answers on their way */
    struct mx_list list;
    struct host_facts facts[DNS_RECORDS_MAX]; /* as in the list before it is cut */
    bool implicit;                            /* no MX: the domain's own name */
    bool secure;
    uint64_t valid_ms;
    struct sts_policy *policy; /* or NULL */
    char why[160];             /* the last failure of DNS, for people */
    bool over;
    struct finding finding;
};

struct search *search_new(struct search_tools *tools, struct config *config,
                          const struct config_route *route, struct slice domain, void *owner)
{
    struct search *search = xcalloc(1, sizeof(*search));

    search->tools = tools;
    search->config = config_ref(config);
    search->route = route;
    search->owner = owner;
    arena_init(&search->arena);
    search->domain = arena_dup(&search->arena, domain);
    return search;
}

void search_free(struct search *search)
{
    finding_done(&search->finding);
    sts_policy_unref(search->policy);
    arena_done(&search->arena);
    config_unref(search->config);
    free(search);
}

void *search_owner(const struct search *search)
{
    return search->owner;
}

void search_abandon(struct search *search)
{
    search->over = true;
    search->owner = NULL;
}

const struct finding *search_finding(const struct search *search)
{
    return search->over ? &search->finding : NULL;
}

bool search_is_quiet(const struct search *search)
{
    return search->pending == 0;
}

static void end(struct search *search, struct finding finding)
{
    search->finding = finding;
    search->over = true;
}

static void ask(struct search *search, struct slice name, enum dns_type type,
                enum search_question question, unsigned host)
{
    search->pending++;
    search_ask_dns(search->tools, search, question, host, name, type);
}

static bool asks_for_policy(const struct search *search)
{
    return search->tools->sts && search->route->mta_sts;
}

static void ask_for_policy(struct search *search)
{
    if (!asks_for_policy(search))
        return;
    search->pending++;
    search_ask_sts(search->tools, search, search->domain);
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
static bool read_literal(struct slice domain, uint16_t port, struct slice *ret_text,
                         struct socket_address *ret_address)
{
    struct slice text = slice_sub(domain, 1, domain.len < 2 ? 0 : domain.len - 2);

    if (slice_starts_with_nocase(text, SLICE("IPv6:")))
        text = slice_skip(text, strlen("IPv6:"));
    *ret_text = text;
    return socket_address_parse(text, port, ret_address);
}

static struct dns_address to_dns_address(const struct socket_address *address)
{
    struct dns_address found = {.family = address->socket.any.sa_family};

    if (found.family == AF_INET)
        memcpy(found.bytes, &address->socket.v4.sin_addr, 4);
    else
        memcpy(found.bytes, &address->socket.v6.sin6_addr, 16);
    return found;
}

static void add_host(struct search *search, struct destination *destination, struct slice name,
                     uint16_t preference)
{
    destination->hosts[destination->n_hosts++] =
        (struct destination_host){.name = arena_dup(&destination->arena, name),
                                  .kind = ENDPOINT_INET,
                                  .port = search->route->port,
                                  .preference = preference};
}

static struct destination *new_destination(const struct search *search)
{
    struct destination *destination = destination_new();

    destination->mx = true;
    destination->domain = arena_dup(&destination->arena, search->domain);
    destination->hosts =
        arena_alloc(&destination->arena, DESTINATION_HOSTS_MAX * sizeof(*destination->hosts));
    return destination;
}

static void search_literal(struct search *search)
{
    struct destination *destination;
    struct socket_address address;
    struct dns_address ip;
    struct slice text;

    if (!read_literal(search->domain, search->route->port, &text, &address)) {
        end(search, finding_refused(SITE_NEVER, "5.1.2", NEVER_MS, "%.*s is no address of a host",
                                    SLICE_ARG(search->domain)));
        return;
    }
    ip = to_dns_address(&address);
    if (own_hosts_has_address(&search->tools->own, search->config, &ip, search->route->port)) {
        end(search, finding_refused(SITE_NEVER, "5.4.6", NEVER_MS,
                                    "%.*s is this server: the mail would come back to us",
                                    SLICE_ARG(search->domain)));
        return;
    }
    destination = new_destination(search);
    add_host(search, destination, text, 0);
    destination_name_site(destination);
    end(search, finding_found(destination, FINDING_MOST_MS));
}

void search_start(struct search *search)
{
    struct slice ascii;

    if (address_domain_to_ascii(&search->arena, search->domain, &ascii) < 0) {
        end(search, finding_refused(SITE_NEVER, "5.1.2", NEVER_MS, "%.*s is no domain name",
                                    SLICE_ARG(search->domain)));
        return;
    }
    search->domain = ascii;
    if (ascii.len && ascii.ptr[0] == '[') {
        search_literal(search);
    } else {
        ask_for_policy(search);
        ask(search, ascii, DNS_MX, SEARCH_MX, 0);
    }
}

static void explain(struct search *search, const struct dns_answer *answer)
{
    const char *text = answer->security == DNS_BOGUS ? "its DNSSEC signatures do not hold"
                                                     : dns_result_text(answer->result);

    if (answer->why.len)
        snprintf(search->why, sizeof(search->why), "%s (%.*s)", text, SLICE_ARG(answer->why));
    else
        snprintf(search->why, sizeof(search->why), "%s", text);
}

static void end_without_answer(struct search *search, const char *what, struct slice of)
{
    end(search, finding_refused(SITE_LATER, "4.4.3", FINDING_FAILED_MS,
                                "cannot look up %s %.*s: %s", what, SLICE_ARG(of), search->why));
}

/* The addresses of all hosts; a host whose name is ours needs none. */
static void ask_addresses(struct search *search)
{
    for (unsigned i = 0; i < search->list.count; i++) {
        struct mx_host *host = &search->list.hosts[i];
        host->ours = own_hosts_has_name(search->config, host->name);
        if (host->ours)
            continue;
        ask(search, host->name, DNS_A, SEARCH_ADDRESSES, i);
        if (search->route->ipv6)
            ask(search, host->name, DNS_AAAA, SEARCH_ADDRESSES, i);
    }
}

static void use_own_name(struct search *search, struct slice name)
{
    search->implicit = true;
    search->list.hosts = arena_alloc(&search->arena, sizeof(*search->list.hosts));
    search->list.hosts[0] = (struct mx_host){.name = arena_dup(&search->arena, name)};
    search->list.count = 1;
}

static void end_nowhere(struct search *search, uint64_t valid_ms)
{
    if (search->implicit)
        end(search, finding_refused(SITE_NEVER, "5.1.2", valid_ms,
                                    "%.*s has neither a mail server (MX) nor an address",
                                    SLICE_ARG(search->domain)));
    else
        end(search,
            finding_refused(SITE_NEVER, "5.4.4", valid_ms,
                            "none of the mail servers of %.*s has %s address",
                            SLICE_ARG(search->domain), search->route->ipv6 ? "an" : "an IPv4"));
}

static void take_records(struct search *search, const struct dns_answer *answer)
{
    switch (mx_list_read(answer, &search->arena, &search->list)) {
    case MX_LIST_HOSTS:
        if (search->list.count > DESTINATION_HOSTS_MAX)
            search->list.count = DESTINATION_HOSTS_MAX;
        break;
    case MX_LIST_NULL:
        end(search, finding_refused(SITE_NEVER, "5.1.10", search->valid_ms,
                                    "%.*s takes no mail (null MX)", SLICE_ARG(search->domain)));
        break;
    case MX_LIST_NOWHERE:
        end_nowhere(search, search->valid_ms);
        break;
    }
}

static void take_mx(struct search *search, const struct dns_answer *answer)
{
    search->secure = answer->security == DNS_SECURE;
    search->valid_ms = (uint64_t)answer->ttl_s * 1000;
    if (asks_for_policy(search) && search->valid_ms > STS_CHECK_MS)
        search->valid_ms = STS_CHECK_MS;
    switch (answer->result) {
    case DNS_FOUND:
        take_records(search, answer);
        break;
    case DNS_NO_DATA:
        use_own_name(search, answer->canonical.len ? answer->canonical : search->domain);
        break;
    case DNS_NO_NAME:
        end(search, finding_refused(SITE_NEVER, "5.1.2", search->valid_ms,
                                    "the domain %.*s does not exist", SLICE_ARG(search->domain)));
        break;
    case DNS_FAILED:
    case DNS_TIMEOUT:
        explain(search, answer);
        end_without_answer(search, "the mail servers of", search->domain);
        break;
    }
    if (!search->over)
        ask_addresses(search);
}

static void take_addresses(struct search *search, unsigned host, const struct dns_answer *answer)
{
    struct host_facts *facts = &search->facts[host];

    if (answer->result == DNS_FAILED || answer->result == DNS_TIMEOUT) {
        facts->failed = true;
        explain(search, answer);
    }
    for (unsigned i = 0; i < answer->n_records; i++) {
        struct dns_address address = {.family = answer->records[i].len == 4 ? AF_INET : AF_INET6};
        if (answer->records[i].len != 4 && answer->records[i].len != 16)
            continue;
        memcpy(address.bytes, answer->records[i].ptr, answer->records[i].len);
        facts->has_address = true;
        if (own_hosts_has_address(&search->tools->own, search->config, &address,
                                  search->route->port))
            search->list.hosts[host].ours = true;
    }
}

static void end_in_a_circle(struct search *search, struct slice best)
{
    end(search, finding_refused(SITE_NEVER, "5.4.6", search->valid_ms,
                                "mail for %.*s would come back to us: no mail server of it is "
                                "better than %.*s, which is this one",
                                SLICE_ARG(search->domain), SLICE_ARG(best)));
}

static void end_forbidden(struct search *search)
{
    end(search, finding_refused(SITE_LATER, "4.7.5", FINDING_FAILED_MS,
                                "the MTA-STS policy of %.*s allows none of its mail servers "
                                "(the best is %.*s)",
                                SLICE_ARG(search->domain), SLICE_ARG(search->list.hosts[0].name)));
}

static bool is_allowed(const struct search *search, const struct mx_host *host)
{
    return !search->policy || sts_policy_mode(search->policy) != STS_ENFORCE ||
           sts_policy_allows(search->policy, host->name);
}

/* MTA-STS is not to interfere with DANE where both are there (RFC 8461 section 2). */
static bool may_have_dane(const struct search *search)
{
    const struct config_route *route = search->route;

    return search->secure &&
           (route->tls == TLS_POLICY_DANE_ONLY || (route->dane && route->tls != TLS_POLICY_NONE));
}

/* All that have an address, or may have one, and that the domain's policy, or DANE, may allow. */
static void end_with_hosts(struct search *search)
{
    struct destination *destination = new_destination(search);

    destination->secure = search->secure;
    if (search->policy) {
        destination->sts = sts_policy_mode(search->policy);
        destination->sts_policy = sts_policy_ref(search->policy);
    }
    for (unsigned i = 0; i < search->list.count; i++) {
        const struct mx_host *host = &search->list.hosts[i];
        bool allowed = is_allowed(search, host);
        if (!search->facts[i].has_address && !search->facts[i].failed)
            continue;
        if (!allowed && !may_have_dane(search)) {
            session_report_forbidden(search->tools->tlsrpt, search->domain, search->policy,
                                     host->name);
            continue;
        }
        add_host(search, destination, host->name, host->preference);
        destination->hosts[destination->n_hosts - 1].sts_forbidden = !allowed;
    }
    if (destination->n_hosts == 0) {
        destination_unref(destination);
        end_forbidden(search);
        return;
    }
    destination_name_site(destination);
    end(search, finding_found(destination, search->valid_ms));
}

static void conclude(struct search *search)
{
    struct slice best = search->list.hosts[0].name, failed = SLICE_NULL;
    bool cut = mx_list_cut(&search->list), reachable = false;

    for (unsigned i = 0; i < search->list.count; i++) {
        reachable |= search->facts[i].has_address;
        if (search->facts[i].failed)
            failed = search->list.hosts[i].name;
    }
    if (cut && search->list.count == 0)
        end_in_a_circle(search, best);
    else if (reachable)
        end_with_hosts(search);
    else if (failed.len)
        end_without_answer(search, "the address of", failed);
    else
        end_nowhere(search, search->valid_ms);
}

static void take_policy(struct search *search, struct search_answer *answer)
{
    search->policy = answer->policy;
    answer->policy = NULL;
}

void search_take(struct search *search, struct search_answer *answer)
{
    search->pending--;
    if (!search->over && answer->question == SEARCH_MX)
        take_mx(search, &answer->dns);
    else if (!search->over && answer->question == SEARCH_ADDRESSES)
        take_addresses(search, answer->host, &answer->dns);
    else if (!search->over)
        take_policy(search, answer);
    search_answer_free(answer);
    if (!search->over && search->pending == 0)
        conclude(search);
}
