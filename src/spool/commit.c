/*
 * The committer's work: many jobs, one write, one sync.
 *
 * A batch is one pwritev of all records as they lie in memory, padded to 4 KiB, and one fdatasync;
 * while it runs the next batch gathers. Only the committer touches the current segment.
 *
 * When writing or syncing fails, what the disk holds of this batch is unknown and asking again
 * would tell a lie (the kernel marks the pages clean). So the segment ends at the last batch that
 * was synced, the jobs fail, and the next batch goes to another segment.
 */
#include "spool/writer.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

enum { BATCH_BYTES_MAX = 8 * 1024 * 1024, SMALL_SEGMENT_SHARE = 16, RETRY_MS = 1000 };

static const char zeros[SPOOL_BLOCK];

static void add_iov(struct spool_writer *writer, size_t *n, const void *ptr, size_t len)
{
    if (*n == writer->iov_size) {
        writer->iov_size = writer->iov_size ? writer->iov_size * 2 : 256;
        writer->iov = xrealloc(writer->iov, writer->iov_size * sizeof(writer->iov[0]));
    }
    /* pwritev only reads; iovec has no const. */
    writer->iov[(*n)++] = (struct iovec){.iov_base = (void *)(uintptr_t)ptr, .iov_len = len};
}

static uint64_t part_length(const struct spool_part *part)
{
    return record_length(&part->header);
}

/* Gives the part its place and header, and adds its bytes to the vector. */
static void place_part(struct spool_writer *writer, struct spool_part *part,
                       struct spool_place place, size_t *n)
{
    record_header_encode(&part->header, place, (unsigned char *)part->bytes.ptr);
    add_iov(writer, n, part->bytes.ptr, part->bytes.len);
    if (!part->body || part->header.flags & RECORD_BODY_FILE)
        return;
    for (const struct body_block *block = part->body->first; block; block = block->next)
        add_iov(writer, n, block->bytes, block->used);
}

static size_t build_batch(struct spool_writer *writer, struct spool_job *jobs,
                          unsigned char header_bytes[BATCH_HEADER_SIZE], uint64_t *ret_length)
{
    const struct segment *segment = &writer->current;
    struct batch_header header = {.number = segment->batch + 1};
    struct spool_place place = {
        .salt = segment->header.salt,
        .segment = segment->header.number,
        .offset = segment->used + BATCH_HEADER_SIZE,
    };
    size_t n = 0;

    add_iov(writer, &n, header_bytes, BATCH_HEADER_SIZE);
    for (const struct spool_job *job = jobs; job; job = job->next) {
        for (struct spool_part *part = job->first; part; part = part->next) {
            part->header.batch = (uint32_t)header.number;
            place_part(writer, part, place, &n);
            place.offset += part_length(part);
            header.records++;
        }
    }
    header.length = (uint32_t)(place.offset - segment->used);
    place.offset = segment->used;
    batch_header_encode(&header, place, header_bytes);
    *ret_length = spool_align(header.length);
    if (*ret_length > header.length)
        add_iov(writer, &n, zeros, (size_t)(*ret_length - header.length));
    return n;
}

static void publish(struct spool_writer *writer)
{
    const struct segment *segment = &writer->current;

    pthread_mutex_lock(&writer->lock);
    writer->durable_segment = segment->header.number;
    writer->durable_length = segment->used;
    pthread_mutex_unlock(&writer->lock);
    if (writer->options.on_durable)
        writer->options.on_durable(writer->options.arg, segment->header.number, segment->used);
}

static int write_batch(struct spool_writer *writer, struct spool_job *jobs)
{
    struct segment *segment = &writer->current;
    unsigned char header[BATCH_HEADER_SIZE] = {0};
    uint64_t length;
    size_t n = build_batch(writer, jobs, header, &length);
    int result = writer->disk->ops->pwritev(writer->disk, segment->handle, writer->iov, (int)n,
                                            segment->used);

    if (result == 0)
        result = writer->disk->ops->fdatasync(writer->disk, segment->handle);
    if (result < 0) {
        if (segment_abandon(writer->disk, segment) < 0) {
            for (struct spool_job *job = jobs; job; job = job->next)
                job->in_doubt = true;
        }
        return result;
    }
    segment->used += length;
    segment->batch++;
    publish(writer);
    return 0;
}

void commit_seal(struct spool_writer *writer)
{
    struct spool_part part = {.header = {.type = RECORD_SEAL}};
    struct spool_job job = {.first = &part};

    if (writer->current.handle < 0)
        return;
    buf_init(&part.bytes, RECORD_HEADER_SIZE);
    buf_reserve(&part.bytes, RECORD_HEADER_SIZE);
    buf_added(&part.bytes, RECORD_HEADER_SIZE);
    /* Without a seal the store only has more to read at its next start. */
    if (write_batch(writer, &job) == 0)
        segment_close(writer->disk, &writer->current);
    buf_done(&part.bytes);
}

static int create_segment(struct spool_writer *writer, uint64_t number, uint64_t size,
                          struct segment *ret_segment)
{
    struct segment_header header = {
        .writer_number = writer->options.writer_number,
        .number = number,
        .first_number = writer->first_number,
    };

    return segment_create(writer->disk, writer->directory, &header, size, ret_segment);
}

/* With the lock held, which is let go while the disk works. */
static int create_next(struct spool_writer *writer, uint64_t size, struct segment *ret_segment)
{
    uint64_t number = writer->next_number++;
    int result;

    pthread_mutex_unlock(&writer->lock);
    result = create_segment(writer, number, size, ret_segment);
    pthread_mutex_lock(&writer->lock);
    return result;
}

