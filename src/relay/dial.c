/*
 * From a destination to a connection (RFC 5321 section 5.1, RFC 8305).
 *
 * Hosts are gone through by preference. The addresses of one host race each other (io/connect.h);
 * the next host is asked only when none of them has answered well, for a host of a worse preference
 * is not to be called while a better one works. Every failure before MAIL is the host's, not
 * the message's.
 *
 * Addresses that failed lately (dead.h) are passed over, and come after all others, one attempt at
 * a time: an attempt whose addresses are all dead and being tried by others ends at once with what
 * the last try has told. So do those for which no connection is free (slots.h), as DONE_AGAIN.
 *
 * Every address that fails, and the one that wins, is a line "try" in the log.
 */
#include "relay/dial.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/connect.h"

#include <errno.h>
#include <unistd.h>

struct dialing {
    const struct dial *dial;
    const struct outcome *outcome;
    uint64_t end;
    unsigned begun; /* addresses that were tried */
    bool failed;    /* `verdict` is of one that was tried, or could not be looked up */
    bool busy;      /* one was passed over because of slots or sources */
    bool probing;   /* the second time around: the dead */
    char dead_words[DEAD_WORDS_MAX];
    struct verdict verdict;
    struct slice remote;
    struct client *client; /* to be filled */
    /* The race under way. */
    const struct dial_host *host;
    struct connect_try tries[CONNECT_TRIES_MAX];
    unsigned n_tries;
};

static uint64_t message_of(const struct dialing *dialing)
{
    return dialing->dial->unit->message_id;
}

static void log_try(const struct dialing *dialing, const struct connect_try *one, const char *stage,
                    struct slice reply, uint32_t ms)
{
    struct message_id_text id = message_id_format(message_of(dialing));
    struct buf address;

    if (!message_of(dialing))
        return;
    buf_init(&address, sizeof(struct sockaddr_un));
    socket_address_add_text(&address, &one->to);
    log_info(NULL, "try", LOG_STR("message", id.text),
             LOG_SLICE("route", dialing->dial->route->name),
             LOG_SLICE("site", dialing->dial->destination->site),
             LOG_SLICE("host", dialing->host->host->name),
             LOG_SLICE("address", buf_slice(&address)), LOG_INT("port", dialing->host->host->port),
             LOG_STR("stage", stage), LOG_SLICE("reply", reply), LOG_INT("ms", ms));
    buf_done(&address);
}

/* A host that cannot even be called. */
static void log_host(const struct dialing *dialing, const struct destination_host *host,
                     struct slice reply)
{
    struct message_id_text id = message_id_format(message_of(dialing));

    if (message_of(dialing))
        log_info(NULL, "try", LOG_STR("message", id.text),
                 LOG_SLICE("route", dialing->dial->route->name),
                 LOG_SLICE("site", dialing->dial->destination->site), LOG_SLICE("host", host->name),
                 LOG_STR("stage", "lookup"), LOG_SLICE("reply", reply));
}

/* Of two failures the one that leaves more hope is told: what can never be may still be at a host
 * that is down now. */
static void keep_verdict(struct dialing *dialing, struct verdict verdict)
{
    if (!dialing->failed || verdict.kind != DONE_NEVER || dialing->verdict.kind == DONE_NEVER)
        dialing->verdict = verdict;
    dialing->failed = true;
}

/* The address has failed. */
static void note_failure(struct dialing *dialing, const struct connect_try *one, const char *stage,
                         struct verdict verdict, uint32_t ms)
{
    keep_verdict(dialing, verdict);
    counts_opening(dialing->dial->counts, false);
    log_try(dialing, one, stage, verdict.words, ms);
}

static struct verdict cancelled(const struct outcome *outcome)
{
    return verdict_from_text(outcome, DONE_LATER, STATUS(4, 3, 2),
                             "given up because the server is stopping");
}

