/*
 * What people call a lane: "world/mx.example.org" (route and site), "relay1" (a route with hosts of
 * its own), "maildir/example.org", "program/archive".
 */
#ifndef NUNCIO_QUEUE_LANE_NAME_H
#define NUNCIO_QUEUE_LANE_NAME_H

#include "base/buf.h"
#include "queue/scheduler.h"

void lane_name_add(struct buf *out, const struct lane_key *key);
/* A pattern without "/" means the part before it: "world" all sites of that route. */
bool lane_name_fits(struct slice pattern, const struct lane_key *key);

#endif
