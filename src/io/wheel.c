/*
 * Slots are rings of entries around a head; slot = tick modulo WHEEL_SLOTS. Since no entry is set
 * more than one turn ahead, a slot holds entries of one tick alone. See wheel.h.
 */
#include "io/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        struct wheel_entry *head = &wheel->slots[i];
        *head = (struct wheel_entry){.prev = head, .next = head};
    }
    wheel->tick = now_ms / WHEEL_TICK_MS;
    wheel->count = 0;
}

uint64_t wheel_set(struct wheel *wheel, struct wheel_entry *entry, uint64_t deadline_ms)
{
    uint64_t tick = deadline_ms / WHEEL_TICK_MS + (deadline_ms % WHEEL_TICK_MS != 0);
    struct wheel_entry *head;

    if (tick < wheel->tick)
        tick = wheel->tick;
    if (tick > wheel->tick + WHEEL_SLOTS - 1)
        tick = wheel->tick + WHEEL_SLOTS - 1;
    wheel_remove(wheel, entry);
    head = &wheel->slots[tick % WHEEL_SLOTS];
    *entry = (struct wheel_entry){.prev = head->prev, .next = head, .tick = tick};
    head->prev->next = entry;
    head->prev = entry;
    wheel->count++;
    return tick * WHEEL_TICK_MS;
}

void wheel_remove(struct wheel *wheel, struct wheel_entry *entry)
{
    if (!entry->next)
        return;
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    entry->prev = entry->next = NULL;
    wheel->count--;
}

struct wheel_entry *wheel_take(struct wheel *wheel, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_TICK_MS;

    if (now >= wheel->tick + WHEEL_SLOTS)
        wheel->tick = now - WHEEL_SLOTS + 1; /* a long sleep: every slot is due, once around */
    while (wheel->tick <= now) {
        struct wheel_entry *head = &wheel->slots[wheel->tick % WHEEL_SLOTS];
        struct wheel_entry *first = head->next;
        if (first != head) {
            wheel_remove(wheel, first);
            return first;
        }
        wheel->tick++;
    }
    return NULL;
}

uint64_t wheel_next(const struct wheel *wheel)
{
    if (wheel->count == 0)
        return UINT64_MAX;
    for (uint64_t tick = wheel->tick;; tick++) {
        const struct wheel_entry *head = &wheel->slots[tick % WHEEL_SLOTS];
        if (head->next != head)
            return head->next->tick * WHEEL_TICK_MS;
    }
}
