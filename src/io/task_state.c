/* Transitions of one atomic word. See task_state.h. Sequentially consistent throughout: what was
 * written before a wake is seen by the step that the wake causes. */
#include "io/task_state.h"

enum { PHASE_MASK = 3, FLAGS_MASK = 12, GENERATION_SHIFT = 8 };

static enum task_phase phase_of(uint64_t word)
{
    return (enum task_phase)(word & PHASE_MASK);
}

static uint64_t without_flags(uint64_t word, enum task_phase phase)
{
    return word >> GENERATION_SHIFT << GENERATION_SHIFT | (uint64_t)phase;
}

enum task_phase task_state_phase(struct task_state *state)
{
    return phase_of(atomic_load(&state->word));
}

uint32_t task_state_generation(struct task_state *state)
{
    return (uint32_t)(atomic_load(&state->word) >> GENERATION_SHIFT);
}

bool task_state_claim(struct task_state *state)
{
    uint64_t word = atomic_load(&state->word);

    while (phase_of(word) == TASK_PARKED) {
        if (atomic_compare_exchange_weak(&state->word, &word, without_flags(word, TASK_QUEUED)))
            return true;
    }
    return false;
}

bool task_state_claim_event(struct task_state *state, uint32_t generation)
{
    uint64_t word = atomic_load(&state->word);

    while ((uint32_t)(word >> GENERATION_SHIFT) == generation) {
        bool parked = phase_of(word) == TASK_PARKED;
        uint64_t wanted = parked ? without_flags(word, TASK_RUNNING) : word | TASK_EVENT;
        if (phase_of(word) == TASK_FREE || phase_of(word) == TASK_QUEUED)
            return false;
        if (atomic_compare_exchange_weak(&state->word, &word, wanted))
            return parked;
    }
    return false;
}

bool task_state_wake(struct task_state *state)
{
    uint64_t word = atomic_load(&state->word);

    for (;;) {
        bool parked = phase_of(word) == TASK_PARKED;
        uint64_t wanted = parked ? without_flags(word, TASK_QUEUED) : word | TASK_WAKE;
        if (atomic_compare_exchange_weak(&state->word, &word, wanted))
            return parked;
    }
}

unsigned task_state_set(struct task_state *state, enum task_phase phase)
{
    uint64_t word = atomic_load(&state->word), wanted;

    do {
        wanted = without_flags(word, phase);
        if (phase == TASK_QUEUED)
            wanted |= word & FLAGS_MASK;
    } while (!atomic_compare_exchange_weak(&state->word, &word, wanted));
    return (unsigned)(word & FLAGS_MASK);
}

bool task_state_park(struct task_state *state)
{
    uint64_t running = without_flags(atomic_load(&state->word), TASK_RUNNING);

    return atomic_compare_exchange_strong(&state->word, &running,
                                          without_flags(running, TASK_PARKED));
}

void task_state_end(struct task_state *state)
{
    uint64_t generation = (task_state_generation(state) + 1) & UINT32_MAX;

    atomic_store(&state->word, generation << GENERATION_SHIFT | TASK_FREE);
}
