/*
 * What a message counts in the aggregate report (RFC 9990) that its author's domain asks for. Told
 * to history once the message's fate is known; what was put off comes again and counts then, and
 * what the DNS left open counts nowhere.
 */
#include "receive/checks_inside.h"

#include "io/channel.h"
#include "io/dmarc_message.h"
#include "trust/dmarc_report_mail.h"

static enum dmarc_policy asked_before_testing(const struct dmarc_verdict *dmarc)
{
    const struct dmarc_record *record = &dmarc->parsed;

    if (dmarc->asked_by && slice_eq(slice_from_cstr(dmarc->asked_by), SLICE("np")))
        return record->np_policy;
    if (dmarc->asked_by && slice_eq(slice_from_cstr(dmarc->asked_by), SLICE("sp")))
        return record->subdomain_policy;
    return record->policy;
}

static enum dmarc_disposition disposition_of(enum dmarc_policy policy)
{
    static const enum dmarc_disposition dispositions[] = {
        [DMARC_POLICY_NONE] = DMARC_DISPOSITION_NONE,
        [DMARC_POLICY_QUARANTINE] = DMARC_DISPOSITION_QUARANTINE,
        [DMARC_POLICY_REJECT] = DMARC_DISPOSITION_REJECT};

    return dispositions[policy];
}

static enum dmarc_disposition what_happened(const struct authentication *decision)
{
    if (decision->action == AUTHENTICATION_REFUSE)
        return DMARC_DISPOSITION_REJECT;
    return decision->action == AUTHENTICATION_JUNK ? DMARC_DISPOSITION_QUARANTINE
                                                   : DMARC_DISPOSITION_NONE;
}

static void add_reason(struct msg_dmarc_row *row, enum dmarc_override type, struct slice comment)
{
    row->reasons[row->n_reasons++] = (struct msg_dmarc_reason){
        .type = type, .comment = slice_sub(comment, 0, DMARC_ROW_TEXT_MAX)};
}

/* Why it is not what was asked for. */
static void add_reasons(struct msg_dmarc_row *row, const struct trust_verdicts *verdicts,
                        struct arena *arena)
{
    const struct dmarc_verdict *dmarc = verdicts->dmarc;
    bool passes = dmarc->result == DMARC_PASS;
    enum dmarc_disposition wanted = passes ? DMARC_DISPOSITION_NONE : disposition_of(dmarc->asked);

    row->reasons = arena_alloc(arena, DMARC_ROW_REASONS_MAX * sizeof(*row->reasons));
    if (!passes && disposition_of(dmarc->asked) != row->asked)
        add_reason(row, DMARC_OVERRIDE_POLICY_TEST_MODE, SLICE_NULL);
    if (row->disposition == wanted)
        return;
    if (verdicts->saved_by)
        add_reason(
            row, DMARC_OVERRIDE_TRUSTED_FORWARDER,
            arena_printf(arena, "arc=pass sealer=%.*s", SLICE_ARG(verdicts->saved_by->sealer)));
    else
        add_reason(row, DMARC_OVERRIDE_LOCAL_POLICY, SLICE_NULL);
}

static struct msg_dmarc_dkim describe_signature(const struct dkim_signature *signature,
                                                bool aligned)
{
    return (struct msg_dmarc_dkim){.domain = slice_sub(signature->domain, 0, DMARC_ROW_NAME_MAX),
                                   .selector =
                                       slice_sub(signature->selector, 0, DMARC_ROW_NAME_MAX),
                                   .result = slice_from_cstr(dkim_result_name(signature->result)),
                                   .aligned = aligned,
                                   .problem = slice_sub(signature->problem, 0, DMARC_ROW_TEXT_MAX)};
}

/* The one that aligned first. One that names no domain is none. */
static void add_signatures(struct msg_dmarc_row *row, const struct trust_verdicts *verdicts,
                           struct arena *arena)
{
    const struct dkim_signature *best = verdicts->dmarc->dkim;
    const struct dkim_verdict *dkim = verdicts->dkim;

    row->dkim = arena_alloc(arena, DMARC_ROW_DKIM_MAX * sizeof(*row->dkim));
    if (best)
        row->dkim[row->n_dkim++] = describe_signature(best, true);
    for (unsigned i = 0; dkim && i < dkim->count && row->n_dkim < DMARC_ROW_DKIM_MAX; i++) {
        if (&dkim->list[i] != best && dkim->list[i].domain.len)
            row->dkim[row->n_dkim++] = describe_signature(&dkim->list[i], false);
    }
}

static struct slice domain_of(struct slice address)
{
    ptrdiff_t at = slice_find_last(address, '@');

    return at < 0 ? SLICE_NULL : slice_sub(address, (size_t)at + 1, DMARC_ROW_NAME_MAX);
}

static void add_spf(struct msg_dmarc_row *row, const struct trust_verdicts *verdicts)
{
    const struct spf_verdict *spf = verdicts->spf_mailfrom;

    if (!spf || spf->domain.len == 0)
        return;
    row->spf_domain = slice_sub(spf->domain, 0, DMARC_ROW_NAME_MAX);
    row->spf_helo = verdicts->reverse_path.len == 0;
    row->spf_result = slice_from_cstr(spf_result_name(spf->result));
    row->spf_problem = slice_sub(spf->problem, 0, DMARC_ROW_TEXT_MAX);
}

/* Reports about reports would go to and fro for ever. */
static bool is_report(const struct checks_message *message, struct arena *arena)
{
    return message->verifier &&
           dmarc_report_mail_is_meant(dkim_verifier_header(message->verifier), arena);
}

static bool counts(const struct dmarc_verdict *dmarc, const struct authentication *decision)
{
    return dmarc && (dmarc->result == DMARC_PASS || dmarc->result == DMARC_FAIL) &&
           dmarc->parsed.n_rua > 0 && dmarc->author.len && dmarc->policy_domain.len &&
           decision->action != AUTHENTICATION_DEFER;
}

void checks_report(const struct session *session, const struct trust_verdicts *verdicts,
                   const struct authentication *decision)
{
    const struct server *server = session->server;
    const struct dmarc_verdict *dmarc = verdicts->dmarc;
    const struct transaction *transaction = session->transaction;
    struct msg_dmarc_row row;
    struct arena arena;
    struct buf out;

    if (!server->tell_history || !counts(dmarc, decision))
        return;
    row = (struct msg_dmarc_row){.seconds = (uint64_t)transaction->checks->seconds,
                                 .policy_domain = dmarc->policy_domain,
                                 .record = slice_sub(dmarc->record, 0, DMARC_ROW_RECORD_MAX),
                                 .author = dmarc->author,
                                 .organisation = dmarc->organisation,
                                 .client = verdicts->client,
                                 .envelope_from = domain_of(verdicts->reverse_path),
                                 .envelope_to = domain_of(transaction->recipients.list[0].address),
                                 .asked = disposition_of(asked_before_testing(dmarc)),
                                 .disposition = what_happened(decision),
                                 .dkim_pass = dmarc->dkim_aligned,
                                 .spf_pass = dmarc->spf_aligned};
    arena_init(&arena);
    row.is_report = is_report(transaction->checks, &arena);
    add_reasons(&row, verdicts, &arena);
    add_signatures(&row, verdicts, &arena);
    add_spf(&row, verdicts);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_dmarc_row_encode(&out, &row);
    if (!out.overflow)
        server->tell_history(server->history_arg, MSG_DMARC_ROW, buf_slice(&out));
    buf_done(&out);
    arena_done(&arena);
}
