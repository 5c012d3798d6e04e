/* MTA-STS policies and records, TLSRPT records: bounded, and what was taken is well-formed. */
#include "trust/sts_policy.h"
#include "trust/tlsrpt_record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice input = slice_from(data, size);
    struct tlsrpt_record record;
    struct sts_rules rules;
    struct arena arena;
    struct slice id;

    arena_init(&arena);
    if (!sts_policy_parse(input, &arena, &rules)) {
        if (rules.n_mx > STS_MX_MAX || rules.max_age_s > STS_AGE_MAX_S ||
            (rules.n_mx == 0 && rules.mode != STS_NONE))
            abort();
        for (unsigned i = 0; i < rules.n_mx; i++) {
            if (rules.mx[i].ptr[0] != '*' && !sts_rules_allow(&rules, rules.mx[i]))
                abort();
        }
    }
    if (sts_record_find(&input, 1, &id) == STS_RECORD_FOUND && id.len > STS_ID_MAX)
        abort();
    if (tlsrpt_record_find(&input, 1, &arena, &record) &&
        (record.n_rua == 0 || record.n_rua > TLSRPT_RUA_MAX))
        abort();
    arena_done(&arena);
    return 0;
}
