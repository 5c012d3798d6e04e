/*
 * The attempt: take an open connection or dial, plan for what the server offers, run as many
 * transactions as the server's limits and the recipients' Delivered-To fields ask for, leave the
 * connection for the next unit.
 *
 * - A connection that was open before may have been closed in the meantime: once, the attempt
 *   starts over on a fresh one (TRANSACTION_STALE).
 * - Recipients that the server wants in another transaction ("452 too many recipients") follow at
 *   once, as long as each transaction gets rid of some.
 * - The whole has a bound, ATTEMPT_MAX_MS, whatever the server dribbles.
 */
#include "relay/attempt.h"

#include "base/clock.h"
#include "relay/command.h"
#include "relay/dial.h"
#include "relay/outcome.h"
#include "relay/plan.h"
#include "relay/signed_fields.h"
#include "relay/site_check.h"
#include "relay/text.h"
#include "relay/tls_required.h"
#include "relay/transaction.h"

#include <unistd.h>

enum {
    ATTEMPT_MAX_MS = 2 * 60 * 60 * 1000,
    OUT_MAX = 4 * 1024 * 1024,
    OUT_KEPT = 256 * 1024,
};

struct course {
    const struct attempt *attempt;
    const struct config_route *route;
    struct destination *destination; /* of all recipients that are not decided */
    struct outcome outcome;
    struct text text;
    struct signed_fields signed_fields;
    struct client client; /* when `connected` */
    bool connected;
    struct plan plan;
    uint64_t end;
    struct slice remote;
    struct slice source;
    struct slice tls;
    bool tls_optional; /* the message says so */
    bool no_chunking;  /* a server that offers it has shown that it does not know it */
    uint32_t reused;
    uint32_t recipients_limit;
    uint32_t *picked;
    uint32_t n_picked;
};

void attempt_scratch_init(struct attempt_scratch *scratch)
{
    scratch->chunk = xmalloc(TEXT_CHUNK);
    buf_init(&scratch->out, OUT_MAX);
}

void attempt_scratch_done(struct attempt_scratch *scratch)
{
    free(scratch->chunk);
    buf_done(&scratch->out);
}

static bool can_carry_more(const struct course *course)
{
    const struct client *client = &course->client;

    return !client->broken && client->carried < course->route->messages &&
           (client->offer.mail_max == 0 || client->carried < client->offer.mail_max);
}

static struct security_wish wish_of(const struct course *course)
{
    const struct msg_unit *unit = course->attempt->unit;

    /* A bounce goes on without it rather than not at all (RFC 8689 section 5). */
    return (struct security_wish){.requiretls = unit->requiretls && unit->reverse_path.len > 0,
                                  .tls_optional = course->tls_optional};
}

/* Its connections are not as secure as those of the site's other mail, or more so. */
static bool has_wish(const struct course *course)
{
    struct security_wish wish = wish_of(course);

    return wish.requiretls || wish.tls_optional;
}

static void disconnect(struct course *course)
{
    if (!course->connected)
        return;
    course->connected = false;
    if (can_carry_more(course) && course->route->idle_ms > 0)
        idle_give(&course->attempt->shared->idle, course->route,
                  has_wish(course) ? SLICE_NULL : course->destination->site, &course->client);
    else
        client_quit(&course->client);
}

/* One that was opened for this site: without a look at DNS. REQUIRETLS asks for more than those
 * had to show. */
static bool take_idle(struct course *course)
{
    struct idle_wanted wanted = {
        .route = course->route, .unit = course->attempt->unit, .site = course->destination->site};

    if (wish_of(course).requiretls ||
        !idle_take(&course->attempt->shared->idle, &wanted, &course->client))
        return false;
    course->remote = arena_dup(course->outcome.arena, course->client.name);
    return true;
}

/* A reference to the TLS client with the CAs of the route. False with the verdict: a route whose
 * CAs cannot be had does not trust others instead. */