static struct verdict failed(const struct outcome *outcome, struct slice name, const char *stage,
                             int error)
{
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

/* A connection to that address is open, or begun, as far as the bound allows; an idle one that is
 * of no use to us gives way. */
static bool take_slot(const struct dial *dial, const struct socket_address *address)
{
    unsigned cap = dial->route->address_concurrency;

    return slots_take(dial->slots, address, cap) ||
           (dial->idle && idle_close_one(dial->idle, address) &&
            slots_take(dial->slots, address, cap));
}

static bool may_begin(void *arg, unsigned i)
{
    struct dialing *dialing = arg;
    const struct dial *dial = dialing->dial;
    const struct socket_address *to = &dialing->tries[i].to;

    if (dialing->begun == DIAL_TRIES_MAX)
        return false;
    if (!dial_host_source(dial->route, dial->unit, to, &dialing->tries[i].source)) {
        dialing->busy = true;
        return false;
    }
    if (dialing->probing && !dead_begin_probe(dial->dead, to, dialing->dead_words))
        return false;
    if (!take_slot(dial, to)) {
        dialing->busy = true;
        dead_end_probe(dial->dead, to);
        return false;
    }
    dialing->begun++;
    return true;
}

static void on_ended(void *arg, unsigned i)
{
    struct dialing *dialing = arg;

    slots_give(dialing->dial->slots, &dialing->tries[i].to);
    if (dialing->tries[i].state == CONNECT_UNTRIED) {
        dialing->begun--;
        dead_end_probe(dialing->dial->dead, &dialing->tries[i].to);
    }
}

static void note_unreachable(struct dialing *dialing, const struct connect_try *one,
                             struct slice name)
{
    struct verdict verdict = failed(dialing->outcome, name, "cannot connect to", one->error);

    dialing->remote = name;
    dead_add(dialing->dial->dead, &one->to, verdict.words);
    note_failure(dialing, one, "connect", verdict, one->ms);
}

/* Those that failed are noted and leave the list; *ret_winner leaves it too. */
static void sort_out(struct dialing *dialing, struct connect_try *ret_winner)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < dialing->n_tries; i++) {
        const struct connect_try *one = &dialing->tries[i];
        if (one->state == CONNECT_WON)
            *ret_winner = *one;
        else if (one->state == CONNECT_FAILED)
            note_unreachable(dialing, one,
                             dial_host_name(dialing->host->host, &one->to, dialing->outcome));
        else
            dialing->tries[kept++] = *one;
    }
    dialing->n_tries = kept;
}

/* What became of an address that was connected to. */
static int take_result(struct dialing *dialing, const struct connect_try *one,
                       const struct opening *opening, struct client *client, int r,
                       const char *stage, uint32_t ms)
{
    char waited[64];
    struct verdict verdict;

    snprintf(waited, sizeof(waited), "no %s from", stage);
    if (r == OPENING_REFUSED)
        verdict = refused(dialing->outcome, client);
    else if (r > 0)
        verdict = opening_verdict(client, opening, r, dialing->outcome);
    else
        verdict = failed(dialing->outcome, dialing->remote, waited, r);
    client_quit(client);
    if (r == -ECANCELED) {
        dead_end_probe(dialing->dial->dead, &one->to);
        return r;
    }
    /* An address that does not meet its security is well and alive. */
    if (r == OPENING_REFUSED || r < 0)
        dead_add(dialing->dial->dead, &one->to, verdict.words);
    else
        dead_remove(dialing->dial->dead, &one->to);
    note_failure(dialing, one, stage, verdict, ms);
    return -ECONNREFUSED;
}

/* Our login there. A refusal is the route's trouble, not the address's. */
static int log_in(struct dialing *dialing, const struct connect_try *one, uint64_t began)
{
    const struct destination_host *host = dialing->host->host;
    const struct login_server server = {
        .host = host->name, .port = host->port, .here = host->kind == ENDPOINT_UNIX};
    struct verdict verdict;
    int r = LOGIN_DONE;

    if (dialing->dial->logins)
        r = login_run(dialing->dial->logins, dialing->dial->route, &server, dialing->client,
                      dialing->outcome, &verdict);
    if (r < 0)
        return take_result(dialing, one, NULL, dialing->client, r, "reply to AUTH",
                           (uint32_t)(clock_mono_ms() - began));
    if (r == LOGIN_DONE)
        return 0;
    client_quit(dialing->client);
    dead_remove(dialing->dial->dead, &one->to);
    note_failure(dialing, one, "login", verdict, (uint32_t)(clock_mono_ms() - began));
    return -ECONNREFUSED;
}

