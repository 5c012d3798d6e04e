/* See decide.h. */
#include "queue/decide.h"

enum { FALLBACKS_MAX = 4 /* one behind the other */ };

static void take_site(struct queue *queue, struct route_decision *decision)
{
    const struct msg_site *site =
        sites_find(queue->sites, decision->lane.name, decision->domain, queue_now(queue));

    if (!site)
        return;
    if (site->status == SITE_FOUND) {
        decision->verdict = ROUTE_LANE;
        decision->lane.domain = site->site;
        return;
    }
    decision->verdict = site->status == SITE_NEVER ? ROUTE_FAIL : ROUTE_LATER;
    decision->text = arena_dup(&queue->scratch, site->text);
    if (!status_parse(site->enhanced, &decision->status, NULL))
        decision->status = site->status == SITE_NEVER ? STATUS(5, 4, 4) : STATUS(4, 4, 3);
}

/* A lane that was given up leaves its mail to the fallback route, which may have one itself. */
static void leave_given_up(struct queue *queue, const struct recipient *recipient,
                           struct route_decision *decision)
{
    for (unsigned n = 0; n < FALLBACKS_MAX && decision->verdict == ROUTE_LANE &&
                         scheduler_gave_up(queue->scheduler, &decision->lane, queue_now(queue));
         n++) {
        route_fall_back(queue->config, recipient, decision);
        if (decision->verdict == ROUTE_SITE)
            take_site(queue, decision);
    }
}

void decide_recipient(struct queue *queue, const struct recipient *recipient,
                      const struct envelope *envelope, uint64_t max_age_ms,
                      struct route_decision *ret_decision)
{
    bool null_sender = !envelope->reverse_path.len;
    const struct msg_resolved *answer;

    route_decide(queue->config, recipient, NULL, null_sender, ret_decision);
    if (ret_decision->verdict == ROUTE_ASK) {
        answer = answers_find(queue->answers, recipient->address, recipient->via, max_age_ms,
                              queue_now(queue));
        if (answer)
            route_decide(queue->config, recipient, answer, null_sender, ret_decision);
    }
    if (ret_decision->verdict == ROUTE_SITE)
        take_site(queue, ret_decision);
    leave_given_up(queue, recipient, ret_decision);
}
