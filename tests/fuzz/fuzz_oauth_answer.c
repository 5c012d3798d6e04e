/* Answers of an introspection server: only one that says so clearly makes a token good. */
#include "account/oauth_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oauth_answer answer;
    struct arena arena;

    arena_init(&arena);
    oauth_answer_parse(slice_from(data, size), SLICE("username"), SLICE("mail"), 1000000, &arena,
                       &answer);
    if (answer.verdict < OAUTH_GOOD || answer.verdict > OAUTH_LATER || !answer.why)
        abort();
    if (answer.verdict == OAUTH_GOOD && (answer.account.len == 0 || answer.expires_s <= 1000000))
        abort();
    arena_done(&arena);
    return 0;
}
