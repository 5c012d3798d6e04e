/* nuncio verify spf. See verify.h. */
#include "control/verify.h"

json_t *verify_tell_spf(const struct spf_verdict *verdict, struct arena *arena)
{
    json_t *told = verify_tell_new("spf", spf_result_name(verdict->result));

    verify_tell_text(told, "problem", verdict->problem, arena);
    verify_tell_text(told, "explanation", verdict->explanation, arena);
    verify_tell_text(told, "identity",
                     verdict->identity == SPF_HELO ? SLICE("helo") : SLICE("mailfrom"), arena);
    verify_tell_text(told, "domain", verdict->domain, arena);
    verify_tell_text(told, "term", verdict->term, arena);
    verify_tell_text(told, "record", verdict->record, arena);
    verify_tell_number(told, "lookups", verdict->lookups);
    verify_tell_number(told, "void_lookups", verdict->void_lookups);
    return told;
}

int verify_ask_spf(const struct verify *verify, struct spf_verdict *ret_verdict)
{
    const struct verify_options *options = verify->options;
    const struct spf_question question = {
        .identity = options->sender.len ? SPF_MAILFROM : SPF_HELO,
        .client = options->client,
        .helo = options->helo,
        .sender = options->sender,
        .seconds = options->seconds,
    };

    return spf_check(&question, verify->names, verify->arena, ret_verdict);
}

int verify_spf(const struct verify *verify, json_t **ret_told)
{
    struct spf_verdict verdict;

    if (verify_ask_spf(verify, &verdict) < 0)
        return EX_SOFTWARE; /* answers do not keep anybody waiting here */
    *ret_told = verify_tell_spf(&verdict, verify->arena);
    if (verdict.result == SPF_TEMPERROR)
        return EX_TEMPFAIL;
    return verdict.result == SPF_PASS ? EX_OK : VERIFY_NOT_PASSED;
}
