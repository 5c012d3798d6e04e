/*
 * A faulty machine's disk, in memory, behind struct disk.
 *
 * What was written is in the page cache; it reaches the disk by sectors of 512 bytes, in any order,
 * and surely only by a sync that succeeds. The same goes for names, by fsync_dir. A failed sync
 * leaves some of it on disk and marks all bytes clean (names and sizes are in the journal, and stay
 * due). Each process has a struct disk of its own,
 * so that one can die alone: its handles and locks go, the page cache stays.
 */
#ifndef NUNCIO_SIM_DISK_H
#define NUNCIO_SIM_DISK_H

#include "sim_random.h"
#include "spool/disk.h"

struct sim_machine;

/* Each is "once in so many calls", 0 for never. */
struct sim_faults {
    uint32_t sync;     /* fdatasync, fsync, fsync_dir say EIO */
    uint32_t write;    /* a write says EIO after some sectors */
    uint32_t truncate; /* says EIO */
    uint32_t name;     /* open for creating, rename, unlink say EIO */
    uint32_t read;     /* says EIO */
    uint64_t capacity; /* bytes, 0: no limit */
};

struct sim_machine *sim_machine_new(struct sim_random *random);
void sim_machine_free(struct sim_machine *machine);
void sim_machine_set_faults(struct sim_machine *machine, struct sim_faults faults);

/* A process on the machine; lives as long as the machine. */
struct disk *sim_process_new(struct sim_machine *machine);
/* From the n-th call on nothing that this process asks for happens any more: it fails. 0: at once.
 */
void sim_process_stop_after(struct disk *process, uint32_t n);
bool sim_process_is_stopped(const struct disk *process);
/* Ends the process: its handles and locks go, and it can be used again as its successor. */
void sim_process_die(struct disk *process);

/* The whole machine stops at the n-th call of any process. */
void sim_machine_stop_after(struct sim_machine *machine, uint32_t n);
bool sim_machine_is_stopped(const struct sim_machine *machine);
/* The power goes: what was not synced is there or not, sector by sector and name by name. All
 * processes have died; the machine starts again. */
void sim_machine_power_cut(struct sim_machine *machine);

/* Has a truncate, or the fsync that would make it last, failed since the start? */
bool sim_machine_cut_was_refused(const struct sim_machine *machine);

#endif
