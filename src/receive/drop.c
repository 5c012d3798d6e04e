/*
 * See drop.h.
 *
 * Anybody may put anything into the folder, so the work of a round is bounded: so many names
 * looked at, so many messages on their way to the disk. A round goes on where the last one ended,
 * so that a million files of rubbish in front cannot hide a message for ever.
 *
 * Names that are not those of complete messages are left alone: what begins with a dot is being
 * written, the rest is not ours. A file with a good name that can never be taken (a FIFO, a link,
 * a torn or foreign file) is renamed to NAME.bad and logged, and then is such a name itself. Links
 * and FIFOs, which the sandbox does not let us rename, are removed: there is no mail in them. What
 * cannot even be put aside (something is in the way) stays, and the log is told at most once a
 * minute.
 *
 * A message whose file cannot be removed after the commit is not collected again while we live: it
 * keeps its place among those that are under way, and with enough of them collecting stops.
 */
#include "receive/drop.h"

#include "base/clock.h"
#include "base/log.h"
#include "mail/dropfile.h"
#include "receive/drop_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    JOBS = 16, /* messages under way at a time */
    NAMES_PER_STEP = 256,
    LOOK_MS = 5000, /* inotify may lose events; this does not */
    RETRY_MS = 5000,
    COMPLAIN_MS = 60 * 1000,
    NAME_SIZE = 48, /* a good name is 36 bytes */
};

enum job_state { JOB_FREE, JOB_COMMITTING, JOB_COMMITTED, JOB_STUCK };

struct job {
    struct drop *drop;
    _Atomic int state; /* enum job_state */
    int result;        /* written before the state becomes COMMITTED */
    char name[NAME_SIZE];
};

struct drop {
    struct server *server;
    struct task *task;
    DIR *folder;
    int inotify;
    struct job jobs[JOBS];
    bool more;              /* the round has not come to the folder's end */
    bool again;             /* something has come since the round began */
    uint64_t not_before_ms; /* the spool does not take anything now */
    uint64_t complain_ms;   /* not before: about what cannot be put aside */
};

struct drop *drop_open(struct server *server, struct slice state)
{
    struct drop *drop = xcalloc(1, sizeof(*drop));
    struct arena arena;
    const char *path;

    arena_init(&arena);
    path = arena_printf(&arena, "%.*s/maildrop", SLICE_ARG(state)).ptr;
    drop->server = server;
    for (unsigned i = 0; i < JOBS; i++)
        drop->jobs[i].drop = drop;
    drop->folder = opendir(path);
    drop->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (drop->inotify >= 0 && drop->folder)
        (void)inotify_add_watch(drop->inotify, path, IN_MOVED_TO | IN_ONLYDIR);
    if (!drop->folder || drop->inotify < 0) {
        log_warn(NULL, "maildrop-closed", LOG_STR("path", path), LOG_ERRNO(errno));
        drop_close(drop);
        drop = NULL;
    }
    arena_done(&arena);
    return drop;
}

void drop_close(struct drop *drop)
{
    if (!drop)
        return;
    if (drop->folder)
        closedir(drop->folder);
    if (drop->inotify >= 0)
        close(drop->inotify);
    free(drop);
}

/* On the committer's thread. */
static void on_committed(void *arg, int result)
{
    struct job *job = arg;

    job->result = result;
    atomic_store(&job->state, JOB_COMMITTED);
    job->drop->server->wake(job->drop->task);
}

static void finish_job(struct drop *drop, struct job *job)
{
    int state = JOB_FREE;

    if (job->result < 0) {
        log_error(NULL, "maildrop-later", LOG_STR("file", job->name), LOG_ERRNO(job->result));
        drop->not_before_ms = clock_mono_ms() + RETRY_MS;
    } else if (unlinkat(dirfd(drop->folder), job->name, 0) < 0 && errno != ENOENT) {
        log_error(NULL, "maildrop-not-removed", LOG_STR("file", job->name), LOG_ERRNO(errno));
        state = JOB_STUCK;
    } else {
        atomic_fetch_add(&drop->server->counts.dropped, 1);
    }
    atomic_store(&job->state, state);
}

static void finish_jobs(struct drop *drop)
{
    for (unsigned i = 0; i < JOBS; i++) {
        if (atomic_load(&drop->jobs[i].state) == JOB_COMMITTED)
            finish_job(drop, &drop->jobs[i]);
    }
}

static bool is_committing(struct drop *drop)
{
    for (unsigned i = 0; i < JOBS; i++) {
        int state = atomic_load(&drop->jobs[i].state);
        if (state == JOB_COMMITTING || state == JOB_COMMITTED)
            return true;
    }
    return false;
}

