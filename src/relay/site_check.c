/*
 * Each recipient's domain is looked up again, which costs little because the finder has just told
 * queue of it. A domain that cannot be looked up now is given back as well: queue asks for it anew,
 * and learns then how long to wait; the site of this unit has nothing to do with that.
 */
#include "relay/site_check.h"

#include "base/clock.h"
#include "mail/address.h"

static void decide(struct outcome *outcome, uint32_t recipient, const struct finding *finding)
{
    bool never = finding->status == SITE_NEVER;
    struct verdict verdict = verdict_from_text(outcome, never ? DONE_NEVER : DONE_AGAIN,
                                               STATUS(4, 4, 3), "%s", finding->text);

    verdict.status = arena_dup(outcome->arena, slice_from_cstr(finding->enhanced));
    outcome_decide(outcome, recipient, &verdict);
}

static void give_back(struct outcome *outcome, uint32_t recipient, struct slice site)
{
    struct verdict verdict =
        verdict_from_text(outcome, DONE_AGAIN, STATUS(4, 4, 4),
                          "its mail servers are others now: %.*s", SLICE_ARG(site));

    outcome_decide(outcome, recipient, &verdict);
}

struct destination *site_check(struct finder *finder, struct config *config,
                               const struct config_route *route, struct outcome *outcome)
{
    const struct msg_unit *unit = outcome->unit;
    uint64_t deadline = clock_mono_ms() + SITE_CHECK_MS;
    struct destination *destination = NULL;

    if (!route->mx)
        return finder_wait(finder, config, route, SLICE_NULL, deadline).destination;
    for (uint32_t i = 0; i < unit->n_recipients; i++) {
        struct slice domain = address_domain(unit->recipients[i].address);
        struct finding finding = finder_wait(finder, config, route, domain, deadline);
        if (finding.status != SITE_FOUND) {
            decide(outcome, i, &finding);
        } else if (!slice_eq(finding.destination->site, unit->domain)) {
            give_back(outcome, i, finding.destination->site);
        } else if (!destination) {
            destination = destination_ref(finding.destination);
        }
        finding_done(&finding);
    }
    return destination;
}
