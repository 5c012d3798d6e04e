/* A semaphore, and for each thread a note whether it holds a turn. See turns.h. */
#include "io/turns.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

enum { TURNS_MIN = 2 };

/* Belongs to the thread, not to the task: it does not outlive a step but by the thread's own will.
 */
static _Thread_local struct turns *held;

void turns_init(struct turns *turns)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    sem_init(&turns->free, 0, processors > TURNS_MIN ? (unsigned)processors : TURNS_MIN);
}

void turns_done(struct turns *turns)
{
    sem_destroy(&turns->free);
}

void turns_take(struct turns *turns)
{
    if (held)
        return;
    while (sem_wait(&turns->free) < 0 && errno == EINTR)
        ;
    held = turns;
}

void turns_give_up(void)
{
    struct turns *turns = held;

    held = NULL;
    if (turns)
        sem_post(&turns->free);
}

void turns_add(struct turns *turns)
{
    sem_post(&turns->free);
}