static struct job *find_job(struct drop *drop, const char *name)
{
    for (unsigned i = 0; i < JOBS; i++) {
        struct job *job = &drop->jobs[i];
        if (atomic_load(&job->state) != JOB_FREE && strcmp(job->name, name) == 0)
            return job;
    }
    return NULL;
}

static struct job *free_job(struct drop *drop)
{
    for (unsigned i = 0; i < JOBS; i++) {
        if (atomic_load(&drop->jobs[i].state) == JOB_FREE)
            return &drop->jobs[i];
    }
    return NULL;
}

static bool remove_special(int folder, const char *name)
{
    struct stat status;

    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode) &&
           !S_ISDIR(status.st_mode) && unlinkat(folder, name, 0) == 0;
}

static void set_aside(struct drop *drop, const char *name, const char *why)
{
    char aside[NAME_SIZE + 8];
    int folder = dirfd(drop->folder), error = 0;
    uint64_t now = clock_mono_ms();

    snprintf(aside, sizeof(aside), "%.*s.bad", NAME_SIZE - 1, name);
    if (renameat(folder, name, folder, aside) < 0)
        error = errno;
    if (error == 0 || remove_special(folder, name)) {
        log_warn(NULL, "maildrop-bad", LOG_STR("file", name), LOG_STR("why", why));
    } else if (now >= drop->complain_ms) {
        log_error(NULL, "maildrop-bad-stays", LOG_STR("file", name), LOG_STR("why", why),
                  LOG_ERRNO(error));
        drop->complain_ms = now + COMPLAIN_MS;
    }
}

static void take_file(struct drop *drop, const char *name, const struct config *config,
                      struct task_scratch *scratch)
{
    struct job *job = free_job(drop);
    const char *why;

    if (find_job(drop, name))
        return;
    snprintf(job->name, sizeof(job->name), "%.*s", NAME_SIZE - 1, name);
    atomic_store(&job->state, JOB_COMMITTING);
    switch (drop_file_submit(drop->server, config, dirfd(drop->folder), name, scratch, on_committed,
                             job, &why)) {
    case DROP_SUBMITTED:
        return;
    case DROP_LATER:
        drop->not_before_ms = clock_mono_ms() + RETRY_MS;
        break;
    case DROP_BAD:
        set_aside(drop, name, why);
        break;
    }
    atomic_store(&job->state, JOB_FREE);
}

static void look(struct drop *drop, struct task_scratch *scratch)
{
    struct config *config = server_take_config(drop->server);

    drop->more = true;
    for (unsigned i = 0; i < NAMES_PER_STEP && free_job(drop) && drop->not_before_ms == 0; i++) {
        struct dirent *entry = readdir(drop->folder);
        if (!entry) {
            drop->more = drop->again;
            drop->again = false;
            rewinddir(drop->folder);
            break;
        }
        if (dropfile_name_is_good(slice_from_cstr(entry->d_name)))
            take_file(drop, entry->d_name, config, scratch);
        arena_reset(&scratch->arena);
    }
    config_unref(config);
}

static void drain_inotify(struct drop *drop, struct task_scratch *scratch)
{
    while (read(drop->inotify, scratch->bytes, scratch->size) > 0)
        drop->again = drop->more = true;
}

static struct task_step drop_run(void *arg, enum task_why why, struct task_scratch *scratch)
{
    struct drop *drop = arg;
    uint64_t now = clock_mono_ms();
    struct task_step next = {.next = TASK_PARK, .want = TASK_READ, .deadline_ms = now + LOOK_MS};

    finish_jobs(drop);
    if (why == TASK_STOPPING)
        return (struct task_step){.next = is_committing(drop) ? TASK_PARK : TASK_END};
    drain_inotify(drop, scratch);
    if (drop->not_before_ms > now) {
        next.deadline_ms = drop->not_before_ms;
        return next;
    }
    drop->not_before_ms = 0;
    if (why == TASK_TIMEOUT || drop->more)
        look(drop, scratch);
    /* With all places taken it is a commit that wakes us. */
    if (drop->more && free_job(drop) && drop->not_before_ms == 0)
        next.next = TASK_YIELD;
    return next;
}

int drop_start(struct drop *drop, struct tasks *pool)
{
    struct task_step first = {
        .next = TASK_PARK, .want = TASK_READ, .deadline_ms = clock_mono_ms() + 1};

    drop->more = true;
    return tasks_add(pool, drop->inotify, first, drop_run, drop, &drop->task);
}
