/*
 * What was promised: every message that was ever handed over, how far its story is known to be on
 * disk, and the checks of a store against that.
 */
#ifndef NUNCIO_SIM_WORLD_H
#define NUNCIO_SIM_WORLD_H

#include "sim_disk.h"
#include "spool/spool.h"

enum { WRITERS = 2, MESSAGES_MAX = 4000 };

enum known {
    UNKNOWN, /* handed over, no answer: may be there or not */
    STORED,  /* acknowledged, or seen after a crash */
    REFUSED, /* answered with an error */
    GONE,    /* was not there when its writer was dead: may not come any more */
};

struct promise {
    uint64_t id;
    uint32_t size;
    uint8_t writer;      /* 0.. WRITERS-1; WRITERS: the store's own log */
    uint32_t generation; /* of that writer */
    enum known message;
    bool seen; /* told by the store that is open now */
    struct spool_location location;
    /* Outcomes: how many were asked for, acknowledged, and found again. */
    uint32_t tries_asked, tries_stored, tries_found;
    uint32_t added_asked, added_stored, added_found;
    bool end_asked, end_stored;
    bool signature_asked, signature_stored; /* as are tries; its text follows from the id */
    struct promise *bounce;                 /* the message that the end makes, or NULL */
};

struct world {
    struct sim_random random;
    struct sim_machine *machine;
    struct disk *store_process;
    struct disk *writer_process[WRITERS];
    struct spool_store *store;
    struct spool_writer *writer[WRITERS];
    uint32_t generation[WRITERS + 1];
    bool opening;
    bool may_damage; /* the run has faults after which damage may be told */
    bool reads_fail; /* now: what cannot be read at opening is told at the next */
    struct promise *promises[MESSAGES_MAX];
    unsigned n_promises;
    uint64_t now_ms;
    bool verbose;
    unsigned n_moved;
    char broken[400]; /* the first broken promise; empty: none */
};

void world_init(struct world *world, uint64_t seed);
void world_done(struct world *world);

__attribute__((format(printf, 2, 3))) void world_break(struct world *world, const char *format,
                                                       ...);
__attribute__((format(printf, 2, 3))) void world_say(const struct world *world, const char *format,
                                                     ...);

struct promise *world_promise(struct world *world, uint64_t id, unsigned writer);
struct promise *world_find(const struct world *world, uint64_t id);
/* The text of a message follows from its id. */
void world_fill_text(uint64_t id, char *to, size_t size);

/* Opens the store and checks all promises. -errno: could not be opened now. */
int world_open_store(struct world *world);
/* Opens a writer; it may fail. */
void world_open_writer(struct world *world, unsigned writer);

/* Ends a process as kill -9 does. */
void world_kill_store(struct world *world);
void world_kill_writer(struct world *world, unsigned writer);
void world_power_cut(struct world *world);

/* Compares the text in the store with what was handed over. */
void world_check_text(struct world *world, const struct promise *promise);
/* The signature of a message; true when there is one. */
enum { SIGNATURE_SIZE = 400 };
bool world_check_signature(struct world *world, const struct promise *promise);

#endif
