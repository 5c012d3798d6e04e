/*
 * Deliveries that share their syncs. See batch.h.
 *
 * The steps run over all jobs of the batch, one step after the other; a job that has its verdict is
 * left out of the later steps. A few files are synced one by one. More are synced by one syncfs()
 * for each file system, which takes about as long as a few fsync() calls, however many files there
 * are; it also writes what others have dirtied, so a single message never waits for that.
 *
 * A failed sync is never tried again: the file is given up, and a later attempt writes it anew.
 */
#include "local/batch.h"

#include "base/log.h"
#include "local/name.h"
#include "local/repeats.h"
#include "local/text.h"
#include "local/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 + NAME_SIZE, TRACE_MAX = 8192 };

struct batch_file {
    const struct job *job;
    struct box *box;
    int fd; /* open until it is synced, else -1 */
    uint64_t size, size_crlf;
    char tmp_name[NAME_SIZE]; /* empty: no file */
    char name[NAME_SIZE];
};

struct batch {
    char *state;
    char *host;
    struct repeats *repeats;
    uint64_t epoch;
    struct boxes boxes;
    struct batch_file files[BATCH_MAX];
    size_t n_files;
    char *chunk;
    struct buf trace;
};

struct batch *batch_new(struct slice state, struct slice hostname)
{
    struct batch *batch = xcalloc(1, sizeof(*batch));

    batch->state = xslicedup(state);
    batch->host = xslicedup(hostname);
    batch->boxes.state = slice_from_cstr(batch->state);
    batch->repeats = repeats_new();
    batch->chunk = xmalloc(TEXT_CHUNK);
    buf_init(&batch->trace, TRACE_MAX);
    return batch;
}

void batch_free(struct batch *batch)
{
    free(batch->state);
    free(batch->host);
    repeats_free(batch->repeats);
    free(batch->chunk);
    buf_done(&batch->trace);
    free(batch);
}

static bool is_pending(const struct batch_file *file)
{
    return file->job->verdict->kind == 0;
}

/* Gives the file up, if there is one. */
static void discard(struct batch_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    if (file->tmp_name[0])
        (void)unlinkat(file->box->mailbox.tmp, file->tmp_name, 0);
    file->tmp_name[0] = '\0';
}

static void defer(struct batch_file *file, int error, const char *part)
{
    char where[PATH_ROOM];
    int len = snprintf(where, sizeof(where), "%s%s", file->box->where, part);

    discard(file);
    verdict_from_errno(file->job->verdict, error, slice_from(where, (size_t)len));
}

/* ---- writing -------------------------------------------------------------------------------- */

static int write_both(int fd, struct iovec iov[2])
{
    while (iov[0].iov_len + iov[1].iov_len) {
        ssize_t written = writev(fd, iov, 2);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)written < iov[i].iov_len ? (size_t)written : iov[i].iov_len;
            iov[i].iov_base = (char *)iov[i].iov_base + part;
            iov[i].iov_len -= part;
            written -= (ssize_t)part;
        }
    }
    return 0;
}

/* The trace fields and the text, whose first piece (`got` bytes) is in the chunk already. */
static int write_message(struct batch *batch, struct batch_file *file, struct text_reader *reader,
                         size_t got)
{
    size_t trace = batch->trace.len;
    uint64_t lines = 0;

    (void)text_to_lf(batch->trace.ptr, trace, &lines);
    for (;;) {
        size_t len = text_to_lf(batch->chunk, got, &lines);
        struct iovec iov[2] = {{.iov_base = batch->trace.ptr, .iov_len = trace},
                               {.iov_base = batch->chunk, .iov_len = len}};
        int r = write_both(file->fd, iov);
        ssize_t n;
        if (r < 0)
            return r;
        file->size += trace + len;
        trace = 0;
        n = text_read(reader, batch->chunk);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        got = (size_t)n;
    }
    file->size_crlf = file->size + lines;
    return 0;
}

