/* Any words of a server get a class of those that there are, and a time without overflow. */
#include "queue/classify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct classify *table;
    struct slice text = slice_from(data, size);
    struct answer answer;
    struct answer_verdict verdict;

    if (!table)
        table = classify_built_in();
    answer.host = slice_cut(&text, '\n');
    answer.site = slice_cut(&text, '\n');
    answer.status = slice_cut(&text, '\n');
    answer.reply = text;
    verdict = classify_answer(table, &answer);
    if (verdict.class >= ANSWER_CLASSES || strlen(answer_class_name(verdict.class)) == 0)
        abort();
    if (verdict.retry_ms > UINT64_C(1000000) * 3600 * 1000)
        abort();
    return 0;
}
