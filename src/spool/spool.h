/*
 * The durable store: append-only logs with group commit. DESIGN in short:
 *
 *   state/spool/<writer>/  one directory per writing process: "receive", "queue"
 *       0000000000000042.seg   64 MiB segments: header, then batches padded to 4 KiB
 *       <message id>.body      bodies too large for a segment
 *
 * A writer appends records and syncs them in groups; nobody else ever appends to its segments. The
 * store (the queue role's side) reads every log behind the published durable length, keeps the
 * outcomes in the queue's own log, and is the only one that frees segments.
 *
 * The promise: when a commit callback says 0, the record survives kill -9, power cut and restart.
 * When it says an error, the record is not in the store and never will be. (One doubt is left: the
 * disk refused the sync, then refused to cut the segment too, and then the machine died. The record
 * may then come back whole, never in part.)
 *
 * Who may touch what: a writer's directory is made with mode 0770 and its files with 0640. The
 * store's process needs to read the files and to unlink in the directory, so the directory belongs
 * to a group of the store's process, with the set-group-id bit; it never writes to these files.
 */
#ifndef NUNCIO_SPOOL_SPOOL_H
#define NUNCIO_SPOOL_SPOOL_H

#include "base/histogram.h"
#include "mail/envelope.h"
#include "spool/disk.h"

/* ---- the writer: receive for mail from outside, queue for DSNs and outcomes ---------------- */

struct spool_writer;

struct spool_writer_options {
    struct disk *disk;
    const char *directory; /* created if missing */
    uint8_t writer_number; /* 1..15, part of every message id: 1 receive, 2 queue */
    uint64_t segment_size; /* bytes, 0: 64 MiB */
    uint64_t inline_max;   /* bodies above it get a file of their own; 0: 1 MiB */
    uint64_t memory_max;   /* bytes of bodies held in memory at a time; 0: 64 MiB */
    uint64_t reserve_bytes,
        reserve_inodes; /* free space below which -ENOSPC; 0: 3 segments, 1000 */
    /* Called on the committer's thread after each successful sync. May be NULL. */
    void (*on_durable)(void *arg, uint64_t segment, uint64_t length);
    void *arg;
    /* Starts no threads: spool_writer_step() does their work when called. For the simulator. */
    bool manual;
};

/* Starts the committer's thread. -errno. */
int spool_writer_open(const struct spool_writer_options *options, struct spool_writer **ret_writer);
/* Commits what was handed over, then ends the thread. No body may be left. */
void spool_writer_close(struct spool_writer *writer);
/* How long records took from their coming to their being on disk. As long as the writer. */
const struct histogram *spool_writer_commits(const struct spool_writer *writer);
/* Of a manual writer: commits what was handed over and prepares the next segment. */
void spool_writer_step(struct spool_writer *writer);

/* A fresh message id. Thread-safe, never fails, never repeats, not after a crash either. */
uint64_t spool_writer_next_id(struct spool_writer *writer);

/* 0, or -ENOSPC before bytes or inodes run out, or -EIO when the log cannot be written now.
 * Cheap (checked at most once a second); asked at MAIL. */
int spool_writer_ready(struct spool_writer *writer);

/* How far the log is on disk: what on_durable said last, to be told to a store that (re)connects.
 */
void spool_writer_durable(struct spool_writer *writer, uint64_t *ret_segment, uint64_t *ret_length);

/* A message text on its way in. Belongs to one thread at a time. */
struct spool_body;
struct spool_body *spool_body_new(struct spool_writer *writer, uint64_t id);
/* 0 or -errno; after a failure only spool_body_free() makes sense. */
int spool_body_add(struct spool_body *body, struct slice bytes);
uint64_t spool_body_size(const struct spool_body *body);
/* Before the first byte: so much may yet be put in front of the text, however large it becomes. */
void spool_body_keep_room(struct spool_body *body, uint32_t size);
/* Puts header fields in front of a text that is complete, for which there is room. 0 or -errno, as
 * spool_body_add(). */
int spool_body_prepend(struct spool_body *body, struct slice fields);
void spool_body_free(struct spool_body *body); /* gives it up; NULL is fine */

