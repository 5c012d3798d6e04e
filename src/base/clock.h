/*
 * The one source of time. Pure modules take time as a parameter and never call this.
 *
 * Wall time (milliseconds since 1970, UTC) is for what is stored and shown; it may jump. Monotonic
 * time (milliseconds since some start) is for every deadline. A test may set both by hand.
 */
#ifndef NUNCIO_BASE_CLOCK_H
#define NUNCIO_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_wall_ms(void);
uint64_t clock_mono_ms(void);
/* CPU-cheap duration measuring. */
uint64_t clock_mono_us(void);

/* From now on the clock stands at these values until set again; for tests of one thread. */
void clock_fake(uint64_t wall_ms, uint64_t mono_ms);
void clock_unfake(void);

#endif