static struct file_key key_of(const struct batch *batch, const struct job *job)
{
    return (struct file_key){.message_id = job->unit->message_id,
                             .recipient = job->recipient->index,
                             .received_ms = job->unit->received_ms,
                             .host = slice_from_cstr(batch->host)};
}

/* Unlike the name in new/, the one in tmp/ belongs to this attempt alone. */
static int create_file(struct batch *batch, struct batch_file *file)
{
    static atomic_uint attempts;

    snprintf(file->tmp_name, sizeof(file->tmp_name), "%llu.N%s_%u.%d_%u",
             (unsigned long long)batch->epoch, message_id_format(file->job->unit->message_id).text,
             file->job->recipient->index, (int)getpid(), attempts++);
    file->fd = openat(file->box->mailbox.tmp, file->tmp_name,
                      O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return 0;
    file->tmp_name[0] = '\0';
    return -errno;
}

static void write_file(struct batch *batch, struct batch_file *file, struct text_reader *reader,
                       size_t got)
{
    const struct file_key key = key_of(batch, file->job);
    int r = create_file(batch, file);

    if (r == 0)
        r = write_message(batch, file, reader, got);
    if (r < 0) {
        defer(file, -r, "/tmp");
        return;
    }
    name_file(&key, file->size, file->size_crlf, file->name);
    if (batch->n_files > SYNC_EACH_MAX) {
        close(file->fd);
        file->fd = -1;
    }
}

/* ---- what may speak against a message ------------------------------------------------------- */

static void check_repeat(struct batch *batch, struct batch_file *file)
{
    int r;

    if (!file->job->maybe_repeat)
        return;
    r = repeats_find(batch->repeats, batch->epoch, file->box->key, file->box->mailbox.box,
                     file->job->unit->message_id, file->job->recipient->index);
    if (r < 0)
        defer(file, -r, "");
    else if (r > 0)
        verdict_set(file->job->verdict, DONE_OK, "2.0.0", "stored by an earlier attempt");
}

static void check_loop(struct batch_file *file, struct slice text)
{
    struct slice address = file->job->recipient->address;

    if (text_was_delivered_to(text, address))
        verdict_set(file->job->verdict, DONE_NEVER, "5.4.6", "loop: delivered to %.*s before",
                    SLICE_ARG(address));
}

static void check_quota(struct batch *batch, struct batch_file *file)
{
    const struct job *job = file->job;
    /* The size with CRLF is a little more than the file's: a mailbox never passes its limit. */
    uint64_t size = batch->trace.len + job->unit->text_length;
    int r;

    if (!boxes_has_quota(job->recipient))
        return;
    r = boxes_admit(&batch->boxes, file->box, job->recipient, size);
    if (r < 0)
        defer(file, -r, "");
    else if (r == 0)
        verdict_set(job->verdict, job->reject_when_full ? DONE_NEVER : DONE_LATER,
                    job->reject_when_full ? "5.2.2" : "4.2.2", "mailbox of %.*s is full",
                    SLICE_ARG(job->recipient->account));
}

static void take_message(struct batch *batch, struct batch_file *file)
{
    const struct job *job = file->job;
    struct text_reader reader = {
        .fd = job->fd, .offset = job->unit->text_offset, .left = job->unit->text_length};
    ssize_t got = text_read(&reader, batch->chunk);

    if (got < 0) {
        verdict_from_errno(job->verdict, (int)-got, SLICE("text in the spool"));
        return;
    }
    buf_reset(&batch->trace);
    text_add_trace(&batch->trace, job->unit->reverse_path, job->recipient->address,
                   job->recipient->via);
    check_loop(file, slice_from(batch->chunk, (size_t)got));
    job->verdict->report = report_is_meant(slice_from(batch->chunk, (size_t)got));
    if (is_pending(file))
        check_quota(batch, file);
    if (is_pending(file))
        write_file(batch, file, &reader, (size_t)got);
}

/* ---- the steps ------------------------------------------------------------------------------ */

static void open_boxes(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_files; i++) {
        struct batch_file *file = &batch->files[i];
        file->box = boxes_find(&batch->boxes, file->job->recipient);
        if (file->box->error)
            defer(file, file->box->error, "");
        boxes_will_count(&batch->boxes, file->job->recipient);
    }
}

