/*
 * See checks.h. The evaluators run on the session's thread; they are pure, and run again whenever
 * answers have come since (struct check). The results of iprev and HELO serve all messages of a
 * session, each message has names and verdicts of its own.
 */
#include "receive/checks_inside.h"

#include "base/clock.h"
#include "trust/ip.h"

#include <errno.h>

/* ---- when one runs -------------------------------------------------------------------------- */

static bool is_due(struct check *check, struct names *names)
{
    unsigned come = names_come(names);

    if (!check->wanted || check->done || (check->tried && check->seen == come))
        return false;
    check->seen = come;
    check->tried = true;
    arena_reset(&check->arena);
    return true;
}

static void want(struct check *check)
{
    arena_done(&check->arena);
    *check = (struct check){.wanted = true};
}

static bool is_over(const struct check *check)
{
    return check->done || !check->wanted;
}

static unsigned bit(enum config_check_kind kind)
{
    return 1u << kind;
}

static bool wants(const struct checks *checks, unsigned kinds)
{
    return checks->wanted & kinds;
}

static bool wants_spf(const struct checks *checks)
{
    return wants(checks, bit(CHECKED_SPF) | bit(CHECKED_SOFTFAIL) | bit(CHECKED_DMARC));
}

static bool wants_text(const struct checks *checks)
{
    return wants(checks, bit(CHECKED_DKIM) | bit(CHECKED_DMARC) | bit(CHECKED_ARC));
}

/* ---- the evaluations ------------------------------------------------------------------------ */

static void run_iprev(struct checks *checks)
{
    struct check *check = &checks->iprev_check;

    if (is_due(check, checks->names))
        check->done =
            iprev_check(&checks->ip, names_of(checks->names), &check->arena, &checks->iprev) == 0;
}

static void run_helo(const struct session *session, struct checks *checks)
{
    struct check *check = &checks->helo_check;

    if (is_due(check, checks->names))
        check->done = helo_check(session->helo, &checks->ip, session->config->hostname,
                                 names_of(checks->names), &check->arena, &checks->helo) == 0;
}

static struct spf_question spf_question(const struct session *session, enum spf_identity identity)
{
    const struct transaction *transaction = session->transaction;

    return (struct spf_question){
        .identity = identity,
        .client = session->checks->ip,
        .helo = session->helo,
        .sender = identity == SPF_MAILFROM ? transaction->envelope.reverse_path : SLICE_NULL,
        .receiver = session->config->hostname,
        .seconds = (int64_t)(clock_wall_ms() / 1000)};
}

static void run_spf_helo(const struct session *session, struct checks *checks)
{
    struct check *check = &checks->spf_check;

    if (is_due(check, checks->names)) {
        const struct spf_question question = spf_question(session, SPF_HELO);
        check->done =
            spf_check(&question, names_of(checks->names), &check->arena, &checks->spf) == 0;
    }
}

static void run_client(const struct session *session)
{
    struct checks *checks = session->checks;

    run_iprev(checks);
    run_helo(session, checks);
    run_spf_helo(session, checks);
}

static void run_spf(const struct session *session, struct checks_message *message)
{
    struct check *check = &message->spf_check;

    if (is_due(check, message->names)) {
        const struct spf_question question = spf_question(session, SPF_MAILFROM);
        check->done =
            spf_check(&question, names_of(message->names), &check->arena, &message->spf) == 0;
    }
}

static void run_dkim(struct checks_message *message)
{
    const struct trust_names *names = names_of(message->names);
    struct check *dkim = &message->dkim_check, *arc = &message->arc_check;

    if (is_due(dkim, message->names))
        dkim->done = dkim_verifier_judge(message->verifier, names, message->seconds, &dkim->arena,
                                         &message->dkim) == 0;
    if (is_due(arc, message->names))
        arc->done = dkim_verifier_judge_arc(message->verifier, names, message->seconds, &arc->arena,
                                            &message->arc) == 0;
}

