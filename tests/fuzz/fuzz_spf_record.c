/* SPF records: a record that passes as a whole has terms that pass one by one, within bounds. */
#include "trust/spf_term.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_terms(struct slice record)
{
    struct spf_term term;
    struct slice rest, text;

    spf_terms_begin(record, &rest);
    while (spf_terms_next(&rest, &text)) {
        if (spf_term_read(text, &term) || term.prefix4 > 32 || term.prefix6 > 128)
            abort();
        if (term.spec.len > text.len || slice_find(text, ' ') >= 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice record = slice_from(data, size);
    struct spf_modifiers modifiers;
    struct slice wrong = SLICE_NULL;

    if (!spf_record_is(record))
        return 0;
    if (!spf_record_check(record, &wrong, &modifiers))
        check_terms(record);
    else if (wrong.len == 0)
        abort();
    return 0;
}
