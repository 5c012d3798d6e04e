/* Repeatable random numbers (splitmix64): everything in a run follows from its seed. */
#ifndef NUNCIO_SIM_RANDOM_H
#define NUNCIO_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_next(struct sim_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 .. n-1 */
static inline uint32_t sim_below(struct sim_random *random, uint32_t n)
{
    return (uint32_t)(sim_next(random) % n);
}

/* True once in n times; never for n = 0. */
static inline bool sim_once_in(struct sim_random *random, uint32_t n)
{
    return n && sim_below(random, n) == 0;
}

#endif
