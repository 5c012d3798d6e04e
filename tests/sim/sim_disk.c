/*
 * The faulty disk. See sim_disk.h for what it does.
 *
 * A file has its bytes twice: as the page cache has them and as the disk has them, with a mark on
 * each sector that differs and will be written by the next sync. A name likewise. A failed sync
 * takes the sectors' marks away without the writing, which is what makes asking again a lie. Files
 * that no name of either kind leads to, and no handle, are freed.
 */
#include "sim_disk.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

enum { SECTOR = 512, HANDLES = 512, PROCESSES = 8, ROOT = 0 };

struct node {
    bool used, is_directory;
    unsigned char *cache, *disk;
    unsigned char *dirty; /* by sector */
    uint64_t size, disk_size, room;
    bool size_dirty;
    bool cut; /* truncated and not synced since */
};

enum { NOBODY = -1 };

struct name {
    int directory; /* node */
    char text[32];
    int cache, disk; /* node, or NOBODY */
    bool dirty;
};

struct process {
    struct disk disk; /* first, so that a struct disk is its process */
    struct sim_machine *machine;
    uint32_t stop_after; /* 0: never */
    bool stopped;
};

struct handle {
    struct process *owner; /* NULL: free */
    int node;
    bool writable, locked;
};

struct sim_machine {
    struct sim_random *random;
    struct sim_faults faults;
    struct node *nodes;
    int n_nodes;
    struct name *names;
    int n_names;
    struct handle handles[HANDLES];
    struct process processes[PROCESSES];
    int n_processes;
    uint32_t stop_after;
    bool stopped, cut_refused;
    uint64_t calls;
};

/* ---- nodes and names ----------------------------------------------------------------------- */

static int new_node(struct sim_machine *machine, bool is_directory)
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

static void free_unreachable(struct sim_machine *machine)
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

static void grow(struct node *node, uint64_t size)
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
static struct name *get_name(struct sim_machine *machine, int directory, const char *text)
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

static void set_name(struct sim_machine *machine, int directory, const char *text, int node)
{
    struct name *name = get_name(machine, directory, text);

    name->cache = node;
    name->dirty = true;
}

/* Follows "/a/b/c" to the node of "/a/b" and the last part. */
static int find_parent(struct sim_machine *machine, const char *path, const char **ret_last)
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
        directory = get_name(machine, directory, part)->cache;
        if (directory == NOBODY)
            return -ENOENT;
        if (!machine->nodes[directory].is_directory)
            return -ENOTDIR;
        path = slash;
    }
}

static int find_node(struct sim_machine *machine, const char *path)
{
    const char *last;
    int directory = find_parent(machine, path, &last);

    if (directory < 0)
        return directory;
    if (!*last)
        return directory;
    directory = get_name(machine, directory, last)->cache;
    return directory == NOBODY ? -ENOENT : directory;
}

/* ---- calls --------------------------------------------------------------------------------- */

static bool lives(struct process *process)
{
    struct sim_machine *machine = process->machine;

    machine->calls++;
    if (process->stop_after && --process->stop_after == 0)
        process->stopped = true;
    if (machine->stop_after && --machine->stop_after == 0)
        machine->stopped = true;
    return !process->stopped && !machine->stopped;
}

static struct node *node_of(struct process *process, int handle)
{
    struct handle *slot = &process->machine->handles[handle];

    if (handle < 0 || handle >= HANDLES || slot->owner != process)
        abort(); /* the program under test used a handle that it does not have */
    return &process->machine->nodes[slot->node];
}

static uint64_t bytes_used(const struct sim_machine *machine)
{
    uint64_t used = 0;

    for (int i = 0; i < machine->n_nodes; i++)
        used += machine->nodes[i].used ? machine->nodes[i].size : 0;
    return used;
}

static int new_handle(struct process *process, int node, bool writable)
{
    for (int i = 0; i < HANDLES; i++) {
        if (!process->machine->handles[i].owner) {
            process->machine->handles[i] =
                (struct handle){.owner = process, .node = node, .writable = writable};
            return i;
        }
    }
    return -EMFILE;
}

static int sim_open(struct disk *disk, const char *path, unsigned how)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    const char *last;
    int directory, node;

    if (!lives(process))
        return -EIO;
    directory = find_parent(machine, path, &last);
    if (directory < 0)
        return directory;
    node = get_name(machine, directory, last)->cache;
    if (how & DISK_CREATE) {
        if (node != NOBODY)
            return -EEXIST;
        if (sim_once_in(machine->random, machine->faults.name))
            return -EIO;
        free_unreachable(machine);
        node = new_node(machine, false);
        set_name(machine, directory, last, node);
    }
    return node == NOBODY ? -ENOENT : new_handle(process, node, how & (DISK_WRITE | DISK_CREATE));
}

static void sim_close(struct disk *disk, int handle)
{
    struct process *process = (struct process *)disk;

    node_of(process, handle);
    process->machine->handles[handle].owner = NULL;
}