/*
 * Hands a message over. The envelope is encoded before the call returns; the body is taken over,
 * whatever happens. `done` is called exactly once, on the committer's thread, with 0 when the
 * message is durable, -EMSGSIZE when the envelope cannot be encoded, -ENOSPC, -EIO or another
 * errno-like failure when it is not stored. envelope->id must be from spool_writer_next_id().
 */
typedef void spool_done(void *arg, int result);
void spool_submit(struct spool_writer *writer, const struct envelope *envelope,
                  struct spool_body *body, spool_done *done, void *arg);

/* ---- the store: the queue role's side ------------------------------------------------------ */

/* Where a message lies. Opaque outside src/spool, 12 bytes, good until the message is finished or
 * `moved` tells a new one. */
struct spool_location {
    uint32_t segment; /* index in the store's table */
    uint32_t offset;
    uint32_t length; /* of the record in the segment */
};

struct spool_text {
    int fd;          /* read-only */
    bool lent;       /* the descriptor is the store's, of the whole segment */
    uint64_t offset; /* of the first byte of the message text */
    uint64_t length;
};

/* What became of a recipient. The numbers are stored. */
enum outcome_kind {
    OUTCOME_PENDING = 0,   /* (again) to be tried: due_ms and attempts count */
    OUTCOME_DELIVERED = 1, /* in a mailbox or handed to a program */
    OUTCOME_RELAYED = 2,   /* the next server took it */
    OUTCOME_EXPANDED = 3,  /* replaced by the added recipients of the same record */
    OUTCOME_BOUNCED = 4,   /* a DSN tells, or NOTIFY=NEVER asked for silence */
    OUTCOME_REMOVED = 5,   /* the administrator said so */
};

enum outcome_flags { OUTCOME_HELD = 1, OUTCOME_WARNED = 2 /* a delay DSN was sent */ };

struct outcome_recipient {
    uint32_t index; /* recipients added by expansion go on counting behind the envelope's */
    enum outcome_kind kind;
    uint8_t flags;
    uint16_t attempts;
    uint64_t due_ms;    /* wall time of the next attempt */
    struct slice reply; /* last words about it, for `queue show` and DSNs */
    struct slice route; /* the administrator sends it over this one; or empty */
};

/*
 * One step in a message's life; stored whole or not at all. The DSNs that the step causes are
 * messages of the queue's own log, committed in the same batch as the record.
 */
struct outcome {
    uint64_t id;
    const struct outcome_recipient *recipients;
    uint32_t n_recipients;
    const struct recipient *added; /* by alias expansion */
    uint32_t n_added;
    uint32_t first_added; /* index of added[0] */
    /* Whole DKIM-Signature fields that an attempt made for the stored text, to go with the next
     * ones; or empty: nothing new. Read back by spool_store_signature(). */
    struct slice signature;
    bool finished; /* no recipient is pending any more: the message can be freed */
};

/*
 * All calls on a store come from one thread. The store needs no help for its checkpoints: it makes
 * them from its own log, so that they hold what is durable and nothing else.
 */
struct spool_store;
/* As spool_writer_commits(), of the store's own log. */
const struct histogram *spool_store_commits(const struct spool_store *store);

struct spool_store_events {
    /* A message has become visible: new from a writer, or found at start. During open, for all
     * live messages first. The envelope lives for the call. */
    void (*message)(void *arg, const struct envelope *envelope, struct spool_location location);
    /* During open only, after the messages, oldest first: what became of live messages. Several
     * outcomes of one message may have become one that says the same (a checkpoint merges them: for
     * each recipient the last word, all added recipients in order). */
    void (*outcome)(void *arg, const struct outcome *outcome);
    /* The message was copied out of a mostly dead segment and lies here now. Called in
     * spool_store_poll(). With NULL nothing is ever moved. */
    void (*moved)(void *arg, uint64_t id, struct spool_location location);
    /* Something a person must know: damage set aside, a torn tail, a sync that failed. */
    void (*trouble)(void *arg, struct slice text);
    void *arg;
};

