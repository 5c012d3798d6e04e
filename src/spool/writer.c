/*
 * The writer: who hands over, who is woken, and the three threads behind it.
 *
 *   committer   writes and syncs batches (commit.c)
 *   preparer    fills the next segment with zeros while this one is in use
 *   filer       syncs body files, so that a large message delays nobody else's commit
 *
 * A manual writer has none of them: spool_writer_step() does the same work in the same order, which
 * is what makes the simulator repeatable.
 *
 * Opening a writer always makes a new segment: nobody appends to what another process created.
 */
#include "spool/writer.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    SEGMENT_SIZE = 64 * 1024 * 1024,
    SEGMENT_SIZE_MIN = 64 * 1024,
    SEGMENT_SIZE_MAX = 1024 * 1024 * 1024,
    INLINE_MAX = 1024 * 1024,
    MEMORY_MAX = 64 * 1024 * 1024,
    RESERVE_SEGMENTS = 3,
    RESERVE_INODES = 1000,
    SPACE_CHECK_MS = 1000,
    FAILURE_SHOWN_MS = 1000,
    STACK_SIZE = 256 * 1024,
};

/* ---- jobs ---------------------------------------------------------------------------------- */

struct spool_job *spool_job_new(spool_done *done, void *arg)
{
    struct spool_job *job = xcalloc(1, sizeof(*job));

    job->done = done;
    job->arg = arg;
    return job;
}

struct spool_part *spool_job_add(struct spool_writer *writer, struct spool_job *job,
                                 const struct record_header *header, struct spool_body *body)
{
    struct spool_part *part = xcalloc(1, sizeof(*part));

    part->header = *header;
    part->body = body;
    buf_init(&part->bytes, writer->capacity);
    if (buf_reserve(&part->bytes, RECORD_HEADER_SIZE))
        buf_added(&part->bytes, RECORD_HEADER_SIZE);
    if (job->last)
        job->last->next = part;
    else
        job->first = part;
    job->last = part;
    return part;
}

static bool body_in_file(const struct spool_part *part)
{
    return part->body && part->body->handle >= 0;
}

/* Fills in what follows from meta and body. */
static void complete_part(struct spool_job *job, struct spool_part *part)
{
    if (part->bytes.overflow)
        job->failed = -EMSGSIZE;
    else
        part->header.meta_length = (uint32_t)(part->bytes.len - RECORD_HEADER_SIZE);
    if (part->body) {
        part->header.body_length = part->body->size;
        part->header.body_crc = part->body->crc;
        if (part->body->failed < 0)
            job->failed = part->body->failed;
    }
    if (body_in_file(part)) {
        part->header.flags |= RECORD_BODY_FILE;
        part->header.body_offset = part->body->start;
    }
    job->length += record_length(&part->header);
}