/* Behind those that it builds on. */
static void run_dmarc(struct checks_message *message)
{
    struct check *check = &message->dmarc_check;
    const struct dmarc_question question = {.authors = message->authors.list,
                                            .n_authors = message->authors.count,
                                            .spf = message->spf_check.done ? &message->spf : NULL,
                                            .dkim = &message->dkim};

    if (is_over(&message->spf_check) && message->dkim_check.done && is_due(check, message->names))
        check->done =
            dmarc_check(&question, names_of(message->names), &check->arena, &message->dmarc) == 0;
}

bool checks_are_done(struct session *session, bool patience)
{
    struct checks *checks = session->checks;
    struct checks_message *message = session->transaction->checks;
    unsigned client_seen = names_come(checks->names), seen = names_come(message->names);

    if (!patience) {
        names_give_up(checks->names);
        names_give_up(message->names);
    }
    run_client(session);
    run_spf(session, message);
    run_dkim(message);
    run_dmarc(message);
    if (is_over(&checks->iprev_check) && is_over(&checks->helo_check) &&
        is_over(&checks->spf_check) && is_over(&message->spf_check) &&
        is_over(&message->dkim_check) && is_over(&message->arc_check) &&
        is_over(&message->dmarc_check))
        return true;
    names_await(checks->names, client_seen);
    names_await(message->names, seen);
    return !patience;
}

/* ---- the client ----------------------------------------------------------------------------- */

static void wake(void *arg)
{
    struct session *session = arg;

    session->server->wake(session->task);
}

static struct names *make_names(struct session *session)
{
    const struct names_options options = {
        .dns = session->server->dns, .wake = wake, .arg = session};

    return names_new(&options);
}

static bool is_stranger(const struct session *session)
{
    return session->server->dns && session->client.family != SMTP_FAMILY_NONE &&
           session->login.account.len == 0 && !session_sender(session).may_relay &&
           !session_is_among(session, &session->config->unchecked);
}

/* The configuration in force says what is looked at. */
static void learn_wishes(const struct session *session, struct checks *checks)
{
    if (checks->config != session->config)
        checks->wanted = authentication_wanted(session->config, session->listener->settings);
    checks->config = session->config;
}

void checks_end(struct session *session)
{
    struct checks *checks = session->checks;

    if (!checks)
        return;
    names_end(checks->names);
    arena_done(&checks->iprev_check.arena);
    arena_done(&checks->helo_check.arena);
    arena_done(&checks->spf_check.arena);
    free(checks);
    session->checks = NULL;
}

void checks_meet_client(struct session *session)
{
    struct checks *checks;

    checks_end(session);
    if (!is_stranger(session))
        return;
    checks = xcalloc(1, sizeof(*checks));
    learn_wishes(session, checks);
    checks->names = make_names(session);
    checks->ip =
        trust_ip_from_bytes(session->client.address, session->client.family == SMTP_FAMILY_IPV6);
    checks->iprev_check.wanted = wants(checks, bit(CHECKED_IPREV));
    session->checks = checks;
    run_iprev(checks);
}

void checks_hear_hello(struct session *session)
{
    struct checks *checks = session->checks;

    if (!checks)
        return;
    if (wants(checks, bit(CHECKED_HELO)))
        want(&checks->helo_check);
    if (wants_spf(checks) || wants(checks, bit(CHECKED_HELO)))
        want(&checks->spf_check);
    run_client(session);
}

/* ---- the message ---------------------------------------------------------------------------- */

void checks_begin(struct session *session)
{
    struct checks *checks = session->checks;
    struct checks_message *message;

    if (!checks || !is_stranger(session))
        return;
    learn_wishes(session, checks);
    if (!checks->wanted && !session_is_mx(session))
        return;
    message = xcalloc(1, sizeof(*message));
    message->names = make_names(session);
    message->seconds = (int64_t)(clock_wall_ms() / 1000);
    message->spf_check.wanted = wants_spf(checks);
    message->dkim_check.wanted = wants_text(checks);
    message->arc_check.wanted = wants(checks, bit(CHECKED_ARC));
    message->dmarc_check.wanted = wants(checks, bit(CHECKED_DMARC));
    session->transaction->checks = message;
    run_client(session);
    run_spf(session, message);
}

