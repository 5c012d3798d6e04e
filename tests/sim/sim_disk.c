/*
 * The calls of the faulty disk, as struct disk has them. See sim_disk.h for what can go wrong in
 * each, and sim_machine.h for what it works on.
 */
#include "sim_machine.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

static bool lives(struct process *process)
{
    struct sim_machine *machine = process->machine;

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
    directory = sim_find_parent(machine, path, &last);
    if (directory < 0)
        return directory;
    node = sim_get_name(machine, directory, last)->cache;
    if (how & DISK_CREATE) {
        if (node != NOBODY)
            return -EEXIST;
        if (sim_once_in(machine->random, machine->faults.name))
            return -EIO;
        sim_free_unreachable(machine);
        node = sim_new_node(machine, false);
        sim_set_name(machine, directory, last, node);
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
    sim_grow(node, offset + len);
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
    sim_grow(node, size);
    /* What lies behind the end reads as zeros when the file grows again. */
    memset(node->cache + size, 0, node->room - size);
    node->size = size;
    node->size_dirty = node->cut = true;
    return 0;
}

static int sync_node(struct disk *disk, int handle)
{
    struct process *process = (struct process *)disk;
    struct node *node = node_of(process, handle);
    bool fails;

    if (!lives(process))
        return -EIO;
    fails = sim_once_in(process->machine->random, process->machine->faults.sync);
    sim_write_back(process->machine, node, !fails);
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
    int node = sim_find_node(machine, from);
    int old_directory = sim_find_parent(machine, from, &old_name);
    int new_directory = sim_find_parent(machine, to, &new_name);

    if (!lives(process) || sim_once_in(machine->random, machine->faults.name))
        return -EIO;
    if (node < 0 || new_directory < 0)
        return -ENOENT;
    sim_set_name(machine, old_directory, old_name, NOBODY);
    sim_set_name(machine, new_directory, new_name, node);
    return 0;
}

static int sim_unlink(struct disk *disk, const char *path)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    const char *name;
    int directory = sim_find_parent(machine, path, &name);

    if (!lives(process) || sim_once_in(machine->random, machine->faults.name))
        return -EIO;
    if (sim_find_node(machine, path) < 0)
        return -ENOENT;
    sim_set_name(machine, directory, name, NOBODY);
    sim_free_unreachable(machine);
    return 0;
}

static int sim_mkdir(struct disk *disk, const char *path)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    const char *name;
    int directory = sim_find_parent(machine, path, &name);

    if (!lives(process))
        return -EIO;
    if (directory < 0)
        return directory;
    if (sim_find_node(machine, path) >= 0)
        return -EEXIST;
    sim_set_name(machine, directory, name, sim_new_node(machine, true));
    return 0;
}

static int sim_fsync_dir(struct disk *disk, const char *path)
{
    struct process *process = (struct process *)disk;
    struct sim_machine *machine = process->machine;
    int directory = sim_find_node(machine, path);
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
    int directory = sim_find_node(machine, path);
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

const struct disk_ops sim_disk_ops = {
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
