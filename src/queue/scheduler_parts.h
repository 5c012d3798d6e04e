/*
 * The scheduler as its own files share it: lanes and turns (scheduler.c), how a turn ends
 * (scheduler_end.c), what is seen and set from outside (scheduler_view.c). Nobody else includes
 * this.
 *
 * Invariants: a lane is in the ring exactly when it may go (scheduler_update_lane), and idle
 * exactly when neither turns nor units are in it. lane->waiting counts the units in its slots that
 * have recipients waiting. A unit whose recipients were all withdrawn stays in its list, empty,
 * until its turn comes or nothing else waits in the lane.
 */
#ifndef NUNCIO_QUEUE_SCHEDULER_PARTS_H
#define NUNCIO_QUEUE_SCHEDULER_PARTS_H

#include "queue/lanes.h"
#include "queue/waiting.h"

struct scheduler {
    struct scheduler_rules rules;
    struct lanes lanes;
    struct lane *ring; /* the lane that goes next */
    struct waiting waiting;
    bool paused[WAY_PROGRAM + 1];
    unsigned under_way;
    unsigned slow_under_way; /* of lanes that are slow */
    uint32_t put_off;        /* list of units */
    uint64_t now;            /* the latest time that was told */
};

/* Puts the lane into the ring or takes it out, after anything that may change whether it may go. */
void scheduler_update_lane(struct scheduler *scheduler, struct lane *lane);
/* The same, and lets it rest if its rate or a pause says so. */
void scheduler_rest_lane(struct scheduler *scheduler, struct lane *lane);
/* Frees the unit when nothing of it waits or is under way. */
void scheduler_forget_unit(struct scheduler *scheduler, struct unit *unit);
struct lane *scheduler_lane_of_unit(const struct scheduler *scheduler, uint32_t unit);

#endif
