/* Chains of ARC in messages of strangers, with keys that they publish: lines up to "%" are records,
 * the rest is the message. */
#include "hostile_names.h"
#include "trust/dkim.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_verdict(const struct arc_verdict *verdict)
{
    if (verdict->count > ARC_SETS_MAX || verdict->oldest_pass > verdict->count ||
        (verdict->result == ARC_NONE && verdict->count) ||
        (verdict->result == ARC_PASS && verdict->count == 0) ||
        (verdict->result >= ARC_FAIL) != (verdict->problem.len > 0))
        abort();
    for (unsigned i = 0; i < verdict->count; i++) {
        if (verdict->list[i].instance != i + 1)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hostile_names dns;
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct slice message = slice_from(data, size), records = slice_cut(&message, '%');
    struct arc_verdict verdict;
    struct trust_names names;
    struct arena arena;
    unsigned rounds = 0;

    arena_init(&arena);
    hostile_names_init(&dns, records);
    names = hostile_names_of(&dns);
    dkim_verifier_feed(verifier, message);
    dkim_verifier_end(verifier);
    dkim_verifier_prefetch(verifier, &names);
    while (dkim_verifier_judge_arc(verifier, &names, 0, &arena, &verdict) == -EAGAIN) {
        if (++rounds > 1)
            abort();
    }
    check_verdict(&verdict);
    dkim_verifier_free(verifier);
    hostile_names_done(&dns);
    arena_done(&arena);
    return 0;
}
