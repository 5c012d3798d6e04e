/*
 * May reports go there (RFC 9990, "Verifying External Destinations")? A domain can ask for reports
 * to anybody's address; whoever gets them must have said that he wants them, or belong to the same
 * organization. See dmarc.h.
 */
#include "trust/dmarc.h"

#include "trust/dmarc_tree.h"
#include "trust/mailto.h"

#include "mail/address.h"

#include <errno.h>

/* Step 9. One that leads elsewhere forbids all (to prevent loops and abuse). */
static void take_uris(const struct dmarc_record *record, struct slice host, struct arena *arena,
                      struct dmarc_destination *destination)
{
    for (unsigned i = 0; i < record->n_rua; i++) {
        if (slice_eq(mailto_host(record->rua[i], arena), host))
            continue;
        destination->may = false;
        destination->problem =
            arena_printf(arena, "%.*s wants reports sent on to another host", SLICE_ARG(host));
        return;
    }
    if (record->n_rua && destination->n_rua == 0) {
        destination->rua = record->rua;
        destination->n_rua = record->n_rua;
    }
}

/* Steps 6 to 8. */
static void read_answer(const struct trust_answer *answer, struct slice host, struct arena *arena,
                        struct dmarc_destination *destination)
{
    struct dmarc_record record;
    bool allowed = false;

    for (unsigned i = 0; answer->result == TRUST_FOUND && i < answer->n_records; i++) {
        if (!dmarc_record_read(answer->records[i].bytes, arena, &record))
            continue;
        if (!allowed)
            destination->may = allowed = true;
        take_uris(&record, host, arena, destination);
    }
    if (!allowed)
        destination->problem =
            arena_printf(arena, "%.*s does not say that it takes such reports", SLICE_ARG(host));
}

/* Steps 2 to 5. */
static int ask_host(struct slice domain, struct slice host, const struct trust_names *names,
                    struct arena *arena, struct dmarc_destination *destination)
{
    struct slice name =
        arena_printf(arena, "%.*s._report._dmarc.%.*s", SLICE_ARG(domain), SLICE_ARG(host));
    const struct trust_answer *answer;
    int r;

    if (name.len > TRUST_NAME_MAX) {
        destination->problem = SLICE("the name of the record that would allow it is too long");
        return 0;
    }
    r = trust_ask(names, name, TRUST_TXT, &answer);
    if (r < 0)
        return r;
    if (answer->result == TRUST_FAILED) {
        destination->later = true;
        destination->problem =
            arena_printf(arena, "the TXT records of %.*s cannot be had now", SLICE_ARG(name));
        return 0;
    }
    read_answer(answer, host, arena, destination);
    return 0;
}

int dmarc_destination_check(struct slice domain, struct slice host, const struct trust_names *names,
                            struct arena *arena, struct dmarc_destination *ret_destination)
{
    struct dmarc_destination destination = {.may = false};
    struct dmarc_tree *ours = arena_alloc(arena, 2 * sizeof(*ours)), *theirs = ours + 1;
    struct slice from, to;
    int r, r2;

    if (address_domain_to_ascii(arena, dmarc_plain_name(arena, domain), &from) != 0 ||
        address_domain_to_ascii(arena, dmarc_plain_name(arena, host), &to) != 0 ||
        from.ptr[0] == '[' || to.ptr[0] == '[') {
        destination.problem = SLICE("it is at no domain name");
        *ret_destination = destination;
        return 0;
    }
    r = dmarc_tree_walk(from, names, arena, ours);
    r2 = dmarc_tree_walk(to, names, arena, theirs);
    if (r < 0 || r2 < 0)
        return -EAGAIN;
    if (slice_eq(from, to) ||
        (!ours->failed && !theirs->failed && slice_eq(ours->organisation, theirs->organisation)))
        destination.may = true;
    else
        r = ask_host(from, to, names, arena, &destination);
    if (r < 0)
        return r;
    if (!destination.may && (ours->failed || theirs->failed))
        destination.later = true;
    *ret_destination = destination;
    return 0;
}
