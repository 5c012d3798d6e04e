/*
 * Points of time as people name them: "10m" (ago), "today", "yesterday", "10:02",
 * "2026-11-22", "2026-11-22T10:02[:11][Z]". In the system's time zone unless there is a Z.
 */
#ifndef NUNCIO_CONTROL_WHY_TIME_H
#define NUNCIO_CONTROL_WHY_TIME_H

#include "base/slice.h"

bool why_time_parse(struct slice text, uint64_t now_ms, uint64_t *ret_ms);

#endif