/* Banner, EHLO, TLS and login on a new connection. 0, or negative with the failure noted. */
static int greet(struct dialing *dialing, const struct connect_try *one, int fd)
{
    const struct dial *dial = dialing->dial;
    const struct security *security = &dialing->host->security;
    const struct session_report report = {.tlsrpt = dial->tlsrpt,
                                          .destination = dial->destination,
                                          .host = dialing->host->host->name};
    struct opening opening = {.security = security,
                              .tls = dial->tls,
                              .implicit = dial->route->tls_implicit,
                              .helo = dial->helo,
                              .to = one->to,
                              .source = one->source,
                              .cancel_fd = dial->cancel_fd,
                              .report = &report,
                              .counts = dial->counts,
                              .message_id = message_of(dialing)};
    struct client *client = dialing->client;
    uint64_t began = clock_mono_ms();
    const char *stage = "banner";
    int r;

    dialing->remote = dial_host_name(dialing->host->host, &one->to, dialing->outcome);
    client_adopt(client, fd, dial->cancel_fd, &one->to, dialing->remote);
    client->slots = dial->slots;
    client->lmtp = dial->route->protocol == PROTOCOL_LMTP;
    client->trace = dial->trace;
    client->trace_arg = dial->trace_arg;
    r = opening_run(client, &opening, &stage);
    if (r != OPENING_READY)
        return take_result(dialing, one, &opening, client, r, stage,
                           (uint32_t)(clock_mono_ms() - began));
    r = log_in(dialing, one, began);
    if (r < 0)
        return r;
    counts_opening(dial->counts, true);
    log_try(dialing, one, "ready", SLICE_NULL, (uint32_t)(clock_mono_ms() - began) + one->ms);
    dead_remove(dial->dead, &one->to);
    client_keep_key(client, security_key(security, dialing->outcome->arena));
    return 0;
}

/* The addresses that are in the list, until one is good. 0, -ECANCELED, or another failure. */
static int run_race(struct dialing *dialing)
{
    while (dialing->n_tries && clock_mono_ms() < dialing->end) {
        struct connect_race race = {.tries = dialing->tries,
                                    .count = dialing->n_tries,
                                    .cancel_fd = dialing->dial->cancel_fd,
                                    .deadline = clock_mono_ms() + CLIENT_CONNECT_MS,
                                    .may_begin = may_begin,
                                    .ended = on_ended,
                                    .arg = dialing};
        struct connect_try winner;
        unsigned number;
        int fd, r = connect_first(&race, &fd, &number);

        sort_out(dialing, &winner);
        if (r == -ECANCELED || r == -EBUSY)
            return r;
        if (r == 0) {
            r = greet(dialing, &winner, fd);
            if (r == 0 || r == -ECANCELED)
                return r;
        }
    }
    return -ECONNREFUSED;
}

/* The addresses of the host that are dead (or not, by dialing->probing). */
static int try_host(struct dialing *dialing, const struct dial_host *host)
{
    dialing->host = host;
    dialing->n_tries = 0;
    for (unsigned i = 0; i < host->count && dialing->n_tries < CONNECT_TRIES_MAX; i++) {
        if (host->dead[i] == dialing->probing)
            dialing->tries[dialing->n_tries++] = (struct connect_try){.to = host->addresses[i]};
    }
    return run_race(dialing);
}

/* An idle connection to one of the hosts' addresses. */
static bool take_idle(struct dialing *dialing, const struct dial_host *hosts, unsigned n)
{
    const struct dial *dial = dialing->dial;

    for (unsigned h = 0; dial->idle && h < n; h++) {
        for (unsigned i = 0; i < hosts[h].count; i++) {
            struct idle_wanted wanted = {
                .route = dial->route,
                .unit = dial->unit,
                .address = &hosts[h].addresses[i],
                .security = &hosts[h].security,
                .key = security_key(&hosts[h].security, dialing->outcome->arena)};
            if (!idle_take(dial->idle, &wanted, dialing->client))
                continue;
            dialing->remote = arena_dup(dialing->outcome->arena, dialing->client->name);
            return true;
        }
    }
    return false;
}

/* Hosts of one preference. 0, -ECANCELED, or another failure. */
static int try_group(struct dialing *dialing, const struct dial_host *hosts, unsigned n)
{
    int r = -ECONNREFUSED;

    if (!dialing->probing && take_idle(dialing, hosts, n))
        return 0;
    for (unsigned i = 0; i < n && r < 0 && r != -ECANCELED; i++)
        r = try_host(dialing, &hosts[i]);
    return r;
}

/* What the host must show. False: it cannot be used, its verdict says why. */
static bool secure_host(const struct dialing *dialing, const struct security_question *question,
                        struct dial_host *host)
{
    const struct session_report report = {.tlsrpt = dialing->dial->tlsrpt,
                                          .destination = dialing->dial->destination,
                                          .host = host->host->name};

