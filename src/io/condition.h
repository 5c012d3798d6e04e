/* Conditions of threads whose deadlines are monotonic time, as all of ours are. */
#ifndef NUNCIO_IO_CONDITION_H
#define NUNCIO_IO_CONDITION_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

void condition_init(pthread_cond_t *condition);
/* A time of clock_mono_ms() as pthread_cond_timedwait() wants it. */
struct timespec condition_deadline(uint64_t mono_ms);

#endif
