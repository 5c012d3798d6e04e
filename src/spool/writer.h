/*
 * Inside the writer: jobs, and what the committer, the preparer of spare segments and the syncer of
 * body files share. The public face is in spool.h.
 */
#ifndef NUNCIO_SPOOL_WRITER_H
#define NUNCIO_SPOOL_WRITER_H

#include "base/histogram.h"
#include "spool/body.h"
#include "spool/segment.h"
#include "spool/spool.h"

#include <pthread.h>

/* A record to be. */
struct spool_part {
    struct spool_part *next;
    struct record_header header;
    struct buf bytes; /* room for the header, then the meta */
    struct spool_body *body;
};

/* Records that are stored together or not at all, with the one who waits for them. */
struct spool_job {
    struct spool_job *next;
    struct spool_part *first, *last;
    uint64_t length; /* bytes in the segment */
    int failed;      /* -errno: not to be written */
    bool lazy;       /* may wait COMMIT_LAZY_US for others */
    bool in_doubt;   /* refused, and yet it may come back: its body files stay */
    uint64_t since_us;
    spool_done *done;
    void *arg;
};

struct job_list {
    struct spool_job *first, *last;
};

/*
 * Outcomes alone may wait so long for company: nobody outside waits for them, and a sync for each
 * would cost the disk what it needs for mail that somebody does wait for. A crash repeats at most
 * the deliveries of this time.
 */
enum { COMMIT_LAZY_US = 20 * 1000 };

struct spool_writer {
    struct disk *disk;
    char *directory;
    struct spool_writer_options options;
    struct body_place bodies;
    uint64_t capacity; /* bytes of the largest job */
    int lock_handle;   /* one writer a directory */
    uint64_t first_number;
    atomic_uint_least64_t next_id;
    atomic_int failure; /* of the last commit, 0 when it went well */
    atomic_uint_least64_t failed_ms, space_checked_ms;
    atomic_bool space_short;
    struct histogram commits; /* from the record's coming to its sync */

    /* The committer's alone. */
    struct segment current;
    struct iovec *iov;
    size_t iov_size;

    /* Guards all that follows. */
    pthread_mutex_t lock;
    pthread_cond_t work;       /* for the committer */
    pthread_cond_t spare_work; /* for the preparer */
    pthread_cond_t spare_done; /* spare_busy has ended */
    pthread_cond_t file_work;  /* for the syncer of bodies */
    struct job_list jobs;
    struct job_list file_jobs; /* with body files to be synced first */
    unsigned eager;            /* jobs that are not lazy */
    struct segment spare;
    bool spare_wanted, spare_busy;
    bool rotate; /* the counter of ids runs out */
    bool stop_files, stop;
    uint64_t next_number;
    uint64_t durable_segment, durable_length;

    pthread_t committer, preparer, filer;
    bool has_committer, has_preparer, has_filer;
};

struct spool_job *spool_job_new(spool_done *done, void *arg);
/* The meta is to be appended to the part's bytes. The body (or NULL) is taken over. */
struct spool_part *spool_job_add(struct spool_writer *writer, struct spool_job *job,
                                 const struct record_header *header, struct spool_body *body);
void spool_job_submit(struct spool_writer *writer, struct spool_job *job);

/* Takes a spare segment or makes one; the one before is sealed. -errno. */
int commit_next_segment(struct spool_writer *writer);
/* Writes the batch that is due, with the lock not held. */
void commit_batch(struct spool_writer *writer);
/* Seals the current segment. */
void commit_seal(struct spool_writer *writer);
/* Makes the wanted spare; with the lock held. */
void commit_prepare_spare(struct spool_writer *writer);

#endif
