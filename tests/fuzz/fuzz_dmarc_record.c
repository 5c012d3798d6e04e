/* DMARC policy records of strangers: bounded, with policies that follow from each other. */
#include "trust/dmarc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct dmarc_record *record)
{
    if (record->n_rua > DMARC_RUA_MAX || record->fo.len == 0)
        abort();
    if ((record->problem.len > 0) == record->has_policy ||
        (!record->has_policy && record->policy != DMARC_POLICY_NONE))
        abort();
    if ((!record->has_sp && record->subdomain_policy != record->policy) ||
        (!record->has_np && record->np_policy != record->subdomain_policy))
        abort();
    for (size_t i = 0; i < record->problem.len; i++) {
        if (record->problem.ptr[i] < ' ' || record->problem.ptr[i] > '~')
            abort();
    }
    for (unsigned i = 0; i < record->n_rua; i++) {
        if (slice_find(record->rua[i], ':') < 1 || slice_find(record->rua[i], ',') >= 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dmarc_record record;
    struct arena arena;

    arena_init(&arena);
    if (dmarc_record_read(slice_from(data, size), &arena, &record))
        check_record(&record);
    arena_done(&arena);
    return 0;
}
