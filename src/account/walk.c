/*
 * Remembers what a question has found so far. See walk.h.
 *
 * At most one finding of a walk is being asked for at a time. A directory may answer during the
 * call; then nothing waits and nobody is called back. Entries are copied, since they are the
 * directory's only during its call.
 */
#include "account/walk.h"

struct finding {
    struct finding *next;
    struct walk *walk;
    struct directory *directory;
    struct slice address;
    bool in_call;                 /* find() has not returned yet */
    enum directory_status status; /* 0: not answered */
    struct directory_entry entry;
};

void walk_init(struct walk *walk, void (*go_on)(struct walk *walk))
{
    *walk = (struct walk){.go_on = go_on};
    arena_init(&walk->arena);
}

static void take_back(struct walk *walk)
{
    struct finding *finding = walk->waits_for;

    if (finding)
        finding->directory->methods->cancel(finding->directory, finding);
    walk->waits_for = NULL;
}

void walk_done(struct walk *walk)
{
    take_back(walk);
    arena_done(&walk->arena);
}

void walk_reset(struct walk *walk)
{
    take_back(walk);
    arena_reset(&walk->arena);
    walk->findings = NULL;
    walk->n_findings = 0;
    walk->fleeting = false;
}

static void copy_entry(struct finding *finding, const struct directory_entry *entry)
{
    struct arena *arena = &finding->walk->arena;
    size_t count = entry->targets.count;

    finding->entry = *entry;
    if (count == 0)
        return;
    finding->entry.targets.list = arena_alloc(arena, count * sizeof(struct slice));
    for (size_t i = 0; i < count; i++)
        finding->entry.targets.list[i] = arena_dup(arena, entry->targets.list[i]);
}

static void on_entry(void *arg, enum directory_status status, const struct directory_entry *entry)
{
    struct finding *finding = arg;
    struct walk *walk = finding->walk;

    finding->status = status;
    if (status == DIRECTORY_FOUND)
        copy_entry(finding, entry);
    if (finding->in_call)
        return;
    walk->waits_for = NULL;
    walk->go_on(walk);
}

static struct finding *ask(struct walk *walk, struct directory *directory, struct slice address)
{
    struct finding *finding = arena_alloc(&walk->arena, sizeof(*finding));

    *finding = (struct finding){.next = walk->findings,
                                .walk = walk,
                                .directory = directory,
                                .address = arena_dup(&walk->arena, address),
                                .in_call = true};
    walk->findings = finding;
    walk->n_findings++;
    walk->fleeting |= directory->methods->fleeting;
    directory->methods->find(directory, finding->address, on_entry, finding);
    finding->in_call = false;
    if (!finding->status)
        walk->waits_for = finding;
    return finding;
}

enum directory_status walk_find(struct walk *walk, struct directory *directory,
                                struct slice address, const struct directory_entry **ret_entry)
{
    struct finding *finding = walk->findings;

    if (!directory)
        return DIRECTORY_LATER;
    while (finding && (finding->directory != directory || !slice_eq(finding->address, address)))
        finding = finding->next;
    if (!finding)
        finding = ask(walk, directory, address);
    if (finding->status == DIRECTORY_FOUND)
        *ret_entry = &finding->entry;
    return finding->status;
}