static bool find_tls(const struct course *course, struct tls_client **ret_tls,
                     struct verdict *ret_verdict)
{
    const struct attempt_shared *shared = course->attempt->shared;
    bool judged = course->route->tls != TLS_POLICY_NONE;
    struct slice path = judged ? course->route->tls_ca : SLICE_NULL;
    char why[TLS_CLIENTS_WHY_MAX];

    *ret_tls = NULL;
    if (!shared->tls_clients)
        return true;
    *ret_tls = tls_clients_get(shared->tls_clients, path, why);
    if (!*ret_tls)
        *ret_verdict =
            verdict_from_text(&course->outcome, DONE_NETWORK, STATUS(4, 7, 5), "tls_ca: %s", why);
    return *ret_tls;
}

static bool dial_course(struct course *course, bool fresh, struct verdict *ret_verdict)
{
    struct attempt_shared *shared = course->attempt->shared;
    const struct config *config = course->attempt->config;
    struct dial to = {.route = course->route,
                      .destination = course->destination,
                      .unit = course->attempt->unit,
                      .helo = course->route->helo.len ? course->route->helo : config->hostname,
                      .dns = shared->dns,
                      .logins = shared->logins,
                      .tlsrpt = shared->tlsrpt,
                      .wish = wish_of(course),
                      .counts = &shared->counts,
                      .dead = &shared->dead,
                      .slots = &shared->slots,
                      .idle = fresh ? NULL : &shared->idle,
                      .cancel_fd = shared->cancel_fd};
    bool connected;

    if (!find_tls(course, &to.tls, ret_verdict))
        return false;
    connected =
        dial_destination(&to, &course->outcome, &course->client, ret_verdict, &course->remote);
    tls_client_unref(to.tls);
    return connected;
}

static struct slice source_of(const struct course *course)
{
    struct buf text;
    struct slice copy;

    buf_init(&text, sizeof(struct sockaddr_un));
    socket_address_add_text(&text, &course->client.source);
    copy = arena_dup(course->outcome.arena, buf_slice(&text));
    buf_done(&text);
    return copy;
}

static struct slice tls_of(const struct course *course)
{
    const struct client *client = &course->client;

    if (!client->tls.version)
        return SLICE_NULL;
    return arena_printf(course->outcome.arena, "%s %s %s", client->tls.version, client->tls.cipher,
                        client->grade);
}

/* A connection into course->client. False: every recipient has its verdict. */
static bool connect_course(struct course *course, bool fresh)
{
    const struct config *config = course->attempt->config;
    struct verdict verdict;

    if ((fresh || !take_idle(course)) && !dial_course(course, fresh, &verdict)) {
        outcome_settle(&course->outcome);
        outcome_decide_all(&course->outcome, &verdict);
        return false;
    }
    course->connected = true;
    course->source = source_of(course);
    course->tls = tls_of(course);
    course->reused = course->client.carried;
    course->client.end = course->end;
    course->plan =
        plan_make(&course->client.offer, course->client.name,
                  (size_t)config->limits.message_size * 2, &course->text, &course->outcome);
    return true;
}

static struct slice domain_of(struct slice address)
{
    return slice_skip(address, (size_t)(slice_find_last(address, '@') + 1));
}

/* Can b go in one transaction with a? One text for both, and the server's limit of domains. */
static bool go_together(const struct course *course, const struct unit_recipient *a,
                        const struct unit_recipient *b)
{
    if (!slice_eq(a->via, b->via))
        return false;
    return course->client.offer.rcpt_domain_max == 0 ||
           slice_eq_nocase(domain_of(a->address), domain_of(b->address));
}

