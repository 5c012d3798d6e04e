/* See whither.h. */
#include "queue/whither.h"

#include "queue/decide.h"
#include "queue/extra.h"

bool whither(struct queue *queue, struct message *message, const struct envelope *envelope,
             uint32_t index, struct lane_key *ret_lane)
{
    const struct ledger_recipient *state = ledger_recipient(message, index);
    struct route_decision decision;

    if (recipient_state(state) == RECIPIENT_READY ||
        recipient_state(state) == RECIPIENT_UNDER_WAY) {
        *ret_lane = *scheduler_lane_of(queue->scheduler, state->at);
        return true;
    }
    decide_recipient(queue, extra_recipient(message, envelope, index), envelope, ANSWERS_KEEP_MS,
                     &decision);
    *ret_lane = decision.lane;
    return decision.verdict == ROUTE_LANE || decision.verdict == ROUTE_SITE;
}
