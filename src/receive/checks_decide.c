/*
 * From verdicts to what happens: policy/authentication.h is asked, patience is measured
 * (deferrals.h), recipients are marked, and what was found out goes in front of the text:
 *
 *   Authentication-Results: ...      always; "none" where nothing is looked at
 *   X-Spam-Flag: YES                 when it is junk for anybody, so that filters behind us know
 *   X-Spam-Reason: ...               (the text is one for all recipients)
 */
#include "receive/checks_inside.h"

#include "base/clock.h"
#include "mail/address.h"
#include "mail/headerwrite.h"
#include "receive/deferrals.h"
#include "trust/authres.h"

/* ---- the decision --------------------------------------------------------------------------- */

static struct authentication_recipient describe(const struct session *session,
                                                const struct recipient *recipient)
{
    const struct policy_sender stranger = {.may_relay = false};
    ptrdiff_t at = slice_find_last(recipient->address, '@');
    struct slice local =
        slice_sub(recipient->address, 0, at < 0 ? recipient->address.len : (size_t)at);
    struct slice domain = at < 0 ? SLICE_NULL : slice_skip(recipient->address, (size_t)at + 1);

    return (struct authentication_recipient){
        .domain = policy_relay(session->config, &stranger, domain).domain,
        .is_postmaster = slice_eq_nocase(local, SLICE("postmaster"))};
}

/* Who tries to send what to whom: the client's network, since servers in a pool take turns. */
static uint64_t attempt_key(const struct session *session, struct arena *scratch)
{
    const struct transaction *transaction = session->transaction;
    bool v6 = session->client.family == SMTP_FAMILY_IPV6;
    const uint8_t *a = session->client.address;
    struct slice key =
        arena_printf(scratch, "%02x%02x%02x%02x%02x%02x%02x%02x <%.*s> <%.*s>", a[0], a[1], a[2],
                     v6 ? a[3] : 0, v6 ? a[4] : 0, v6 ? a[5] : 0, v6 ? a[6] : 0, v6 ? a[7] : 0,
                     SLICE_ARG(transaction->envelope.reverse_path),
                     SLICE_ARG(transaction->recipients.list[0].address));

    return slice_hash(key);
}

static void judge(struct session *session, struct authentication_question *question,
                  struct arena *arena, struct authentication *ret_decision)
{
    authentication_judge(question, arena, ret_decision);
    if (ret_decision->action != AUTHENTICATION_DEFER)
        return;
    question->tried_ms =
        deferrals_age(session->server->deferrals, attempt_key(session, arena), clock_mono_ms());
    if (question->tried_ms)
        authentication_judge(question, arena, ret_decision);
}

static bool has_broken_signatures(const struct dkim_verdict *dkim)
{
    for (unsigned i = 0; dkim && i < dkim->count; i++) {
        if (dkim->list[i].result == DKIM_PASS)
            return false;
    }
    return dkim && dkim->count > 0;
}

/* Does what a trusted sealer says matter? */
static bool needs_saving(const struct trust_verdicts *verdicts)
{
    const struct dmarc_verdict *dmarc = verdicts->dmarc;
    const struct spf_verdict *spf = verdicts->spf_mailfrom;

    return (dmarc && dmarc->result == DMARC_FAIL) ||
           (spf && (spf->result == SPF_FAIL || spf->result == SPF_SOFTFAIL)) ||
           has_broken_signatures(verdicts->dkim);
}

static struct slice author_of(const struct session *session, const struct trust_verdicts *verdicts)
{
    const struct trust_authors *authors = &session->transaction->checks->authors;

    if (verdicts->dmarc && verdicts->dmarc->author.len)
        return verdicts->dmarc->author;
    /* With several a forger would choose whose settings are in force. */
    return authors->count == 1 ? authors->list[0] : SLICE_NULL;
}

static void decide(struct session *session, struct trust_verdicts *verdicts, struct arena *arena,
                   struct authentication *ret_decision)
{
    struct recipients *recipients = &session->transaction->recipients;
    struct authentication_question question = {.config = session->config,
                                               .listener = session->listener->settings,
                                               .verdicts = verdicts,
                                               .author = author_of(session, verdicts),
                                               .n_recipients = recipients->count};

    if (needs_saving(verdicts))
        verdicts->saved_by =
            authentication_find_trusted(session->config, verdicts->arc, question.author, arena);
    question.recipients = arena_alloc(arena, recipients->count * sizeof(*question.recipients));
    for (uint32_t i = 0; i < recipients->count; i++)
        question.recipients[i] = describe(session, &recipients->list[i]);
    judge(session, &question, arena, ret_decision);
    for (uint32_t i = 0; i < recipients->count; i++)
        recipients->list[i].junk = question.recipients[i].junk;
}

