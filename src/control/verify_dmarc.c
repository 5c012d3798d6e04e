/*
 * nuncio verify dmarc: the message's signatures and, when the client is known, SPF, held against
 * the author's domain. See verify.h.
 */
#include "control/verify.h"

#include "trust/authors.h"
#include "trust/dmarc.h"

struct verdicts {
    bool has_spf;
    struct spf_verdict spf;
    struct dkim_verdict dkim;
    struct dmarc_verdict dmarc;
};

static void tell_policy(json_t *told, const struct dmarc_verdict *verdict, struct arena *arena)
{
    if (verdict->record.len == 0)
        return;
    verify_tell_text(told, "policy_domain", verdict->policy_domain, arena);
    verify_tell_text(told, "record", verdict->record, arena);
    verify_tell_text(told, "asked", slice_from_cstr(dmarc_policy_name(verdict->asked)), arena);
    verify_tell_text(told, "asked_by", slice_from_cstr(verdict->asked_by), arena);
}

static json_t *tell(const struct verdicts *verdicts, struct arena *arena)
{
    const struct dmarc_verdict *verdict = &verdicts->dmarc;
    json_t *told = verify_tell_new("dmarc", dmarc_result_name(verdict->result));

    verify_tell_text(told, "problem", verdict->problem, arena);
    verify_tell_text(told, "author", verdict->author, arena);
    verify_tell_text(told, "organisation", verdict->organisation, arena);
    tell_policy(told, verdict, arena);
    verify_tell_flag(told, "spf_aligned", verdict->spf_aligned);
    verify_tell_flag(told, "dkim_aligned", verdict->dkim_aligned);
    if (verdicts->has_spf)
        json_object_set_new(told, "spf", verify_tell_spf(&verdicts->spf, arena));
    json_object_set_new(told, "dkim", verify_tell_dkim(&verdicts->dkim, arena));
    return told;
}

/* 0, or -EAGAIN, which answers that are there at once never bring. */
static int judge(const struct verify *verify, const struct dkim_verifier *verifier,
                 struct verdicts *verdicts)
{
    struct trust_authors authors;
    struct dmarc_question question = {.dkim = &verdicts->dkim};
    int r = dkim_verifier_judge(verifier, verify->names, verify->options->seconds, verify->arena,
                                &verdicts->dkim);

    verdicts->has_spf = verify->options->has_client;
    if (r == 0 && verdicts->has_spf) {
        question.spf = &verdicts->spf;
        r = verify_ask_spf(verify, &verdicts->spf);
    }
    if (r < 0)
        return r;
    trust_authors_read(dkim_verifier_header(verifier), verify->arena, &authors);
    question.authors = authors.list;
    question.n_authors = authors.count;
    return dmarc_check(&question, verify->names, verify->arena, &verdicts->dmarc);
}

int verify_dmarc(const struct verify *verify, json_t **ret_told)
{
    struct dkim_verifier *verifier = dkim_verifier_new();
    int code = verify_message_read(verify->options->file, verifier);
    struct verdicts verdicts;

    if (code == EX_OK && judge(verify, verifier, &verdicts) < 0)
        code = EX_SOFTWARE;
    if (code == EX_OK) {
        *ret_told = tell(&verdicts, verify->arena);
        if (verdicts.dmarc.result != DMARC_PASS)
            code = verdicts.dmarc.result == DMARC_TEMPERROR ? EX_TEMPFAIL : VERIFY_NOT_PASSED;
    }
    dkim_verifier_free(verifier);
    return code;
}
