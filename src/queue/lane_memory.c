/* See lane_memory.h. */
#include "queue/lane_memory.h"

#include <string.h>

void lane_memory_note(struct lane_memory *memory, enum answer_class class, struct slice words)
{
    words = slice_sub(words, 0, LANE_WORDS_MAX);
    memory->classes[class]++;
    for (size_t i = 0; i < words.len; i++) {
        unsigned char c = (unsigned char)words.ptr[i];
        memory->words[i] = c < ' ' || c > '~' ? '?' : words.ptr[i];
    }
    memory->words_len = words.len;
}

static struct lane_source *find_source(struct lane_memory *memory, struct slice address)
{
    struct lane_source *first = &memory->sources[0];

    for (unsigned i = 0; i < memory->n_sources; i++) {
        struct lane_source *source = &memory->sources[i];
        if (slice_eq(slice_from_cstr(source->address), address))
            return source;
        if (source->until < first->until)
            first = source;
    }
    return memory->n_sources < LANE_SOURCES_MAX ? &memory->sources[memory->n_sources++] : first;
}

void lane_memory_suspend(struct lane_memory *memory, struct slice address, uint64_t until)
{
    struct lane_source *source;

    if (!address.len || address.len >= LANE_ADDRESS_MAX)
        return;
    source = find_source(memory, address);
    memcpy(source->address, address.ptr, address.len);
    source->address[address.len] = '\0';
    source->until = until;
}

bool lane_memory_is_suspended(const struct lane_memory *memory, struct slice address, uint64_t now)
{
    for (unsigned i = 0; memory && i < memory->n_sources; i++) {
        const struct lane_source *source = &memory->sources[i];
        if (now < source->until && slice_eq(slice_from_cstr(source->address), address))
            return true;
    }
    return false;
}

unsigned lane_memory_count_suspended(const struct lane_memory *memory, uint64_t now)
{
    unsigned count = 0;

    for (unsigned i = 0; memory && i < memory->n_sources; i++)
        count += now < memory->sources[i].until;
    return count;
}