/* What will be needed at the end, asked for while the body comes. */
static void prefetch(struct checks_message *message)
{
    const struct trust_names *names = names_of(message->names);

    unsigned n;

    message->prefetched = true;
    trust_authors_read(dkim_verifier_header(message->verifier), &message->arena, &message->authors);
    n = message->dmarc_check.wanted && message->authors.count <= DMARC_AUTHORS_MAX
            ? message->authors.count
            : 0;
    dkim_verifier_prefetch(message->verifier, names);
    for (unsigned i = 0; i < n; i++) {
        const struct trust_answer *answer;
        struct slice name =
            arena_printf(&message->arena, "_dmarc.%.*s", SLICE_ARG(message->authors.list[i]));
        (void)trust_ask(names, name, TRUST_TXT, &answer);
    }
}

static void take_text(void *arg, struct slice piece)
{
    struct session *session = arg;
    struct checks_message *message = session->transaction->checks;

    dkim_verifier_feed(message->verifier, piece);
    if (!message->prefetched && dkim_verifier_has_header(message->verifier)) {
        prefetch(message);
        run_client(session);
        run_spf(session, message);
    }
}

static void note_forged(void *arg, struct slice value)
{
    checks_log_forged(arg, value);
}

/* Only what our own relays and users have sent may bear our word. */
static bool believes_results(const struct session *session)
{
    return session_sender(session).may_relay ||
           session_is_among(session, &session->config->unchecked) ||
           (session_is_lmtp(session) && !session->transaction->checks);
}

void checks_begin_text(struct session *session, struct intake_options *options)
{
    struct checks_message *message = session->transaction->checks;

    if (session->login.account.len || !believes_results(session)) {
        options->forged = note_forged;
        options->forged_arg = session;
    }
    if (!message)
        return;
    options->room = CHECKS_ROOM;
    if (!message->dkim_check.wanted)
        return;
    message->verifier = dkim_verifier_new();
    options->watch = take_text;
    options->watch_arg = session;
}

void checks_end_text(struct session *session)
{
    struct checks_message *message = session->transaction->checks;

    if (!message->verifier)
        return;
    dkim_verifier_end(message->verifier);
    if (!message->prefetched)
        prefetch(message);
}

void checks_end_message(struct checks_message *message)
{
    if (!message)
        return;
    names_end(message->names);
    dkim_verifier_free(message->verifier);
    arena_done(&message->arena);
    arena_done(&message->spf_check.arena);
    arena_done(&message->dkim_check.arena);
    arena_done(&message->arc_check.arena);
    arena_done(&message->dmarc_check.arena);
    free(message);
}

struct trust_verdicts checks_verdicts(const struct session *session)
{
    const struct checks *checks = session->checks;
    const struct checks_message *message = session->transaction->checks;

    return (struct trust_verdicts){.client = slice_from_cstr(session->client_text),
                                   .helo = session->helo,
                                   .reverse_path = session->transaction->envelope.reverse_path,
                                   .iprev = checks->iprev_check.done ? &checks->iprev : NULL,
                                   .helo_check = checks->helo_check.done ? &checks->helo : NULL,
                                   .spf_helo = checks->spf_check.done ? &checks->spf : NULL,
                                   .spf_mailfrom = message->spf_check.done ? &message->spf : NULL,
                                   .dkim = message->dkim_check.done ? &message->dkim : NULL,
                                   .arc = message->arc_check.done ? &message->arc : NULL,
                                   .dmarc = message->dmarc_check.done ? &message->dmarc : NULL};
}
