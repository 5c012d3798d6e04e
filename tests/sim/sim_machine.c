/*
 * Files, names and processes of the faulty machine, and what a power cut leaves of them. See
 * sim_machine.h.
 */
#include "sim_machine.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

/* ---- nodes and names ----------------------------------------------------------------------- */

int sim_new_node(struct sim_machine *machine, bool is_directory)
{
    int at = 0;

    while (at < machine->n_nodes && machine->nodes[at].used)
        at++;
    if (at == machine->n_nodes) {
        machine->n_nodes++;
        machine->nodes =
            xrealloc(machine->nodes, (size_t)machine->n_nodes * sizeof(machine->nodes[0]));
    }
    machine->nodes[at] = (struct node){.used = true, .is_directory = is_directory};
    return at;
}

static void free_node(struct node *node)
{
    free(node->cache);
    free(node->disk);
    free(node->dirty);
    *node = (struct node){0};
}

void sim_free_unreachable(struct sim_machine *machine)
{
    for (int i = ROOT + 1; i < machine->n_nodes; i++) {
        bool reachable = false;
        for (int n = 0; n < machine->n_names; n++)
            reachable |= machine->names[n].cache == i || machine->names[n].disk == i;
        for (int h = 0; h < HANDLES; h++)
            reachable |= machine->handles[h].owner && machine->handles[h].node == i;
        if (!reachable)
            free_node(&machine->nodes[i]);
    }
}

void sim_grow(struct node *node, uint64_t size)
{
    uint64_t room = (size + SECTOR - 1) / SECTOR * SECTOR;

    if (room <= node->room)
        return;
    node->cache = xrealloc(node->cache, room);
    node->disk = xrealloc(node->disk, room);
    node->dirty = xrealloc(node->dirty, room / SECTOR);
    memset(node->cache + node->room, 0, room - node->room);
    memset(node->disk + node->room, 0, room - node->room);
    memset(node->dirty + node->room / SECTOR, 0, (room - node->room) / SECTOR);
    node->room = room;
}

/* The entry for a name, made if it is missing. */
struct name *sim_get_name(struct sim_machine *machine, int directory, const char *text)
{
    struct name *name;

    for (int i = 0; i < machine->n_names; i++) {
        if (machine->names[i].directory == directory && strcmp(machine->names[i].text, text) == 0)
            return &machine->names[i];
    }
    machine->names =
        xrealloc(machine->names, (size_t)(machine->n_names + 1) * sizeof(machine->names[0]));
    name = &machine->names[machine->n_names++];
    *name = (struct name){.directory = directory, .cache = NOBODY, .disk = NOBODY};
    snprintf(name->text, sizeof(name->text), "%s", text);
    return name;
}

void sim_set_name(struct sim_machine *machine, int directory, const char *text, int node)
{
    struct name *name = sim_get_name(machine, directory, text);

    name->cache = node;
    name->dirty = true;
}

/* Follows "/a/b/c" to the node of "/a/b" and the last part. */
int sim_find_parent(struct sim_machine *machine, const char *path, const char **ret_last)
{
    int directory = ROOT;

    for (;;) {
        const char *slash;
        char part[32];
        while (*path == '/')
            path++;
        slash = strchr(path, '/');
        if (!slash) {
            *ret_last = path;
            return directory;
        }
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        directory = sim_get_name(machine, directory, part)->cache;
        if (directory == NOBODY)
            return -ENOENT;
        if (!machine->nodes[directory].is_directory)
            return -ENOTDIR;
        path = slash;
    }
}

int sim_find_node(struct sim_machine *machine, const char *path)
{
    const char *last;
    int directory = sim_find_parent(machine, path, &last);

    if (directory < 0)
        return directory;
    if (!*last)
        return directory;
    directory = sim_get_name(machine, directory, last)->cache;
    return directory == NOBODY ? -ENOENT : directory;
}

static void write_sector(struct node *node, uint64_t sector)
{
    memcpy(node->disk + sector * SECTOR, node->cache + sector * SECTOR, SECTOR);
}

/* Writes each dirty sector (`all`), or each with a chance of one half; all are clean then. */
void sim_write_back(struct sim_machine *machine, struct node *node, bool all)
{
    for (uint64_t i = 0; i < node->room / SECTOR; i++) {
        if (node->dirty[i] && (all || sim_below(machine->random, 2)))
            write_sector(node, i);
        node->dirty[i] = 0;
    }
    if (node->size_dirty && (all || sim_below(machine->random, 2))) {
        node->disk_size = node->size;
        node->size_dirty = false;
    }
}

/* ---- machines and processes ---------------------------------------------------------------- */

struct sim_machine *sim_machine_new(struct sim_random *random)
{
    struct sim_machine *machine = xcalloc(1, sizeof(*machine));

    machine->random = random;
    sim_new_node(machine, true); /* ROOT */
    return machine;
}

void sim_machine_free(struct sim_machine *machine)
{
    for (int i = 0; i < machine->n_nodes; i++)
        free_node(&machine->nodes[i]);
    free(machine->nodes);
    free(machine->names);
    free(machine);
}

void sim_machine_set_faults(struct sim_machine *machine, struct sim_faults faults)
{
    machine->faults = faults;
}

struct disk *sim_process_new(struct sim_machine *machine)
{
    struct process *process = &machine->processes[machine->n_processes++];

    process->disk.ops = &sim_disk_ops;
    process->machine = machine;
    return &process->disk;
}

void sim_process_stop_after(struct disk *disk, uint32_t n)
{
    struct process *process = (struct process *)disk;

    process->stop_after = n;
    process->stopped = n == 0;
}

bool sim_process_is_stopped(const struct disk *disk)
{
    const struct process *process = (const struct process *)disk;

    return process->stopped || process->machine->stopped;
}

void sim_process_die(struct disk *disk)
{
    struct process *process = (struct process *)disk;

    for (int i = 0; i < HANDLES; i++) {
        if (process->machine->handles[i].owner == process)
            process->machine->handles[i].owner = NULL;
    }
    process->stop_after = 0;
    process->stopped = false;
}

void sim_machine_stop_after(struct sim_machine *machine, uint32_t n)
{
    machine->stop_after = n;
    machine->stopped = n == 0;
}

bool sim_machine_is_stopped(const struct sim_machine *machine)
{
    return machine->stopped;
}

void sim_machine_power_cut(struct sim_machine *machine)
{
    for (int i = 0; i < machine->n_processes; i++)
        sim_process_die(&machine->processes[i].disk);
    for (int i = 0; i < machine->n_names; i++) {
        struct name *name = &machine->names[i];
        if (name->dirty && sim_below(machine->random, 2))
            name->disk = name->cache;
        name->cache = name->disk;
        name->dirty = false;
    }
    for (int i = 0; i < machine->n_nodes; i++) {
        struct node *node = &machine->nodes[i];
        if (!node->used)
            continue;
        sim_write_back(machine, node, false);
        if (node->room == 0)
            continue;
        memcpy(node->cache, node->disk, node->room);
        node->size = node->disk_size;
        node->size_dirty = false;
        if (node->room > node->size)
            memset(node->cache + node->size, 0, node->room - node->size);
        memcpy(node->disk, node->cache, node->room);
    }
    sim_free_unreachable(machine);
    machine->stop_after = 0;
    machine->stopped = false;
}

bool sim_machine_cut_was_refused(const struct sim_machine *machine)
{
    return machine->cut_refused;
}
