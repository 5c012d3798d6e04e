/*
 * From a route to a connection (RFC 5321 section 5.1, as far as it is about addresses).
 *
 * Every failure up to the reply to EHLO is the site's, not the message's: the next address is
 * tried, and when there is none the answer is DONE_NETWORK with the last server's words. IPv6 on a
 * host that has none fails at once in connect() and costs nothing. Addresses that failed lately
 * (dead.h) come after all others.
 */
#include "relay/dial.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

struct candidate {
    struct socket_address address;
    const struct config_endpoint *host;
    bool secure;                      /* its address is, by DNSSEC */
    char canonical[DNS_NAME_MAX + 1]; /* the host's name after CNAMEs, or empty */
};

struct candidates {
    struct candidate list[DIAL_ADDRESSES_MAX];
    unsigned count;
};

static void add(struct candidates *candidates, const struct config_endpoint *host,
                const struct socket_address *address)
{
    if (candidates->count < DIAL_ADDRESSES_MAX)
        candidates->list[candidates->count++] =
            (struct candidate){.address = *address, .host = host};
}

static void add_found(struct candidates *candidates, const struct config_endpoint *host,
                      const struct socket_address *address, const struct dns_addresses *found)
{
    struct candidate *candidate = &candidates->list[candidates->count];

    if (candidates->count == DIAL_ADDRESSES_MAX)
        return;
    add(candidates, host, address);
    candidate->secure = found->security == DNS_SECURE;
    memcpy(candidate->canonical, found->canonical, sizeof(candidate->canonical));
}

/* The addresses of one host of the route. NULL, or why not. */
static const char *add_host(const struct dial *dial, const struct config_endpoint *host,
                            struct candidates *candidates)
{
    struct socket_address address;
    struct dns_addresses found;
    int r;

    if (host->kind == ENDPOINT_UNIX) {
        if (!socket_address_from_path(host->host, &address))
            return "path too long";
        add(candidates, host, &address);
        return NULL;
    }
    if (socket_address_parse(host->host, host->port, &address)) {
        add(candidates, host, &address);
        return NULL;
    }
    r = dns_lookup_addresses(dial->dns, host->host, clock_mono_ms() + DIAL_LOOKUP_MS, &found);
    if (r != DNS_FOUND)
        return dns_result_text((enum dns_result)r);
    for (unsigned i = 0; i < found.count; i++) {
        address = socket_address_from_ip(found.list[i].family, found.list[i].bytes, host->port);
        add_found(candidates, host, &address, &found);
    }
    return NULL;
}

/* Those that failed lately go behind the others; else the order stays. */
static void put_dead_last(const struct dial *dial, struct candidates *candidates)
{
    struct candidates sorted = {0};
    bool dead[DIAL_ADDRESSES_MAX];

    for (unsigned i = 0; i < candidates->count; i++) {
        dead[i] = dead_has(dial->dead, &candidates->list[i].address);
        if (!dead[i])
            sorted.list[sorted.count++] = candidates->list[i];
    }
    for (unsigned i = 0; i < candidates->count; i++) {
        if (dead[i])
            sorted.list[sorted.count++] = candidates->list[i];
    }
    *candidates = sorted;
}

static struct slice candidate_name(const struct outcome *outcome, const struct candidate *candidate)
{
    const struct config_endpoint *host = candidate->host;
    struct buf name;
    struct slice copy;

    buf_init(&name, 1024);
    if (host->kind == ENDPOINT_UNIX) {
        buf_printf(&name, "unix:%.*s", SLICE_ARG(host->host));
    } else {
        buf_add_slice(&name, host->host);
        buf_add_char(&name, '[');
        socket_address_add_text(&name, &candidate->address);
        buf_printf(&name, "]:%u", host->port);
    }
    copy = arena_dup(outcome->arena, buf_slice(&name));
    buf_done(&name);
    return copy;
}

/* The first source of the family that is connected to. */
static struct socket_address source_for(const struct dial *dial, const struct socket_address *to)
{
    const struct config_ips *sources = &dial->route->sources;
    struct socket_address source;

    for (size_t i = 0; i < sources->count; i++) {
        if (socket_address_parse(sources->list[i], 0, &source) &&
            source.socket.any.sa_family == to->socket.any.sa_family)
            return source;
    }
    return (struct socket_address){0};
}

static struct verdict failed(const struct outcome *outcome, struct slice name, const char *stage,
                             int error)
{
    if (error == -ECANCELED)
        return verdict_from_text(outcome, DONE_LATER, STATUS(4, 3, 2),
                                 "given up because the server is stopping");
    return verdict_from_text(outcome, DONE_NETWORK, STATUS(4, 4, 1), "%s %.*s: %s", stage,
                             SLICE_ARG(name),
                             error == -EBADMSG ? "what it said is not SMTP" : log_strerror(error));
}