static void push(struct job_list *list, struct spool_job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

/* With the lock held. A lazy job behind others changes nothing for a committer that waits: it
 * sleeps on until the first of them is due. */
static void push_ready(struct spool_writer *writer, struct spool_job *job)
{
    push(&writer->jobs, job);
    writer->eager += !job->lazy;
    if (!job->lazy || writer->jobs.first == job)
        pthread_cond_signal(&writer->work);
}

static void sync_bodies(struct spool_writer *writer, struct spool_job *jobs)
{
    int result;

    for (struct spool_job *job = jobs; job; job = job->next) {
        for (struct spool_part *part = job->first; part && job->failed == 0; part = part->next) {
            if (body_in_file(part))
                job->failed = body_sync(part->body);
        }
    }
    result = writer->disk->ops->fsync_dir(writer->disk, writer->directory);
    for (struct spool_job *job = jobs; job && result < 0; job = job->next)
        job->failed = job->failed < 0 ? job->failed : result;
}

void spool_job_submit(struct spool_writer *writer, struct spool_job *job)
{
    bool files = false;

    for (struct spool_part *part = job->first; part; part = part->next) {
        complete_part(job, part);
        files |= body_in_file(part);
    }
    if (job->failed == 0 && job->length > writer->capacity)
        job->failed = -EMSGSIZE;
    if (job->failed < 0)
        job->length = 0;
    /* Outcomes of one message must keep their order, so theirs do not take the way round. */
    if (files && job->failed == 0 && job->last->header.type == RECORD_OUTCOME) {
        sync_bodies(writer, job);
        files = false;
    }
    job->since_us = clock_mono_us();
    pthread_mutex_lock(&writer->lock);
    if (files && job->failed == 0) {
        push(&writer->file_jobs, job);
        pthread_cond_signal(&writer->file_work);
    } else {
        push_ready(writer, job);
    }
    pthread_mutex_unlock(&writer->lock);
}

void spool_submit(struct spool_writer *writer, const struct envelope *envelope,
                  struct spool_body *body, spool_done *done, void *arg)
{
    struct spool_job *job = spool_job_new(done, arg);
    struct record_header header = {.type = RECORD_MESSAGE, .id = envelope->id};
    struct spool_part *part = spool_job_add(writer, job, &header, body);
    struct envelope sized = *envelope;

    sized.size = body->size;
    envelope_encode(&part->bytes, &sized);
    spool_job_submit(writer, job);
}

struct spool_body *spool_body_new(struct spool_writer *writer, uint64_t id)
{
    return body_new(&writer->bodies, id);
}

/* ---- threads ------------------------------------------------------------------------------- */

/* With the lock held: returns when there is something to commit, or the end has come. */
static void wait_for_work(struct spool_writer *writer)
{
    while (!writer->stop && !writer->rotate && writer->eager == 0) {
        if (!writer->jobs.first) {
            pthread_cond_wait(&writer->work, &writer->lock);
            continue;
        }
        uint64_t due = writer->jobs.first->since_us + COMMIT_LAZY_US;
        struct timespec until = {.tv_sec = (time_t)(due / 1000000),
                                 .tv_nsec = (long)(due % 1000000) * 1000};
        if (clock_mono_us() >= due)
            return;
        pthread_cond_timedwait(&writer->work, &writer->lock, &until);
    }
}

static void *committer_main(void *arg)
{
    struct spool_writer *writer = arg;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        wait_for_work(writer);
        if (writer->stop && !writer->jobs.first)
            break;
        pthread_mutex_unlock(&writer->lock);
        commit_batch(writer);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

static void *preparer_main(void *arg)
{
    struct spool_writer *writer = arg;

    pthread_mutex_lock(&writer->lock);
    while (!writer->stop) {
        if (writer->spare_wanted)
            commit_prepare_spare(writer);
        else
            pthread_cond_wait(&writer->spare_work, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* With the lock held. */
static void file_bodies(struct spool_writer *writer)
{
    struct spool_job *jobs = writer->file_jobs.first;

    writer->file_jobs = (struct job_list){0};
    pthread_mutex_unlock(&writer->lock);
    sync_bodies(writer, jobs);
    pthread_mutex_lock(&writer->lock);
    while (jobs) {
        struct spool_job *next = jobs->next;
        push_ready(writer, jobs);
        jobs = next;
    }
}

static void *filer_main(void *arg)
{
    struct spool_writer *writer = arg;

    pthread_mutex_lock(&writer->lock);
    while (!writer->stop_files || writer->file_jobs.first) {
        if (writer->file_jobs.first)
            file_bodies(writer);
        else
            pthread_cond_wait(&writer->file_work, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

void spool_writer_step(struct spool_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->file_jobs.first)
        file_bodies(writer);
    while (writer->jobs.first) {
        pthread_mutex_unlock(&writer->lock);
        commit_batch(writer);
        pthread_mutex_lock(&writer->lock);
    }
    if (writer->spare_wanted)
        commit_prepare_spare(writer);
    pthread_mutex_unlock(&writer->lock);
}

static int start_threads(struct spool_writer *writer)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    writer->has_committer = pthread_create(&writer->committer, &attr, committer_main, writer) == 0;
    writer->has_preparer = pthread_create(&writer->preparer, &attr, preparer_main, writer) == 0;
    writer->has_filer = pthread_create(&writer->filer, &attr, filer_main, writer) == 0;
    pthread_attr_destroy(&attr);
    return writer->has_committer && writer->has_preparer && writer->has_filer ? 0 : -EAGAIN;
}

static void stop_threads(struct spool_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stop_files = true;
    pthread_cond_signal(&writer->file_work);
    pthread_mutex_unlock(&writer->lock);
    if (writer->has_filer)
        pthread_join(writer->filer, NULL);
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_signal(&writer->work);
    pthread_cond_signal(&writer->spare_work);
    pthread_mutex_unlock(&writer->lock);
    if (writer->has_committer)
        pthread_join(writer->committer, NULL);
    if (writer->has_preparer)
        pthread_join(writer->preparer, NULL);
}

/* ---- opening and closing ------------------------------------------------------------------- */

/* Finds the highest number, and removes what an earlier process did not finish. */
static int see_file(void *arg, const char *name)
{
    struct spool_writer *writer = arg;
    uint64_t number;

    if (spool_segment_name(name, ".tmp", &number)) {
        struct spool_path path = spool_path(writer->directory, name);
        writer->disk->ops->unlink(writer->disk, path.text);
    } else if (spool_segment_name(name, ".seg", &number) ||
               spool_segment_name(name, ".damaged", &number)) {
        if (number >= writer->next_number)
            writer->next_number = number + 1;
    }
    return 0;
}

static int start(struct spool_writer *writer)
{
    int result = spool_make_directory(writer->disk, writer->directory);

    if (result == 0)
        result = writer->lock_handle = spool_take_lock(writer->disk, writer->directory);
    if (result >= 0)
        result = writer->disk->ops->list(writer->disk, writer->directory, see_file, writer);
    writer->first_number = writer->next_number;
    if (result == 0 && writer->next_number >> ID_SEGMENT_BITS != 0)
        result = -EOVERFLOW;
    if (result == 0)
        result = commit_next_segment(writer);
    if (result == 0 && !writer->options.manual)
        result = start_threads(writer);
    return result;
}

static void fill_defaults(struct spool_writer_options *options)
{
    if (options->segment_size == 0)
        options->segment_size = SEGMENT_SIZE;
    options->segment_size = spool_align(options->segment_size);
    if (options->segment_size < SEGMENT_SIZE_MIN)
        options->segment_size = SEGMENT_SIZE_MIN;
    if (options->segment_size > SEGMENT_SIZE_MAX)
        options->segment_size = SEGMENT_SIZE_MAX;
    if (options->inline_max == 0)
        options->inline_max = INLINE_MAX;
    if (options->inline_max > options->segment_size / 4)
        options->inline_max = options->segment_size / 4;
    if (options->memory_max == 0)
        options->memory_max = MEMORY_MAX;
    if (options->reserve_bytes == 0)
        options->reserve_bytes = RESERVE_SEGMENTS * options->segment_size;
    if (options->reserve_inodes == 0)
        options->reserve_inodes = RESERVE_INODES;
}

static void init_locks(struct spool_writer *writer)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->work, &attr);
    pthread_condattr_destroy(&attr);
    pthread_cond_init(&writer->spare_work, NULL);
    pthread_cond_init(&writer->spare_done, NULL);
    pthread_cond_init(&writer->file_work, NULL);
}

static struct spool_writer *new_writer(const struct spool_writer_options *options)
{
    struct spool_writer *writer = xcalloc(1, sizeof(*writer));

    writer->disk = options->disk;
    writer->directory = xstrdup(options->directory);
    writer->options = *options;
    writer->commits.bounds = &histogram_short;
    fill_defaults(&writer->options);
    writer->bodies = (struct body_place){
        .disk = options->disk,
        .directory = writer->directory,
        .inline_max = writer->options.inline_max,
        .memory_max = writer->options.memory_max,
    };
    writer->capacity = writer->options.segment_size - 2 * SPOOL_BLOCK - BATCH_HEADER_SIZE;
    writer->lock_handle = writer->current.handle = writer->spare.handle = -1;
    writer->next_number = 1;
    init_locks(writer);
    return writer;
}

static void free_writer(struct spool_writer *writer)
{
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->spare_work);
    pthread_cond_destroy(&writer->spare_done);
    pthread_cond_destroy(&writer->file_work);
    free(writer->iov);
    free(writer->directory);
    free(writer);
}

void spool_writer_close(struct spool_writer *writer)
{
    if (writer->options.manual) {
        writer->spare_wanted = false;
        spool_writer_step(writer);
    }
    stop_threads(writer);
    commit_seal(writer);
    /* Left behind empty: its name keeps the number from being used again. */
    segment_close(writer->disk, &writer->spare);
    if (writer->lock_handle >= 0)
        writer->disk->ops->close(writer->disk, writer->lock_handle);
    free_writer(writer);
}

int spool_writer_open(const struct spool_writer_options *options, struct spool_writer **ret_writer)
{
    struct spool_writer *writer = new_writer(options);
    int result = start(writer);

    if (result < 0) {
        spool_writer_close(writer);
        return result;
    }
    *ret_writer = writer;
    return 0;
}

/* ---- small questions ----------------------------------------------------------------------- */

uint64_t spool_writer_next_id(struct spool_writer *writer)
{
    const uint64_t half = (uint64_t)1 << (ID_COUNTER_BITS - 1);
    uint64_t id = atomic_fetch_add(&writer->next_id, 1);
    uint64_t counter = id & (((uint64_t)1 << ID_COUNTER_BITS) - 1);

    if (counter == half) {
        pthread_mutex_lock(&writer->lock);
        writer->rotate = true;
        pthread_cond_signal(&writer->work);
        pthread_mutex_unlock(&writer->lock);
    }
    /* Half a thousand million ids were drawn since, and no new segment could be made: an id must
     * not repeat, so this process ends and its successor starts with a fresh segment. */
    if (counter == 2 * half - 1)
        abort();
    return id;
}

void spool_writer_durable(struct spool_writer *writer, uint64_t *ret_segment, uint64_t *ret_length)
{
    pthread_mutex_lock(&writer->lock);
    *ret_segment = writer->durable_segment;
    *ret_length = writer->durable_length;
    pthread_mutex_unlock(&writer->lock);
}

static bool is_space_short(struct spool_writer *writer)
{
    struct disk_space space;

    if (writer->disk->ops->space(writer->disk, writer->directory, &space) < 0)
        return false;
    return space.bytes_free < writer->options.reserve_bytes ||
           space.inodes_free < writer->options.reserve_inodes;
}

int spool_writer_ready(struct spool_writer *writer)
{
    uint64_t now = clock_mono_ms();
    uint64_t checked = atomic_load(&writer->space_checked_ms);
    int failure = atomic_load(&writer->failure);

    if ((checked == 0 || now - checked >= SPACE_CHECK_MS) &&
        atomic_compare_exchange_strong(&writer->space_checked_ms, &checked, now ? now : 1))
        atomic_store(&writer->space_short, is_space_short(writer));
    if (atomic_load(&writer->space_short))
        return -ENOSPC;
    /* After that a try is the only way to find out. */
    if (failure < 0 && now - atomic_load(&writer->failed_ms) < FAILURE_SHOWN_MS)
        return failure == -ENOSPC ? -ENOSPC : -EIO;
    return 0;
}

const struct histogram *spool_writer_commits(const struct spool_writer *writer)
{
    return &writer->commits;
}
