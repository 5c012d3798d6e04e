/*
 * Turns: how many threads of a pool wait for events and run steps at a time.
 *
 * More of them than processors only take the processors from each other: with 32 threads in one
 * epoll on two cores a message cost half as much again as with two. But a step may block on a
 * service of ours, and then somebody else must go on. So a thread takes a turn before it waits for
 * events, and gives it up in the middle of a step when it is about to block; it ends that step
 * without a turn, and takes a new one before the next.
 */
#ifndef NUNCIO_IO_TURNS_H
#define NUNCIO_IO_TURNS_H

#include <semaphore.h>

struct turns {
    sem_t free;
};

/* As many turns as there are processors, two at least. */
void turns_init(struct turns *turns);
void turns_done(struct turns *turns);

/* Waits until the calling thread has a turn; at once when it has one already. */
void turns_take(struct turns *turns);
/* The calling thread is about to block, or to end. Nothing happens when it has no turn, so code
 * that blocks may call this wherever it runs. */
void turns_give_up(void);
/* One turn more than before, for a pool that wants all its threads to see that it ends. */
void turns_add(struct turns *turns);

#endif