struct spool_store_options {
    struct disk *disk;
    const char *directory; /* state/spool */
    const struct spool_store_events *events;
    /* disk, directory and writer_number are filled in. on_durable (committer's thread) is the
     * moment to wake the loop for a poll, which reports the DSNs. */
    struct spool_writer_options queue_log;
};

/* Recovers, then reports messages and outcomes through events. -ENOTSUP: a newer format, with the
 * name of it told by `trouble`. -EAGAIN: another process has the store. */
int spool_store_open(const struct spool_store_options *options, struct spool_store **ret_store);
void spool_store_close(struct spool_store *store);

/* A writer published this durable length (a hint; a smaller one than known is ignored). */
void spool_store_hint(struct spool_store *store, const char *writer, uint64_t segment,
                      uint64_t length);
/* A writer (re)connected or died: rescan its directory; segments whose lock is free are fsynced,
 * recovered and sealed. */
void spool_store_rescan(struct spool_store *store, const char *writer);
/* Reads what hints and the own log announced, at most `max` messages; then frees and checkpoints
 * what is due. Call it after hints and after on_durable, and every second or so. Returns the number
 * of messages reported (max: there may be more), or -errno. */
int spool_store_poll(struct spool_store *store, unsigned max);
/* How far that has come in a writer's log: all segments before this one were read, and so many
 * bytes of it. Zeros when the writer is not known. */
void spool_store_position(struct spool_store *store, const char *writer, uint64_t *ret_segment,
                          uint64_t *ret_length);

/* Re-reads the envelope of a live message. -EBADMSG, -EIO. */
int spool_store_envelope(struct spool_store *store, struct spool_location location,
                         struct arena *arena, struct envelope *ret_envelope);
/* Good until spool_store_text_done(), which must come before any other call on the store: its open
 * segments are lent, not opened anew. Who wants the text for longer passes the descriptor on. */
int spool_store_text(struct spool_store *store, struct spool_location location,
                     struct spool_text *ret_text);
void spool_store_text_done(struct spool_store *store, const struct spool_text *text);

/*
 * The signature that an outcome of this message has kept, from disk: empty when there is none, or
 * none yet (an outcome counts from the spool_store_poll() on that reads it). 0, -EBADMSG, -EIO.
 */
int spool_store_signature(struct spool_store *store, uint64_t id, struct arena *arena,
                          struct slice *ret_signature);

/*
 * Appends an outcome with the DSNs it causes. `done` as in spool_submit(), on the committer's
 * thread. Until it said 0 the delivery is not done. Outcomes of one message keep their order.
 */
struct spool_dsn {
    struct envelope envelope;
    struct slice text;
};
void spool_store_outcome(struct spool_store *store, const struct outcome *outcome,
                         const struct spool_dsn *dsns, unsigned n_dsns, spool_done *done,
                         void *arg);
uint64_t spool_store_next_id(struct spool_store *store);
/* Appends a message of our own that no outcome causes; its id is from spool_store_next_id(). */
void spool_store_submit(struct spool_store *store, const struct envelope *envelope,
                        struct slice text, spool_done *done, void *arg);
/* The log behind the outcomes; for spool_writer_step() and spool_writer_ready(). */
struct spool_writer *spool_store_log(struct spool_store *store);

struct spool_stats {
    uint64_t live_messages, segments, segment_bytes, live_bytes, body_files, outcome_log_bytes;
};
void spool_store_stats(struct spool_store *store, struct spool_stats *ret_stats);

/* ---- offline ------------------------------------------------------------------------------- */

/* Verifies everything without changing anything; each finding through `tell`. 0 sound, 1 damage
 * found, -errno. */
int spool_check(struct disk *disk, const char *directory,
                void (*tell)(void *arg, struct slice line), void *arg);
/* Tells what is known against keeping mail in this directory: tmpfs, network and volatile overlay
 * file systems, write barriers switched off. Returns the number of warnings, or -errno. */
int spool_check_filesystem(const char *directory, void (*tell)(void *arg, struct slice line),
                           void *arg);
/* Writes each live message as <id>.eml and its envelope and state as <id>.json into a directory. */
int spool_export(struct disk *disk, const char *directory, const char *to,
                 void (*tell)(void *arg, struct slice line), void *arg);

#endif