static ssize_t sim_pread(struct disk *disk, int handle, void *to, size_t len, uint64_t offset)
{
    struct process *process = (struct process *)disk;
    struct node *node = node_of(process, handle);

    if (!lives(process) || sim_once_in(process->machine->random, process->machine->faults.read))
        return -EIO;
    if (offset >= node->size)
        return 0;
    if (len > node->size - offset)
        len = (size_t)(node->size - offset);
    memcpy(to, node->cache + offset, len);
    return (ssize_t)len;
}

static void write_bytes(struct node *node, const void *from, size_t len, uint64_t offset)
{
    if (len == 0)
        return;
    grow(node, offset + len);
    memcpy(node->cache + offset, from, len);
    memset(node->dirty + offset / SECTOR, 1, (offset + len - 1) / SECTOR - offset / SECTOR + 1);
    if (offset + len > node->size) {
        node->size = offset + len;
        node->size_dirty = true;
    }
}

static uint64_t random_sectors(struct sim_machine *machine, uint64_t end)
{
    return sim_below(machine->random, (uint32_t)(end / SECTOR + 1)) * (uint64_t)SECTOR;
}

static int check_write(struct process *process, const struct node *node, uint64_t end,
                       uint64_t *ret_allowed)
{
    struct sim_machine *machine = process->machine;
    uint64_t more = end > node->size ? end - node->size : 0;

    *ret_allowed = end;
    if (more && machine->faults.capacity && bytes_used(machine) + more > machine->faults.capacity)
        return -ENOSPC;
    if (sim_once_in(machine->random, machine->faults.write)) {
        *ret_allowed = random_sectors(machine, end);
        return -EIO;
    }
    return 0;
}

static int sim_pwritev(struct disk *disk, int handle, const struct iovec *iov, int n,
                       uint64_t offset)
{
    struct process *process = (struct process *)disk;
    struct node *node = node_of(process, handle);
    uint64_t end = offset, allowed;
    bool alive;
    int result;

    for (int i = 0; i < n; i++)
        end += iov[i].iov_len;
    if (!process->machine->handles[handle].writable)
        abort();
    alive = !sim_process_is_stopped(disk);
    result = check_write(process, node, end, &allowed);
    if (!lives(process)) {
        if (!alive)
            return -EIO;
        /* It stops in the middle of this write. */
        allowed = random_sectors(process->machine, end);
        result = -EIO;
    }
    if (result == -ENOSPC)
        return result;
    for (int i = 0; i < n && offset < allowed; i++) {
        size_t len = iov[i].iov_len;
        if (len > allowed - offset)
            len = (size_t)(allowed - offset);
        write_bytes(node, iov[i].iov_base, len, offset);
        offset += len;
    }
    return result;
}

static int sim_size(struct disk *disk, int handle, uint64_t *ret_size)
{
    struct process *process = (struct process *)disk;
    const struct node *node = node_of(process, handle);

    if (!lives(process))
        return -EIO;
    *ret_size = node->size;
    return 0;
}

static int sim_allocate(struct disk *disk, int handle, uint64_t size)
{
    struct iovec iov = {.iov_len = size};
    int result;

    iov.iov_base = xcalloc(1, size);
    result = sim_pwritev(disk, handle, &iov, 1, 0);
    free(iov.iov_base);
    return result;
}

static int sim_truncate(struct disk *disk, int handle, uint64_t size)
{
    struct process *process = (struct process *)disk;
    struct node *node = node_of(process, handle);

    if (!lives(process))
        return -EIO;
    if (sim_once_in(process->machine->random, process->machine->faults.truncate)) {
        process->machine->cut_refused = true;
        return -EIO;
    }
    grow(node, size);
    /* What lies behind the end reads as zeros when the file grows again. */
    memset(node->cache + size, 0, node->room - size);
    node->size = size;
    node->size_dirty = node->cut = true;
    return 0;
}

static void write_sector(struct node *node, uint64_t sector)
{
    memcpy(node->disk + sector * SECTOR, node->cache + sector * SECTOR, SECTOR);
}

/* Writes each dirty sector (`all`), or each with a chance of one half; all are clean then. */
static void write_back(struct sim_machine *machine, struct node *node, bool all)
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

static int sync_node(struct disk *disk, int handle)
{
    struct process *process = (struct process *)disk;
    struct node *node = node_of(process, handle);
    bool fails;

    if (!lives(process))
        return -EIO;
    fails = sim_once_in(process->machine->random, process->machine->faults.sync);
    write_back(process->machine, node, !fails);
    return fails ? -EIO : 0;
}

static int sim_fsync(struct disk *disk, int handle)
{
    struct process *process = (struct process *)disk;
    int result = sync_node(disk, handle);

    if (result < 0 && node_of(process, handle)->cut && !sim_process_is_stopped(disk))
        process->machine->cut_refused = true;
    if (result == 0)
        node_of(process, handle)->cut = false;
    return result;
}

static int sim_forget(struct disk *disk, int handle)
{
    struct process *process = (struct process *)disk;
    struct node *node = node_of(process, handle);

    if (!lives(process))
        return -EIO;
    for (uint64_t i = 0; i < node->room / SECTOR; i++) {
        if (!node->dirty[i])
            memcpy(node->cache + i * SECTOR, node->disk + i * SECTOR, SECTOR);
    }
    return 0;
}

