/*
 * A timer wheel: many deadlines, most of which are moved or dropped before they come.
 *
 * Setting and removing are O(1). Time goes in ticks of WHEEL_TICK_MS; an entry comes out at its
 * deadline or up to a tick later, never earlier but for one thing: a deadline further away than
 * the wheel's circumference comes out after one turn, and its owner sets it again.
 * Not thread-safe.
 */
#ifndef NUNCIO_IO_WHEEL_H
#define NUNCIO_IO_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_TICK_MS = 50, WHEEL_SLOTS = 1024 };

struct wheel_entry {
    struct wheel_entry *prev, *next; /* NULL: not in a wheel */
    uint64_t tick;
};

struct wheel {
    struct wheel_entry slots[WHEEL_SLOTS]; /* list heads */
    uint64_t tick;                         /* all before it has been taken */
    unsigned count;
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);
/* Puts it in, or moves it. Returns when it will come out, in milliseconds. */
uint64_t wheel_set(struct wheel *wheel, struct wheel_entry *entry, uint64_t deadline_ms);
void wheel_remove(struct wheel *wheel, struct wheel_entry *entry); /* also when it is not in */
/* Takes out one entry that is due; NULL when there is none. */
struct wheel_entry *wheel_take(struct wheel *wheel, uint64_t now_ms);
/* When to look next; UINT64_MAX for an empty wheel. */
uint64_t wheel_next(const struct wheel *wheel);

#endif
