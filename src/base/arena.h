/*
 * An arena: memory with one common end. Session, transaction and step each have one; protocol code
 * allocates from it and never frees.
 *
 * Not thread-safe: an arena belongs to whoever runs the session now. Memory given back by reset is
 * poisoned under AddressSanitizer, so that a use after it is found by the tests.
 */
#ifndef NUNCIO_BASE_ARENA_H
#define NUNCIO_BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out since init or reset, for bounds */
};

void arena_init(struct arena *arena);
/* Frees everything; the arena may be used again. */
void arena_done(struct arena *arena);
/* Frees everything but one small block, which is kept for the next use. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type; never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
struct slice arena_dup(struct arena *arena, struct slice s);
/* NUL-terminated copy. */
char *arena_cstr(struct arena *arena, struct slice s);
struct slice arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