/* The server's words, but for us: the message itself was not refused. */
static struct verdict refused(const struct outcome *outcome, const struct client *client)
{
    struct verdict verdict = verdict_from_reply(outcome, &client->reply);

    verdict.kind = DONE_NETWORK;
    verdict.status = SLICE("4.3.2");
    return verdict;
}

/* What the host of a candidate must show. */
static int find_security(const struct dial *dial, const struct outcome *outcome,
                         const struct candidate *candidate, struct security *ret_security,
                         struct verdict *ret_verdict)
{
    const struct destination destination = {.mx = false};
    const struct destination_host host = {.name = candidate->host->host,
                                          .kind = candidate->host->kind,
                                          .port = candidate->host->port};
    const struct security_question question = {.dns = dial->dns,
                                               .route = dial->route,
                                               .destination = &destination,
                                               .host = &host,
                                               .wish = dial->wish,
                                               .address_secure = candidate->secure,
                                               .canonical = slice_from_cstr(candidate->canonical),
                                               .deadline = clock_mono_ms() + DIAL_LOOKUP_MS};

    return security_decide(&question, outcome, ret_security, ret_verdict);
}

/* A connected client. 0, or negative with the verdict. */
static int open_session(const struct dial *dial, const struct outcome *outcome,
                        const struct opening *opening, struct client *client,
                        struct verdict *ret_verdict)
{
    const char *stage = "no";
    char waited[64];
    int r;

    client->lmtp = dial->route->protocol == PROTOCOL_LMTP;
    client->trace = dial->trace;
    client->trace_arg = dial->trace_arg;
    r = opening_run(client, opening, &stage);
    if (r == OPENING_READY)
        return 0;
    snprintf(waited, sizeof(waited), "no %s from", stage);
    if (r == OPENING_REFUSED)
        *ret_verdict = refused(outcome, client);
    else if (r > 0)
        *ret_verdict = opening_verdict(client, opening, r, outcome);
    else
        *ret_verdict = failed(outcome, client->name, waited, r);
    return r > 0 ? -ECONNREFUSED : r;
}

/* One address. 0, or negative with the verdict. */
static int try_candidate(const struct dial *dial, const struct outcome *outcome,
                         const struct candidate *candidate, struct slice name,
                         struct client *ret_client, struct verdict *ret_verdict)
{
    struct security security;
    struct opening opening = {.security = &security,
                              .tls = dial->tls,
                              .implicit = dial->route->tls_implicit,
                              .helo = dial->helo,
                              .to = candidate->address,
                              .source = source_for(dial, &candidate->address),
                              .cancel_fd = dial->cancel_fd,
                              .message_id = outcome->unit->message_id};
    int r = find_security(dial, outcome, candidate, &security, ret_verdict);

    if (r != SECURITY_GO)
        return -ECONNREFUSED;
    r = client_connect(ret_client, &opening.to, &opening.source, opening.cancel_fd, name);
    if (r < 0) {
        *ret_verdict = failed(outcome, name, "cannot connect to", r);
        return r;
    }
    r = open_session(dial, outcome, &opening, ret_client, ret_verdict);
    if (r < 0)
        client_quit(ret_client);
    return r;
}

static void find_candidates(const struct dial *dial, const struct outcome *outcome,
                            struct candidates *candidates, struct verdict *ret_verdict)
{
    for (size_t i = 0; i < dial->route->hosts.count; i++) {
        const struct config_endpoint *host = &dial->route->hosts.list[i];
        const char *why_not = add_host(dial, host, candidates);
        if (why_not)
            *ret_verdict =
                verdict_from_text(outcome, DONE_NETWORK, STATUS(4, 4, 3), "cannot look up %.*s: %s",
                                  SLICE_ARG(host->host), why_not);
    }
    put_dead_last(dial, candidates);
}

bool dial_route(const struct dial *dial, const struct outcome *outcome, struct client *ret_client,
                struct verdict *ret_verdict, struct slice *ret_remote)
{
    uint64_t end = clock_mono_ms() + DIAL_TOTAL_MS;
    struct candidates candidates = {0};

    *ret_verdict = verdict_from_text(outcome, DONE_NETWORK, STATUS(4, 4, 4),
                                     "route %.*s has no server", SLICE_ARG(dial->route->name));
    *ret_remote = SLICE_NULL;
    find_candidates(dial, outcome, &candidates, ret_verdict);
    for (unsigned i = 0; i < candidates.count && clock_mono_ms() < end; i++) {
        const struct candidate *candidate = &candidates.list[i];
        int r;
        *ret_remote = candidate_name(outcome, candidate);
        r = try_candidate(dial, outcome, candidate, *ret_remote, ret_client, ret_verdict);
        if (r == 0) {
            dead_remove(dial->dead, &candidate->address);
            return true;
        }
        if (r == -ECANCELED)
            return false;
        dead_add(dial->dead, &candidate->address);
    }
    return false;
}
