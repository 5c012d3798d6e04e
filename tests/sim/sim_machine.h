/*
 * Inside the faulty machine: files and names, each as the page cache has it and as the disk has it.
 *
 * A file has its bytes twice, with a mark on each sector that differs and will be written by the
 * next sync. A name likewise. A failed sync takes the sectors' marks away without the writing,
 * which is what makes asking again a lie. Files that no name of either kind leads to, and no
 * handle, are freed.
 */
#ifndef NUNCIO_SIM_MACHINE_H
#define NUNCIO_SIM_MACHINE_H

#include "sim_disk.h"

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
};

int sim_new_node(struct sim_machine *machine, bool is_directory);
void sim_free_unreachable(struct sim_machine *machine);
void sim_grow(struct node *node, uint64_t size);
/* The entry for a name, made if it is missing. */
struct name *sim_get_name(struct sim_machine *machine, int directory, const char *text);
void sim_set_name(struct sim_machine *machine, int directory, const char *text, int node);
/* Follows "/a/b/c" to the node of "/a/b" and the last part; -errno. */
int sim_find_parent(struct sim_machine *machine, const char *path, const char **ret_last);
int sim_find_node(struct sim_machine *machine, const char *path);
/* Writes each dirty sector (`all`), or each with a chance of one half; all are clean then. */
void sim_write_back(struct sim_machine *machine, struct node *node, bool all);

/* The calls, for a process. */
extern const struct disk_ops sim_disk_ops;

#endif
