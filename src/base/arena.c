/* Blocks of growing size, handed out front to back. See arena.h. */
#include "base/arena.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(ptr, len)   ASAN_POISON_MEMORY_REGION(ptr, len)
#define UNPOISON(ptr, len) ASAN_UNPOISON_MEMORY_REGION(ptr, len)
#else
#define POISON(ptr, len)   ((void)(ptr), (void)(len))
#define UNPOISON(ptr, len) ((void)(ptr), (void)(len))
#endif

enum { ALIGNMENT = 16, FIRST_BLOCK = 1008, LARGEST_STEP = 64 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t size;
    size_t used;
    _Alignas(ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        UNPOISON(block->bytes, block->size);
        free(block);
        block = older;
    }
}

void arena_done(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena_init(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->blocks;

    arena->used = 0;
    if (!keep)
        return;
    if (keep->size > FIRST_BLOCK) {
        arena_done(arena);
        return;
    }
    free_blocks(keep->older);
    keep->older = NULL;
    keep->used = 0;
    POISON(keep->bytes, keep->size);
}

static struct arena_block *add_block(struct arena *arena, size_t at_least)
{
    size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
    struct arena_block *block;

    if (size > LARGEST_STEP)
        size = LARGEST_STEP;
    if (size < at_least)
        size = at_least;
    block = xmalloc(sizeof(*block) + size);
    block->older = arena->blocks;
    block->size = size;
    block->used = 0;
    POISON(block->bytes, size);
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *ptr;

    if (rounded < size)
        abort();
    if (!block || block->size - block->used < rounded)
        block = add_block(arena, rounded);
    ptr = block->bytes + block->used;
    block->used += rounded;
    arena->used += rounded;
    UNPOISON(ptr, size);
    return memset(ptr, 0, size);
}

struct slice arena_dup(struct arena *arena, struct slice s)
{
    return slice_from(arena_cstr(arena, s), s.len);
}

char *arena_cstr(struct arena *arena, struct slice s)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
    struct buf text;
    struct slice copy;
    va_list args;

    buf_init(&text, SIZE_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    copy = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return copy;
}
