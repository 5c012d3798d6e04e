/* A zone from text, and names that answer at once or a round later, for tests of evaluators. */
#ifndef NUNCIO_TESTS_ZONE_WORLD_H
#define NUNCIO_TESTS_ZONE_WORLD_H

#include "base/buf.h"
#include "trust/zone.h"

struct zone_world {
    struct problem_list problems;
    struct zone *zone;
    struct arena arena;
    struct trust_names names;
};

/* Aborts when the text is no zone. */
static inline void zone_world_open(struct zone_world *world, const char *text)
{
    problem_list_init(&world->problems);
    world->zone = zone_read(SLICE("zone"), slice_from_cstr(text), &world->problems);
    if (!world->zone)
        abort();
    arena_init(&world->arena);
    world->names = zone_names(world->zone);
}

static inline void zone_world_close(struct zone_world *world)
{
    arena_done(&world->arena);
    zone_free(world->zone);
    problem_list_done(&world->problems);
}

#endif
