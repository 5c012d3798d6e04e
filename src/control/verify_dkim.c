/* nuncio verify dkim. See verify.h. */
#include "control/verify.h"

static json_t *tell_signature(const struct dkim_signature *signature, struct arena *arena)
{
    json_t *told = json_pack("{s:s}", "result", dkim_result_name(signature->result));

    verify_tell_text(told, "problem", signature->problem, arena);
    verify_tell_text(told, "domain", signature->domain, arena);
    verify_tell_text(told, "selector", signature->selector, arena);
    verify_tell_text(told, "identity", signature->identity, arena);
    verify_tell_text(told, "algorithm", signature->algorithm, arena);
    if (signature->key_bits)
        verify_tell_number(told, "key_bits", signature->key_bits);
    if (signature->testing)
        verify_tell_flag(told, "testing", true);
    if (signature->has_length) {
        verify_tell_number(told, "signed_octets", (int64_t)signature->length);
        verify_tell_number(told, "body_octets", (int64_t)signature->body_size);
    }
    if (signature->timestamp)
        verify_tell_number(told, "timestamp", signature->timestamp);
    if (signature->expiry)
        verify_tell_number(told, "expiry", signature->expiry);
    verify_tell_text(told, "key_record", signature->key_record, arena);
    return told;
}

json_t *verify_tell_dkim(const struct dkim_verdict *verdict, struct arena *arena)
{
    json_t *told = verify_tell_new("dkim", dkim_result_name(verdict->result));
    json_t *list = json_array();

    for (unsigned i = 0; i < verdict->count; i++)
        json_array_append_new(list, tell_signature(&verdict->list[i], arena));
    if (verdict->count == 0)
        verify_tell_text(told, "problem", SLICE("the message is not signed"), arena);
    json_object_set_new(told, "signatures", list);
    if (verdict->ignored)
        verify_tell_number(told, "ignored", verdict->ignored);
    return told;
}

int verify_dkim(const struct verify *verify, json_t **ret_told)
{
    struct dkim_verifier *verifier = dkim_verifier_new();
    int code = verify_message_read(verify->options->file, verifier);
    struct dkim_verdict verdict;

    if (code == EX_OK && dkim_verifier_judge(verifier, verify->names, verify->options->seconds,
                                             verify->arena, &verdict) < 0)
        code = EX_SOFTWARE;
    if (code == EX_OK) {
        *ret_told = verify_tell_dkim(&verdict, verify->arena);
        if (verdict.result != DKIM_PASS)
            code = verdict.result == DKIM_TEMPERROR ? EX_TEMPFAIL : VERIFY_NOT_PASSED;
    }
    dkim_verifier_free(verifier);
    return code;
}
