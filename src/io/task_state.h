/*
 * The state of a pool's task: one atomic word, whose compare-and-swap decides who has the task.
 *
 *     generation << 8 | flags | phase
 *
 * A task goes PARKED -> RUNNING (an event of epoll; the finder runs it at once) or PARKED ->
 * QUEUED (timer, wake) -> RUNNING, and back to PARKED. Who finds it not parked leaves a flag, with
 * which parking fails, so that nothing is lost between a step's last look and parking. The
 * generation tells a late event for a task that has ended from one for the task after it.
 */
#ifndef NUNCIO_IO_TASK_STATE_H
#define NUNCIO_IO_TASK_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct task_state {
    _Atomic uint64_t word;
};

enum task_phase { TASK_FREE, TASK_PARKED, TASK_QUEUED, TASK_RUNNING };
enum task_flag { TASK_EVENT = 4, TASK_WAKE = 8 };

enum task_phase task_state_phase(struct task_state *state);
uint32_t task_state_generation(struct task_state *state);

/* PARKED to QUEUED; false when somebody else was first. */
bool task_state_claim(struct task_state *state);
/* PARKED to RUNNING if it is of that generation; otherwise leaves TASK_EVENT for who runs it. */
bool task_state_claim_event(struct task_state *state, uint32_t generation);
/* PARKED to QUEUED, and true; otherwise leaves TASK_WAKE. */
bool task_state_wake(struct task_state *state);

/* The rest by whoever has the task. QUEUED keeps the flags, other phases take them down. Returns
 * the flags as they were. */
unsigned task_state_set(struct task_state *state, enum task_phase phase);
/* RUNNING to PARKED; false when a flag was left. */
bool task_state_park(struct task_state *state);
/* To FREE of the next generation. */
void task_state_end(struct task_state *state);

#endif