static int sim_lock(struct disk *disk, int handle)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    struct handle *own = &machine->handles[handle];

    node_of(process, handle);
    if (!lives(process))
        return -EIO;
    for (int i = 0; i < HANDLES; i++) {
        const struct handle *other = &machine->handles[i];
        if (other->owner && i != handle && other->node == own->node && other->locked &&
            (other->writable || own->writable))
            return -EAGAIN;
    }
    own->locked = true;
    return 0;
}

static int sim_rename(struct disk *disk, const char *from, const char *to)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    const char *old_name, *new_name;
    int node = find_node(machine, from);
    int old_directory = find_parent(machine, from, &old_name);
    int new_directory = find_parent(machine, to, &new_name);

    if (!lives(process) || sim_once_in(machine->random, machine->faults.name))
        return -EIO;
    if (node < 0 || new_directory < 0)
        return -ENOENT;
    set_name(machine, old_directory, old_name, NOBODY);
    set_name(machine, new_directory, new_name, node);
    return 0;
}

static int sim_unlink(struct disk *disk, const char *path)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    const char *name;
    int directory = find_parent(machine, path, &name);

    if (!lives(process) || sim_once_in(machine->random, machine->faults.name))
        return -EIO;
    if (find_node(machine, path) < 0)
        return -ENOENT;
    set_name(machine, directory, name, NOBODY);
    free_unreachable(machine);
    return 0;
}

static int sim_mkdir(struct disk *disk, const char *path)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    const char *name;
    int directory = find_parent(machine, path, &name);

    if (!lives(process))
        return -EIO;
    if (directory < 0)
        return directory;
    if (find_node(machine, path) >= 0)
        return -EEXIST;
    set_name(machine, directory, name, new_node(machine, true));
    return 0;
}

static int sim_fsync_dir(struct disk *disk, const char *path)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    int directory = find_node(machine, path);
    bool fails;

    if (!lives(process))
        return -EIO;
    if (directory < 0)
        return directory;
    if (!machine->nodes[directory].is_directory)
        return -ENOTDIR;
    fails = sim_once_in(machine->random, machine->faults.sync);
    for (int i = 0; i < machine->n_names; i++) {
        struct name *name = &machine->names[i];
        if (name->directory != directory || !name->dirty)
            continue;
        if (fails && sim_below(machine->random, 2))
            continue;
        name->disk = name->cache;
        name->dirty = false;
    }
    return fails ? -EIO : 0;
}

static int sim_list(struct disk *disk, const char *path, int (*each)(void *arg, const char *name),
                    void *arg)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    int directory = find_node(machine, path);
    int result = 0;

    if (!lives(process))
        return -EIO;
    if (directory < 0)
        return directory;
    if (!machine->nodes[directory].is_directory)
        return -ENOTDIR;
    /* `each` may look names up, which makes the array grow. */
    for (int i = 0; i < machine->n_names && result == 0; i++) {
        char text[32];
        if (machine->names[i].directory != directory || machine->names[i].cache == NOBODY)
            continue;
        snprintf(text, sizeof(text), "%s", machine->names[i].text);
        result = each(arg, text);
    }
    return result;
}

static int sim_space(struct disk *disk, const char *path, struct disk_space *ret_space)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    uint64_t used = bytes_used(machine);

    (void)path;
    if (!lives(process))
        return -EIO;
    ret_space->bytes_free = UINT64_MAX;
    if (machine->faults.capacity)
        ret_space->bytes_free =
            used < machine->faults.capacity ? machine->faults.capacity - used : 0;
    ret_space->inodes_free = UINT64_MAX;
    return 0;
}

static const struct disk_ops sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .pread = sim_pread,
    .pwritev = sim_pwritev,
    .size = sim_size,
    .allocate = sim_allocate,
    .truncate = sim_truncate,
    .fdatasync = sync_node,
    .fsync = sim_fsync,
    .forget = sim_forget,
    .lock = sim_lock,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .fsync_dir = sim_fsync_dir,
    .list = sim_list,
    .space = sim_space,
};

/* ---- machines and processes ---------------------------------------------------------------- */

struct sim_machine *sim_machine_new(struct sim_random *random)
{
    struct sim_machine *machine = xcalloc(1, sizeof(*machine));

    machine->random = random;
    new_node(machine, true); /* ROOT */
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

    process->disk.ops = &sim_ops;
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
        write_back(machine, node, false);
        if (node->room == 0)
            continue;
        memcpy(node->cache, node->disk, node->room);
        node->size = node->disk_size;
        node->size_dirty = false;
        if (node->room > node->size)
            memset(node->cache + node->size, 0, node->room - node->size);
        memcpy(node->disk, node->cache, node->room);
    }
    free_unreachable(machine);
    machine->stop_after = 0;
    machine->stopped = false;
}

bool sim_machine_cut_was_refused(const struct sim_machine *machine)
{
    return machine->cut_refused;
}

uint64_t sim_machine_calls(const struct sim_machine *machine)
{
    return machine->calls;
}
