/* nuncio verify arc. See verify.h. */
#include "control/verify.h"

static json_t *tell_set(const struct arc_set *set, struct arena *arena)
{
    json_t *told = json_object();

    verify_tell_number(told, "instance", set->instance);
    verify_tell_text(told, "sealer", set->sealer, arena);
    verify_tell_text(told, "signer", set->signer, arena);
    verify_tell_flag(told, "message_fits", set->message_fits);
    verify_tell_text(told, "authserv_id", set->authserv_id, arena);
    verify_tell_text(told, "authentication_results", set->results, arena);
    return told;
}

static json_t *tell(const struct arc_verdict *verdict, struct arena *arena)
{
    json_t *told = verify_tell_new("arc", arc_result_name(verdict->result));
    json_t *list = json_array();

    verify_tell_text(told, "problem", verdict->problem, arena);
    if (verdict->result == ARC_NONE)
        verify_tell_text(told, "problem", SLICE("the message has no ARC set"), arena);
    if (verdict->result == ARC_PASS)
        verify_tell_number(told, "oldest_pass", verdict->oldest_pass);
    for (unsigned i = 0; i < verdict->count; i++)
        json_array_append_new(list, tell_set(&verdict->list[i], arena));
    json_object_set_new(told, "sets", list);
    return told;
}

int verify_arc(const struct verify *verify, json_t **ret_told)
{
    struct dkim_verifier *verifier = dkim_verifier_new();
    int code = verify_message_read(verify->options->file, verifier);
    struct arc_verdict verdict;

    if (code == EX_OK && dkim_verifier_judge_arc(verifier, verify->names, verify->options->seconds,
                                                 verify->arena, &verdict) < 0)
        code = EX_SOFTWARE;
    if (code == EX_OK) {
        *ret_told = tell(&verdict, verify->arena);
        if (verdict.result != ARC_PASS)
            code = verdict.result == ARC_TEMPERROR ? EX_TEMPFAIL : VERIFY_NOT_PASSED;
    }
    dkim_verifier_free(verifier);
    return code;
}