static void write_files(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_files; i++) {
        struct batch_file *file = &batch->files[i];
        if (is_pending(file))
            check_repeat(batch, file);
        if (is_pending(file))
            take_message(batch, file);
    }
}

static void sync_files(struct batch *batch)
{
    bool any = false;

    for (size_t i = 0; i < batch->n_files; i++) {
        struct batch_file *file = &batch->files[i];
        any = any || is_pending(file);
        if (file->fd < 0)
            continue;
        if (fsync(file->fd) < 0)
            defer(file, errno, "/tmp");
    }
    if (any && batch->n_files > SYNC_EACH_MAX)
        boxes_sync_systems(&batch->boxes);
}

/* A name that is taken is the work of an attempt whose outcome was lost. Its directory is synced
 * like the others', because nobody knows whether that attempt came so far. */
static void publish_files(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_files; i++) {
        struct batch_file *file = &batch->files[i];
        int r;
        if (!is_pending(file))
            continue;
        r = file->box->error ? -file->box->error
                             : mailbox_publish(&file->box->mailbox, file->tmp_name, file->name);
        if (r == -EEXIST) {
            discard(file);
        } else if (r < 0) {
            defer(file, -r, file->box->error ? "/tmp" : "/new");
        }
    }
}

/* After a failed sync of new/ the names are taken back, as far as the disk lets us. */
static void conclude(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_files; i++) {
        struct batch_file *file = &batch->files[i];
        if (!is_pending(file))
            continue;
        if (file->box->error) {
            (void)unlinkat(file->box->mailbox.new, file->name, 0);
            defer(file, file->box->error, "/new");
            continue;
        }
        if (file->tmp_name[0])
            boxes_added(&batch->boxes, file->box, file->size);
        verdict_set(file->job->verdict, DONE_OK, "2.0.0", "stored as %s", file->name);
    }
    boxes_write_counts(&batch->boxes);
}

static void clean_up(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_files; i++) {
        if (batch->files[i].fd >= 0)
            close(batch->files[i].fd);
    }
    boxes_unlock(&batch->boxes);
    boxes_close(&batch->boxes);
}

static void tell_usage(const struct boxes *boxes,
                       void (*on_usage)(void *arg, const struct msg_usage *usage), void *arg)
{
    for (size_t i = 0; i < boxes->count; i++) {
        const struct box *box = &boxes->list[i];
        const struct msg_usage usage = {.account = box->account,
                                        .bytes = (uint64_t)box->quota.bytes + box->added_bytes,
                                        .messages =
                                            (uint64_t)box->quota.messages + box->added_messages,
                                        .full = box->full};
        if (box->counted)
            on_usage(arg, &usage);
    }
}

void batch_deliver(struct batch *batch, uint64_t epoch, const struct job *jobs, size_t n_jobs,
                   void (*on_usage)(void *arg, const struct msg_usage *usage), void *arg)
{
    batch->epoch = epoch;
    batch->n_files = n_jobs;
    for (size_t i = 0; i < n_jobs; i++) {
        struct batch_file *file = &batch->files[i];
        file->job = &jobs[i];
        file->fd = -1;
        file->size = 0;
        file->tmp_name[0] = '\0';
    }
    open_boxes(batch);
    boxes_lock(&batch->boxes);
    write_files(batch);
    sync_files(batch);
    publish_files(batch);
    boxes_sync_new(&batch->boxes);
    conclude(batch);
    tell_usage(&batch->boxes, on_usage, arg);
    clean_up(batch);
}