/* The recipients of the next transaction; none: all that is left is decided. */
static void pick_recipients(struct course *course)
{
    const struct unit_recipient *all = course->attempt->unit->recipients;
    uint32_t max = course->route->recipients, offered = course->client.offer.rcpt_max;

    if (offered && offered < max)
        max = offered;
    course->n_picked = 0;
    for (uint32_t i = 0; i < course->attempt->unit->n_recipients; i++) {
        if (course->outcome.states[i] == OUTCOME_DECIDED || course->n_picked == max)
            continue;
        if (course->n_picked && !go_together(course, &all[course->picked[0]], &all[i]))
            continue;
        course->outcome.states[i] = OUTCOME_OPEN;
        course->picked[course->n_picked++] = i;
    }
}

/* What stands in front of the text. Delivered-To marks the way of forwarded mail, so that it cannot
 * go in a circle; it is newer than the message's own header, which the signature belongs to. */
static struct slice prefix_of(const struct course *course, struct slice signature)
{
    struct slice via = course->attempt->unit->recipients[course->picked[0]].via;

    if (via.len == 0)
        return signature;
    return arena_printf(course->outcome.arena, "Delivered-To: %.*s\r\n%.*s", SLICE_ARG(via),
                        SLICE_ARG(signature));
}

/* True when it got rid of recipients and left a connection for the others, if there are any, or
 * when another one may do without what this one did not know. */
static bool run_transaction(struct course *course, bool *ret_stale)
{
    const struct attempt *attempt = course->attempt;
    const struct ehlo_offer *offer = &course->client.offer;
    struct transaction t = {.client = &course->client,
                            .outcome = &course->outcome,
                            .text = &course->text,
                            .recipients = course->picked,
                            .n_recipients = course->n_picked,
                            .body_8bitmime = course->plan.body_8bitmime,
                            .smtputf8 = course->plan.smtputf8,
                            .chunking = offer->chunking && !course->no_chunking,
                            .pipelining = offer->pipelining,
                            .out = &attempt->scratch->out,
                            .still_wanted = attempt->still_wanted,
                            .arg = attempt->arg};
    uint32_t before = course->outcome.n_undecided;
    struct slice signature;

    *ret_stale = false;
    if (!signed_fields_get(&course->signed_fields, course->plan.reencoded, &course->outcome,
                           &signature))
        return false;
    text_rewind(&course->text, prefix_of(course, signature), course->plan.reencoded);
    *ret_stale = transaction_run(&t) == TRANSACTION_STALE;
    if (t.n_too_many)
        course->recipients_limit = t.n_accepted;
    if (t.bdat_unknown) {
        course->no_chunking = true;
        return true;
    }
    return course->outcome.n_undecided < before && (t.completed || !course->client.broken);
}

/* Transactions until every recipient is decided. */
static void run_course(struct course *course)
{
    bool may_retry = true, fresh = false, stale = false;

    while (course->outcome.n_undecided) {
        if (course->connected && !can_carry_more(course))
            disconnect(course);
        if (!course->connected && !connect_course(course, fresh))
            return;
        pick_recipients(course);
        if (course->n_picked == 0)
            return;
        if (run_transaction(course, &stale) || (stale && may_retry)) {
            may_retry = may_retry && !stale;
            fresh = stale;
            continue;
        }
        /* No headway: what was put off stays so, what was not reached is tried later. */
        break;
    }
    outcome_settle(&course->outcome);
}

static bool is_safe(const struct msg_unit *unit)
{
    bool safe = command_is_safe(unit->reverse_path) && command_is_safe(unit->envid);

    for (uint32_t i = 0; i < unit->n_recipients; i++)
        safe = safe && command_is_safe(unit->recipients[i].address) &&
               command_is_safe(unit->recipients[i].orcpt) &&
               command_is_safe(unit->recipients[i].via);
    return safe;
}

/* What needs no server to be known. */
static void decide_at_home(struct course *course)
{
    const struct attempt *attempt = course->attempt;
    struct outcome *outcome = &course->outcome;
    struct verdict verdict;

    if (!is_safe(attempt->unit))
        verdict = verdict_from_text(outcome, DONE_NEVER, STATUS(5, 1, 3),
                                    "control characters in an address or parameter");
    else if (!course->route)
        verdict = verdict_from_text(outcome, DONE_LATER, STATUS(4, 3, 5),
                                    "the configuration has no route \"%.*s\" any more",
                                    SLICE_ARG(attempt->unit->name));
    else
        return;
    outcome_decide_all(outcome, &verdict);
}

