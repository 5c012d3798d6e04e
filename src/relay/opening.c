/*
 * The steps of opening a session. See opening.h. What is told of TLS that failed outlives the
 * second connection, so that it gets into the log and into reports.
 */
#include "relay/opening.h"

#include "base/log.h"

#include <string.h>

#define NO_STARTTLS "starttls-not-supported"

/* A demand that cannot be judged is not met. */
static int have_no_tls(struct client *client)
{
    client->tls = (struct tls_verdict){.result = "validation-failure",
                                       .why = "there is no TLS to be had here"};
    return CLIENT_BAD_TLS;
}

/* Banner and EHLO; TLS before or behind. As client_start_tls(). */
static int open_once(struct client *client, const struct opening *opening, const char **ret_stage)
{
    const struct security *security = opening->security;
    int r;

    *ret_stage = "TLS handshake";
    if (!opening->tls && (opening->implicit || security->tls_needed))
        return have_no_tls(client);
    if (opening->implicit) {
        r = client_begin_with_tls(client, opening->tls, &security->demand);
        return r ? r : client_greet(client, opening->helo, ret_stage);
    }
    r = client_greet(client, opening->helo, ret_stage);
    if (r != CLIENT_GREETED || security->rule == SECURITY_NONE || !opening->tls)
        return r;
    *ret_stage = "TLS handshake";
    return client_start_tls(client, opening->helo, opening->tls, &security->demand);
}

/* The same server once more, in the clear. */
static int open_plain(struct client *client, const struct opening *opening, const char **ret_stage)
{
    struct tls_verdict failed = client->tls;
    int r = client_reconnect(client, &opening->to, &opening->source, opening->cancel_fd);

    *ret_stage = "second connection";
    if (r < 0)
        return r;
    r = client_greet(client, opening->helo, ret_stage);
    client->tls = failed;
    return r;
}

/* The facts of the connection, once for each. */
static void log_facts(const struct client *client, const struct opening *opening)
{
    const struct tls_verdict *tls = &client->tls;
    struct message_id_text id = message_id_format(opening->message_id);

    if (tls->version)
        log_info(NULL, "tls", LOG_STR("message", id.text), LOG_SLICE("remote", client->name),
                 LOG_STR("version", tls->version), LOG_STR("cipher", tls->cipher),
                 LOG_STR("rule", security_rule_name(opening->security->rule)),
                 LOG_STR("certificate", tls->verified ? "good"
                                        : tls->result ? tls->why
                                                      : "unknown"),
                 LOG_INT("resumed", tls->resumed));
    else if (tls->result)
        log_info(NULL, "no-tls", LOG_STR("message", id.text), LOG_SLICE("remote", client->name),
                 LOG_STR("rule", security_rule_name(opening->security->rule)),
                 LOG_STR("result", tls->result), LOG_STR("why", tls->why));
}

/* Once for each session that has come so far that TLS was a question. */
static void count(const struct client *client, const struct opening *opening, int r, bool needed)
{
    bool met = client->tls.version && r != CLIENT_BAD_TLS;

    if (r < 0 || r == CLIENT_REFUSED)
        return;
    counts_tls(opening->counts, opening->security->rule,
               met      ? COUNTED_TLS_OK
               : needed ? COUNTED_TLS_FAILED
                        : COUNTED_TLS_CLEAR);
}

int opening_run(struct client *client, const struct opening *opening, const char **ret_stage)
{
    const struct security *security = opening->security;
    bool needed = security->tls_needed || opening->implicit;
    int r = open_once(client, opening, ret_stage);

    if (r == CLIENT_BAD_TLS && !needed)
        r = open_plain(client, opening, ret_stage);
    if (client->tls.version) {
        client->grade = security_grade(security->rule);
        client->may_requiretls =
            client->offer.requiretls && client->tls.verified && security->vouched;
    }
    log_facts(client, opening);
    count(client, opening, r, needed);
    if (opening->report && (client->tls.version || client->tls.result))
        session_report_tell(opening->report, security, &client->tls, &opening->to,
                            &opening->source);
    if (r == CLIENT_NO_TLS || r == CLIENT_BAD_TLS)
        return needed ? OPENING_INSECURE : OPENING_READY;
    if (r == CLIENT_REFUSED)
        return OPENING_REFUSED;
    if (r == CLIENT_GREETED && security->requiretls && !client->offer.requiretls)
        return OPENING_NO_REQUIRETLS;
    return r;
}

struct verdict opening_verdict(const struct client *client, const struct opening *opening,
                               int result, const struct outcome *outcome)
{
    bool absent = strcmp(client->tls.result ? client->tls.result : "", NO_STARTTLS) == 0;

    if (result == OPENING_NO_REQUIRETLS)
        return verdict_from_text(outcome, DONE_NEVER, STATUS(5, 7, 30),
                                 "%.*s does not offer REQUIRETLS, which the sender asked for",
                                 SLICE_ARG(client->name));
    if (opening->security->requiretls)
        return verdict_from_text(outcome, DONE_NEVER, STATUS(5, 7, 10), "REQUIRETLS: %.*s: %s",
                                 SLICE_ARG(client->name), client->tls.why);
    return verdict_from_text(outcome, DONE_NETWORK, absent ? STATUS(4, 7, 10) : STATUS(4, 7, 5),
                             "%.*s: no delivery without TLS (%s): %s", SLICE_ARG(client->name),
                             security_rule_name(opening->security->rule), client->tls.why);
}

struct slice opening_facts(const struct client *client, struct arena *arena)
{
    if (!client->tls.version)
        return SLICE_NULL;
    return arena_printf(arena, "%s %s %s", client->tls.version, client->tls.cipher, client->grade);
}
