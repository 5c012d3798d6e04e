/* Answers of a server that gives access tokens: a token is printable ASCII, or there is none. The
 * first byte is the HTTP status: even 200, odd 400. */
#include "relay/token_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_answer answer;
    bool fine;

    if (size == 0)
        return 0;
    fine = token_answer_parse(data[0] & 1 ? 400 : 200, slice_from(data + 1, size - 1), &answer);
    if (fine != (answer.access.len > 0 && answer.why[0] == '\0'))
        abort();
    for (size_t i = 0; i < answer.access.len; i++) {
        if (answer.access.ptr[i] < '!' || answer.access.ptr[i] > '~')
            abort();
    }
    token_answer_done(&answer);
    return 0;
}
