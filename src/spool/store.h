/*
 * Inside the store: what it knows of logs, segments and live messages. The public face is in
 * spool.h.
 *
 * All of this is a function of what was read: the cursors say how far each segment was read, and
 * table and counters follow from the records before them. A checkpoint is that, on disk.
 */
#ifndef NUNCIO_SPOOL_STORE_H
#define NUNCIO_SPOOL_STORE_H

#include "spool/scan.h"
#include "spool/spool.h"
#include "spool/table.h"
#include "spool/writer.h"

struct store_segment {
    bool used;            /* false: a free slot */
    bool present;         /* its file was seen */
    bool dead;            /* its lock was free: the writer has ended it, or is no more */
    bool complete;        /* all of it was read, nothing more will come */
    bool damaged;         /* never unlinked: renamed, for a person to look at */
    bool gone;            /* unlinked, but the directory's sync failed: it may come back */
    bool wait_checkpoint; /* messages moved away; to be freed after the next checkpoint */
    bool verify;          /* dead and not sealed */
    bool complained;
    uint8_t log;
    int handle; /* -1: not open */
    struct segment_header header;
    struct scan_cursor cursor;
    struct scan_cursor base; /* the cursor of the last durable checkpoint */
    uint64_t durable;        /* known to be synced */
    uint64_t size;
    uint32_t live;
    uint64_t live_bytes;
};

struct store_log {
    char *name;
    char *directory;
    uint32_t *segments; /* slots, by ascending number */
    unsigned n_segments, room;
    unsigned reading;                   /* position of the first that is not complete */
    uint64_t hint_segment, hint_length; /* what its writer published last */
    bool rescan;                        /* the directory is to be listed */
    bool sweep;                         /* orphaned bodies are to be looked for */
};

enum { STORE_LOGS_MAX = 16, STORE_HANDLES_MAX = 128 };

struct spool_store {
    struct disk *disk;
    char *directory;
    struct spool_store_events events;
    int lock_handle;
    struct spool_writer *log; /* the own one */
    uint8_t own;              /* position of it in logs */
    struct store_log logs[STORE_LOGS_MAX];
    unsigned n_logs;
    struct store_segment *segments;
    uint32_t n_segments;
    struct live_table live;
    struct scan scanner; /* for reading on */
    struct scan reader;  /* for reading again */
    struct arena arena;  /* of one record */
    uint32_t handles;    /* open ones; next_close is where to look for one to close */
    uint32_t next_close;
    bool opening;      /* no events yet */
    bool read_only;    /* offline: nothing is changed, and damage is told by the verification */
    unsigned findings; /* what was told and is not as it should be */
    bool free_wanted;  /* something may have become free */
    uint64_t freed_ms, moved_ms, checkpoint_failed_ms;
    uint64_t checkpoint_bytes; /* size of the last */
    unsigned since_checkpoint; /* segments completed */
    unsigned moving;           /* copies under way */
    atomic_uint moves_failed;  /* counted by the committer */
    bool moved_out;            /* some segment waits for a checkpoint */
};

/* "3f of receive", for texts. */
struct segment_text {
    char text[96];
};
struct segment_text store_segment_text(const struct spool_store *store,
                                       const struct store_segment *segment);

/* Reads all there is without changing anything; for check and export. -EAGAIN: a server has it. */
int store_open_offline(struct disk *disk, const char *directory,
                       const struct spool_store_events *events, struct spool_store **ret_store);
void store_close_offline(struct spool_store *store);

/* Something that a person should know; and the same when it means that something is wrong. */
void store_notice(struct spool_store *store, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void store_trouble(struct spool_store *store, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* store_segments.c: logs and segments */
struct store_log *store_find_log(struct spool_store *store, struct slice name);
/* Made if it is not known; NULL when there are too many. */
struct store_log *store_add_log(struct spool_store *store, struct slice name);
struct store_log *store_log_of_id(struct spool_store *store, uint64_t id);
/* A new slot, in its place among the log's segments. */
uint32_t store_add_segment(struct spool_store *store, struct store_log *log,
                           const struct segment_header *header);
void store_drop_segment(struct spool_store *store, uint32_t slot);
struct store_segment *store_find_segment(struct spool_store *store, struct store_log *log,
                                         uint64_t number);
/* Its handle for reading, or -errno. */
int store_segment_handle(struct spool_store *store, struct store_segment *segment);
void store_segment_close(struct spool_store *store, struct store_segment *segment);
/* Lists the directory, and finds out which segments have lost their writer. */
int store_rescan_log(struct spool_store *store, struct store_log *log);
/* Lists the state folder for directories of writers. */
int store_find_logs(struct spool_store *store);

/* store_read.c: from records to live messages */
/* Up to `max` new messages of one log. The number, or -errno. */
int store_read_log(struct spool_store *store, struct store_log *log, unsigned max);
/* Tells all live messages in the order in which they lie. */
void store_report_messages(struct spool_store *store);
/* The message is no more: forgets it, and removes its body file. */
void store_finish(struct spool_store *store, struct live *live);

/* store_evidence.c */
/* While opening: raises what is known to be durable in the segments of living writers, by what the
 * own log says about their messages. */
int store_find_evidence(struct spool_store *store);

/* store_free.c */
void store_free_segments(struct spool_store *store);
void store_sweep_bodies(struct spool_store *store, struct store_log *log);

/* store_move.c */
void store_move_messages(struct spool_store *store);

/* store_signature.c */
void store_note_signature(struct live *live, uint32_t in, uint64_t at);

/* checkpoint.c */
bool store_checkpoint_due(const struct spool_store *store);
/* Told when it fails. */
int store_save_checkpoint(struct spool_store *store);

/* checkpoint_load.c */
#define CHECKPOINT_MAGIC "nuncio checkpoint\n"
enum { CHECKPOINT_MAGIC_LEN = sizeof(CHECKPOINT_MAGIC) - 1 };
struct checkpoint {
    char *bytes;         /* the whole file; NULL: there is none */
    struct slice body;   /* behind magic and version, without the crc */
    struct slice states; /* after checkpoint_restore() */
};
/* 0 (also when there is none), -EBADMSG, -ENOTSUP, -errno; told. */
int checkpoint_read(struct spool_store *store, struct checkpoint *ret_checkpoint);
void checkpoint_done(struct checkpoint *checkpoint);
/* Fills an empty store with logs, segments and live messages, or (store NULL) only finds where the
 * states are. -EBADMSG. */
int checkpoint_restore(struct checkpoint *checkpoint, struct spool_store *store);

/* Each outcome of the checkpoint, then of the own log behind it up to what was read, in order; only
 * those for which `wanted` is true. */
struct outcome_visitor {
    bool (*wanted)(void *arg, uint64_t id);
    void (*visit)(void *arg, const struct outcome *outcome);
    void *arg;
};
int store_visit_outcomes(struct spool_store *store, const struct checkpoint *checkpoint,
                         const struct outcome_visitor *visitor);

#endif