void commit_prepare_spare(struct spool_writer *writer)
{
    struct segment spare;
    int result;

    writer->spare_wanted = false;
    writer->spare_busy = true;
    result = create_next(writer, writer->options.segment_size, &spare);
    writer->spare_busy = false;
    /* The committer tries again when it needs one, and tells then. */
    if (result == 0)
        writer->spare = spare;
    pthread_cond_broadcast(&writer->spare_done);
}

/* With the lock held. A nearly full disk gets small segments, so that outcomes can be written,
 * which is what makes room again. */
static int take_segment(struct spool_writer *writer, struct segment *ret_segment)
{
    uint64_t size = writer->options.segment_size;
    int result;

    while (writer->spare_busy)
        pthread_cond_wait(&writer->spare_done, &writer->lock);
    if (writer->spare.handle >= 0) {
        *ret_segment = writer->spare;
        writer->spare.handle = -1;
        return 0;
    }
    result = create_next(writer, size, ret_segment);
    if (result == -ENOSPC)
        result = create_next(writer, spool_align(size / SMALL_SEGMENT_SHARE), ret_segment);
    return result;
}

int commit_next_segment(struct spool_writer *writer)
{
    struct segment next;
    int result;

    commit_seal(writer);
    pthread_mutex_lock(&writer->lock);
    result = take_segment(writer, &next);
    if (result == 0) {
        writer->current = next;
        writer->rotate = false;
        writer->spare_wanted = true;
        pthread_cond_signal(&writer->spare_work);
    }
    pthread_mutex_unlock(&writer->lock);
    if (result < 0)
        return result;
    atomic_store(&writer->next_id, spool_id(writer->options.writer_number, next.header.number, 0));
    publish(writer);
    return 0;
}

/* Bytes for jobs in the current segment; room for the seal is kept. */
static uint64_t room(const struct spool_writer *writer)
{
    const struct segment *segment = &writer->current;
    uint64_t taken = segment->used + BATCH_HEADER_SIZE + SPOOL_BLOCK;

    return segment->handle >= 0 && segment->size > taken ? segment->size - taken : 0;
}

/* Moves jobs from the queue to *ret_jobs as far as they fit. False: the first does not fit. */
static bool take_jobs(struct spool_writer *writer, uint64_t limit, struct job_list *ret_jobs)
{
    struct job_list taken = {0};
    uint64_t total = 0;

    if (limit > BATCH_BYTES_MAX && writer->jobs.first && writer->jobs.first->length < limit)
        limit = writer->jobs.first->length > BATCH_BYTES_MAX ? writer->jobs.first->length
                                                             : BATCH_BYTES_MAX;
    while (writer->jobs.first && total + writer->jobs.first->length <= limit) {
        struct spool_job *job = writer->jobs.first;
        writer->jobs.first = job->next;
        job->next = NULL;
        if (taken.last)
            taken.last->next = job;
        else
            taken.first = job;
        taken.last = job;
        total += job->length;
        writer->eager -= !job->lazy;
    }
    if (!writer->jobs.first)
        writer->jobs.last = NULL;
    *ret_jobs = taken;
    return taken.first || !writer->jobs.first;
}

static void finish_job(struct spool_job *job, int result)
{
    struct spool_part *part = job->first;

    while (part) {
        struct spool_part *next = part->next;
        if (part->body && (result == 0 || job->in_doubt))
            body_keep(part->body);
        else
            spool_body_free(part->body);
        buf_done(&part->bytes);
        free(part);
        part = next;
    }
    if (job->done)
        job->done(job->arg, result);
    free(job);
}

/* Tells all jobs; each one's own failure comes before the batch's result. */
static void finish_jobs(struct spool_writer *writer, struct spool_job *jobs, int result)
{
    uint64_t now = clock_mono_us();

    while (jobs) {
        struct spool_job *next = jobs->next;
        if (result == 0 && jobs->failed == 0)
            histogram_add_us(&writer->commits, now - jobs->since_us);
        finish_job(jobs, jobs->failed < 0 ? jobs->failed : result);
        jobs = next;
    }
}

/* Takes the failed ones out of the list and tells them. */
static void drop_failed(struct job_list *jobs)
{
    struct spool_job **link = &jobs->first;

    while (*link) {
        struct spool_job *job = *link;
        if (job->failed == 0) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        finish_job(job, job->failed);
    }
}

static void remember(struct spool_writer *writer, int result)
{
    atomic_store(&writer->failure, result);
    if (result < 0)
        atomic_store(&writer->failed_ms, clock_mono_ms());
}

/* Another segment, unless the last try failed just now. */
static int renew_segment(struct spool_writer *writer)
{
    int failure = atomic_load(&writer->failure);

    if (failure < 0 && writer->current.handle < 0 && !writer->options.manual &&
        clock_mono_ms() - atomic_load(&writer->failed_ms) < RETRY_MS)
        return failure;
    return commit_next_segment(writer);
}

void commit_batch(struct spool_writer *writer)
{
    struct job_list jobs;
    bool fits, rotate;
    int result = 0;

    pthread_mutex_lock(&writer->lock);
    fits = take_jobs(writer, room(writer), &jobs);
    rotate = writer->rotate;
    pthread_mutex_unlock(&writer->lock);
    if (!fits || (rotate && !jobs.first)) {
        result = renew_segment(writer);
        pthread_mutex_lock(&writer->lock);
        writer->rotate = false;
        if (!take_jobs(writer, result < 0 ? UINT64_MAX : room(writer), &jobs)) {
            result = -ENOSPC;
            take_jobs(writer, UINT64_MAX, &jobs);
        }
        pthread_mutex_unlock(&writer->lock);
    }
    drop_failed(&jobs);
    if (jobs.first && result == 0)
        result = write_batch(writer, jobs.first);
    if (jobs.first)
        remember(writer, result);
    finish_jobs(writer, jobs.first, result);
}