    if (security_decide(question, dialing->outcome, &host->security, &host->verdict) == SECURITY_GO)
        return true;
    session_report_fault(&report, &host->security.fault);
    if (host->host->sts_forbidden && !host->security.fault.result)
        session_report_forbidden(report.tlsrpt, report.destination->domain,
                                 report.destination->sts_policy, report.host);
    return false;
}

/* Its addresses, and what it must show. */
static void prepare_host(struct dialing *dialing, const struct destination_host *which,
                         struct dial_host *host)
{
    const struct dial *dial = dialing->dial;
    struct security_question question = {.dns = dial->dns,
                                         .route = dial->route,
                                         .destination = dial->destination,
                                         .host = which,
                                         .wish = dial->wish,
                                         .deadline = clock_mono_ms() + DIAL_LOOKUP_MS};

    bool ipv6 = dial->route->ipv6;

    dial_host_resolve(dial->dns, which, ipv6 && !dial->unit->avoid_ipv6, dialing->outcome, host);
    if (!host->count && ipv6 && dial->unit->avoid_ipv6)
        dial_host_resolve(dial->dns, which, true, dialing->outcome, host);
    if (host->count) {
        question.address_secure = host->secure;
        question.canonical = host->canonical;
        if (!secure_host(dialing, &question, host))
            host->count = 0;
    }
    for (unsigned i = 0; i < host->count; i++)
        host->dead[i] = dead_has(dial->dead, &host->addresses[i]);
    if (host->count == 0) {
        keep_verdict(dialing, host->verdict);
        log_host(dialing, which, host->verdict.words);
    }
}

/* Prepares the hosts of one preference, from `from` on; the number behind them. */
static unsigned prepare_group(struct dialing *dialing, const unsigned char *order, unsigned from,
                              struct dial_host *hosts)
{
    const struct destination *destination = dialing->dial->destination;
    uint16_t preference = destination->hosts[order[from]].preference;
    unsigned i = from;

    for (; i < destination->n_hosts && destination->hosts[order[i]].preference == preference; i++)
        prepare_host(dialing, &destination->hosts[order[i]], &hosts[i]);
    return i;
}

/* All hosts, first the living, then the dead. 0, -ECANCELED, or another failure. */
static int try_all(struct dialing *dialing)
{
    const struct destination *destination = dialing->dial->destination;
    unsigned n = destination->n_hosts;
    struct dial_host *hosts = arena_alloc(dialing->outcome->arena, n * sizeof(*hosts));
    unsigned char order[DESTINATION_HOSTS_MAX];
    int r = -ECONNREFUSED;

    dial_host_order(destination, order);
    for (unsigned from = 0, to; from < n && r < 0 && r != -ECANCELED; from = to) {
        to = prepare_group(dialing, order, from, hosts);
        r = try_group(dialing, hosts + from, to - from);
    }
    dialing->probing = true;
    if (r < 0 && r != -ECANCELED)
        r = try_group(dialing, hosts, n);
    return r;
}

/* Nobody was connected to. */
static struct verdict explain(const struct dialing *dialing)
{
    const struct dial *dial = dialing->dial;

    if (dialing->failed && (dialing->begun || !dialing->busy))
        return dialing->verdict;
    if (dialing->busy)
        return verdict_from_text(dialing->outcome, DONE_AGAIN, STATUS(4, 4, 5),
                                 "all connections to %.*s that the route %.*s allows are in use",
                                 SLICE_ARG(dial->destination->site), SLICE_ARG(dial->route->name));
    if (dialing->dead_words[0])
        return verdict_from_text(dialing->outcome, DONE_NETWORK, STATUS(4, 4, 1), "%s",
                                 dialing->dead_words);
    return verdict_from_text(dialing->outcome, DONE_NETWORK, STATUS(4, 4, 4),
                             "route %.*s has no server", SLICE_ARG(dial->route->name));
}

bool dial_destination(const struct dial *dial, const struct outcome *outcome,
                      struct client *ret_client, struct verdict *ret_verdict,
                      struct slice *ret_remote)
{
    struct dialing dialing = {.dial = dial,
                              .outcome = outcome,
                              .end = clock_mono_ms() + DIAL_TOTAL_MS,
                              .client = ret_client};
    int r = try_all(&dialing);

    *ret_remote = dialing.remote;
    if (r < 0)
        *ret_verdict = r == -ECANCELED ? cancelled(outcome) : explain(&dialing);
    return r == 0;
}