/* ---- the fields ----------------------------------------------------------------------------- */

static struct slice remark(const struct trust_verdicts *verdicts,
                           const struct authentication *decision, struct arena *arena)
{
    if (verdicts->saved_by)
        return arena_printf(arena, "trusted forwarder %.*s", SLICE_ARG(verdicts->saved_by->sealer));
    if (decision->gave_up_deferral)
        return SLICE("accepted without an answer of the DNS");
    return SLICE_NULL;
}

static void write_fields(const struct session *session, const struct trust_verdicts *verdicts,
                         const struct authentication *decision, struct arena *arena,
                         struct buf *out)
{
    struct slice said = remark(verdicts, decision, arena);

    authres_write(out, session->config->hostname, verdicts, said);
    if (decision->action != AUTHENTICATION_JUNK)
        return;
    headerwrite_field(out, "X-Spam-Flag", SLICE("YES"));
    headerwrite_text(
        out, "X-Spam-Reason",
        arena_printf(
            arena, "%s: %.*s", authentication_check_name(decision->check),
            SLICE_ARG(slice_cut(&(struct slice){decision->text.ptr, decision->text.len}, '\n'))));
}

/* 0 or -errno of the spool. More than there is room for is more than anybody reads: then the parts
 * that a stranger can make long are left out. */
static int put_in_front(struct session *session, const struct trust_verdicts *verdicts,
                        const struct authentication *decision, struct arena *arena)
{
    struct trust_verdicts shown = *verdicts;
    struct buf fields;
    int r;

    buf_init(&fields, CHECKS_ROOM);
    write_fields(session, &shown, decision, arena, &fields);
    if (fields.overflow) {
        buf_reset(&fields);
        shown.dkim = NULL;
        shown.arc = NULL;
        shown.saved_by = NULL;
        write_fields(session, &shown, decision, arena, &fields);
    }
    r = fields.overflow ? 0 : spool_body_prepend(session->transaction->body, buf_slice(&fields));
    buf_done(&fields);
    return r;
}

/* For the envelope, behind the rules that accepted its recipients. */
static void note_verdicts(struct session *session, const struct trust_verdicts *verdicts,
                          const struct authentication *decision)
{
    struct slice *noted = &session->transaction->envelope.verdicts;

    if (!session->checks->wanted)
        return;
    *noted =
        arena_printf(&session->transaction_arena, "%.*schecks spf=%s dkim=%s dmarc=%s arc=%s %s\n",
                     SLICE_ARG(*noted),
                     verdicts->spf_mailfrom ? spf_result_name(verdicts->spf_mailfrom->result) : "-",
                     verdicts->dkim ? dkim_result_name(verdicts->dkim->result) : "-",
                     verdicts->dmarc ? dmarc_result_name(verdicts->dmarc->result) : "-",
                     verdicts->arc ? arc_result_name(verdicts->arc->result) : "-",
                     authentication_action_name(decision->action));
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void count(struct session *session, const struct authentication *decision)
{
    struct server_counts *counts = &session->server->counts;

    if (session->checks->wanted)
        atomic_fetch_add(&counts->checked, 1);
    if (decision->action == AUTHENTICATION_JUNK)
        atomic_fetch_add(&counts->junk, 1);
    else if (decision->action == AUTHENTICATION_REFUSE)
        atomic_fetch_add(&counts->unauthenticated, 1);
    else if (decision->action == AUTHENTICATION_DEFER)
        atomic_fetch_add(&counts->put_off, 1);
    if (decision->saved)
        atomic_fetch_add(&counts->saved, 1);
}

struct smtp_reply checks_decide(struct session *session, struct step *step)
{
    struct trust_verdicts verdicts = checks_verdicts(session);
    struct arena *arena = &step->scratch->arena;
    struct authentication decision;
    int r;

    decide(session, &verdicts, arena, &decision);
    checks_log(session, &verdicts, &decision);
    checks_report(session, &verdicts, &decision);
    count(session, &decision);
    if (decision.code)
        return (struct smtp_reply){
            .code = decision.code, .status = decision.status, .text = decision.text};
    note_verdicts(session, &verdicts, &decision);
    r = put_in_front(session, &verdicts, &decision, arena);
    return r < 0 ? intake_spool_failure(r) : SMTP_REPLY_NONE;
}
