/*
 * The events of the checks: what each found, with the record that decided, and what follows. Their
 * words for people are control/why_words.c's.
 *
 * An event a check and message, but only where it has something to say: no DKIM event for a message
 * that is not signed, none of iprev and HELO that pass.
 */
#include "receive/checks_inside.h"

enum { SIGNATURES_LOGGED = 10, RECORD_MAX = 500, FORGED_MAX = 300, KEY_SHOWN = 60 };

static struct slice cut(struct slice text)
{
    return slice_sub(text, 0, RECORD_MAX);
}

static void log_spf(const struct log_context *log, const struct spf_verdict *spf,
                    const struct trust_verdicts *verdicts)
{
    if (!spf)
        return;
    log_info(log, "spf", LOG_STR("identity", spf->identity == SPF_HELO ? "helo" : "mailfrom"),
             LOG_SLICE("domain", spf->domain), LOG_STR("result", spf_result_name(spf->result)),
             LOG_SLICE("client", verdicts->client), LOG_SLICE("term", spf->term),
             LOG_SLICE("record", cut(spf->record)), LOG_SLICE("problem", cut(spf->problem)));
}

/* Of a key that does its work the beginning is enough, and much less to keep for each message. */
static struct slice shown_key(const struct dkim_signature *signature)
{
    if (signature->result == DKIM_PASS)
        return slice_sub(signature->key_record, 0, KEY_SHOWN);
    return cut(signature->key_record);
}

static void log_dkim(const struct log_context *log, const struct dkim_verdict *dkim)
{
    for (unsigned i = 0; dkim && i < dkim->count && i < SIGNATURES_LOGGED; i++) {
        const struct dkim_signature *signature = &dkim->list[i];
        log_info(log, "dkim", LOG_SLICE("domain", signature->domain),
                 LOG_SLICE("selector", signature->selector),
                 LOG_STR("result", dkim_result_name(signature->result)),
                 LOG_SLICE("algorithm", signature->algorithm),
                 LOG_STR("testing", signature->testing ? "yes" : ""),
                 LOG_SLICE("record", shown_key(signature)),
                 LOG_SLICE("problem", cut(signature->problem)));
    }
}

static void log_arc(const struct log_context *log, const struct trust_verdicts *verdicts)
{
    const struct arc_verdict *arc = verdicts->arc;

    if (!arc || arc->result == ARC_NONE)
        return;
    log_info(log, "arc", LOG_STR("result", arc_result_name(arc->result)),
             LOG_INT("sets", arc->count),
             LOG_SLICE("sealer", arc->count ? arc->list[arc->count - 1].sealer : SLICE_NULL),
             LOG_SLICE("saved_by", verdicts->saved_by ? verdicts->saved_by->sealer : SLICE_NULL),
             LOG_SLICE("problem", cut(arc->problem)));
}

static void log_dmarc(const struct log_context *log, const struct dmarc_verdict *dmarc)
{
    if (!dmarc)
        return;
    log_info(log, "dmarc", LOG_SLICE("author", dmarc->author),
             LOG_STR("result", dmarc_result_name(dmarc->result)),
             LOG_STR("asked", dmarc->record.len ? dmarc_policy_name(dmarc->asked) : ""),
             LOG_SLICE("at", dmarc->policy_domain), LOG_SLICE("record", cut(dmarc->record)),
             LOG_STR("spf", dmarc->spf_aligned ? "aligned" : ""),
             LOG_SLICE("dkim", dmarc->dkim ? dmarc->dkim->domain : SLICE_NULL),
             LOG_SLICE("problem", cut(dmarc->problem)));
}

static void log_client(const struct log_context *log, const struct trust_verdicts *verdicts)
{
    const struct iprev_verdict *iprev = verdicts->iprev;
    const struct helo_verdict *helo = verdicts->helo_check;

    if (iprev && iprev->result != IPREV_PASS)
        log_info(log, "iprev", LOG_STR("result", iprev_result_name(iprev->result)),
                 LOG_SLICE("client", verdicts->client), LOG_SLICE("name", iprev->claimed),
                 LOG_SLICE("problem", cut(iprev->problem)));
    if (helo && helo->result != HELO_PASS)
        log_info(log, "helo", LOG_STR("result", helo_result_name(helo->result)),
                 LOG_SLICE("client", verdicts->client), LOG_SLICE("name", verdicts->helo),
                 LOG_SLICE("problem", cut(helo->problem)));
}

static struct slice rule_text(const struct config_source *rule, struct arena *scratch)
{
    return rule->file.len ? arena_printf(scratch, "%.*s:%u", SLICE_ARG(rule->file), rule->line)
                          : SLICE_NULL;
}

static void log_decision(const struct log_context *log, const struct authentication *decision)
{
    struct slice text = decision->text;
    struct arena scratch;

    if (decision->action == AUTHENTICATION_ACCEPT && !decision->saved &&
        !decision->gave_up_deferral)
        return;
    arena_init(&scratch);
    log_info(log, "decision", LOG_STR("action", authentication_action_name(decision->action)),
             LOG_STR("check", decision->action == AUTHENTICATION_ACCEPT
                                  ? ""
                                  : authentication_check_name(decision->check)),
             LOG_STR("saved", decision->saved ? "yes" : ""),
             LOG_STR("waited", decision->gave_up_deferral ? "yes" : ""),
             LOG_SLICE("text", text.ptr ? slice_cut(&text, '\n') : text),
             LOG_SLICE("rule", rule_text(&decision->rule, &scratch)));
    arena_done(&scratch);
}

void checks_log(const struct session *session, const struct trust_verdicts *verdicts,
                const struct authentication *decision)
{
    const struct message_id_text id = message_id_format(session->transaction->envelope.id);
    struct log_context log = {.parent = &session->log};

    /* One that is refused becomes no message; it is a matter of the session. */
    if (!decision->code)
        log.field = LOG_STR("message", id.text);

    log_client(&log, verdicts);
    log_spf(&log,
            verdicts->spf_helo && verdicts->spf_helo->result != SPF_NONE ? verdicts->spf_helo
                                                                         : NULL,
            verdicts);
    log_spf(&log, verdicts->spf_mailfrom, verdicts);
    log_dkim(&log, verdicts->dkim);
    log_arc(&log, verdicts);
    log_dmarc(&log, verdicts->dmarc);
    log_decision(&log, decision);
}

void checks_log_forged(const struct session *session, struct slice value)
{
    const struct message_id_text id = message_id_format(session->transaction->envelope.id);
    const struct log_context log = {.parent = &session->log, .field = LOG_STR("message", id.text)};

    log_info(&log, "forged-results", LOG_STR("client", session->client_text),
             LOG_SLICE("value", slice_sub(value, 0, FORGED_MAX)));
}