static void fill_done(const struct course *course, uint64_t started, struct msg_done *done)
{
    const struct outcome *outcome = &course->outcome;

    *done =
        (struct msg_done){.unit = outcome->unit->unit,
                          .remote = course->remote,
                          .source = course->source,
                          .tls = course->tls,
                          .remote_lmtp = course->route && course->route->protocol == PROTOCOL_LMTP,
                          .reused = course->reused,
                          .duration_ms = (uint32_t)(clock_mono_ms() - started),
                          .recipients_limit = course->recipients_limit,
                          .signature = signed_fields_to_keep(&course->signed_fields, outcome),
                          .recipients = outcome->recipients,
                          .n_recipients = outcome->unit->n_recipients};
}

/* Of the header, only its beginning counts: fields like that one are not hidden behind 64 KiB. */
static bool has_tls_optional(const struct attempt *attempt)
{
    const struct msg_unit *unit = attempt->unit;
    size_t size = unit->text_length < TEXT_CHUNK ? (size_t)unit->text_length : TEXT_CHUNK;
    ssize_t n = pread(attempt->fd, attempt->scratch->chunk, size, (off_t)unit->text_offset);

    return n > 0 && tls_required_is_no(slice_from(attempt->scratch->chunk, (size_t)n));
}

void attempt_run(const struct attempt *attempt, struct msg_done *ret_done)
{
    const struct msg_unit *unit = attempt->unit;
    uint64_t started = clock_mono_ms();
    struct course course = {.attempt = attempt,
                            .route = config_find_route(attempt->config, unit->name),
                            .end = started + ATTEMPT_MAX_MS};
    struct verdict unreached;

    outcome_init(&course.outcome, attempt->arena, unit);
    text_init(&course.text, attempt->fd, unit->text_offset, unit->text_length,
              attempt->scratch->chunk);
    course.signed_fields = (struct signed_fields){.sign = attempt->shared->sign,
                                                  .config = attempt->config,
                                                  .text = &course.text,
                                                  .scratch = &attempt->scratch->out};
    course.picked = arena_alloc(attempt->arena, unit->n_recipients * sizeof(*course.picked));
    course.tls_optional = !unit->requiretls && has_tls_optional(attempt);
    decide_at_home(&course);
    if (course.outcome.n_undecided)
        course.destination =
            site_check(attempt->shared->finder, attempt->config, course.route, &course.outcome);
    run_course(&course);
    if (course.outcome.n_undecided) {
        unreached = verdict_from_text(&course.outcome, DONE_LATER, STATUS(4, 4, 2),
                                      "connection to %.*s lost", SLICE_ARG(course.remote));
        outcome_decide_all(&course.outcome, &unreached);
    }
    if (course.connected && course.client.offer.rcpt_max && !course.recipients_limit)
        course.recipients_limit = course.client.offer.rcpt_max;
    disconnect(&course);
    destination_unref(course.destination);
    text_done(&course.text);
    if (attempt->scratch->out.size > OUT_KEPT)
        buf_done(&attempt->scratch->out);
    fill_done(&course, started, ret_done);
}

void attempt_refuse(struct arena *arena, const struct msg_unit *unit, const char *why,
                    struct msg_done *ret_done)
{
    struct outcome outcome;
    struct verdict verdict;

    outcome_init(&outcome, arena, unit);
    verdict = verdict_from_text(&outcome, DONE_LATER, STATUS(4, 3, 2), "%s", why);
    outcome_decide_all(&outcome, &verdict);
    *ret_done = (struct msg_done){
        .unit = unit->unit, .recipients = outcome.recipients, .n_recipients = unit->n_recipients};
}
