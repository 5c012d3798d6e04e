/*
 * One program at work. See execution.h.
 *
 * The end of the process is the end of the execution, whoever else still holds its pipes. A program
 * that does not read its input to the end is not at fault: its exit status decides. At the time
 * limit the whole process group gets SIGTERM, and SIGKILL five seconds later; what is left of the
 * group is killed before the process is reaped, while its number cannot belong to another.
 */
#include "local/execution.h"

#include "base/clock.h"
#include "local/text.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILL_AFTER_MS = 5000, CAPTURE_MAX = 4096, TRACE_MAX = 8192 };

/* One of the program's outputs: its beginning is kept, the rest is read and forgotten. */
struct capture {
    int fd;
    struct loop_watch *watch;
    struct buf text;
};

struct execution {
    struct execution_options options;
    uint64_t request;
    struct spawned spawned;
    bool reaped, timed_out;
    struct loop_watch *end_watch, *input_watch;
    struct loop_timer *timer;
    struct text_reader reader;
    char *chunk;
    struct buf pending; /* what stands before the text; then unused */
    struct slice rest;  /* of what is to be written next */
    struct capture output, errors;
};

/* ---- input ---------------------------------------------------------------------------------- */

static void close_input(struct execution *execution)
{
    loop_unwatch(execution->input_watch);
    execution->input_watch = NULL;
    if (execution->spawned.input >= 0)
        close(execution->spawned.input);
    execution->spawned.input = -1;
}

/* The next piece of text into `rest`. False at its end; a text that cannot be read ends the
 * program, which must not take half a message for a whole one. */
static bool refill(struct execution *execution)
{
    ssize_t n = text_read(&execution->reader, execution->chunk);
    uint64_t lines = 0;

    if (n < 0)
        (void)kill(-execution->spawned.pid, SIGKILL);
    if (n <= 0)
        return false;
    execution->rest = slice_from(execution->chunk, text_to_lf(execution->chunk, (size_t)n, &lines));
    return true;
}

static void on_input(void *arg, unsigned ready)
{
    struct execution *execution = arg;
    ssize_t n;

    (void)ready;
    if (execution->rest.len == 0 && !refill(execution)) {
        close_input(execution);
        return;
    }
    n = write(execution->spawned.input, execution->rest.ptr, execution->rest.len);
    if (n >= 0)
        execution->rest = slice_skip(execution->rest, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        close_input(execution);
}

/* ---- output --------------------------------------------------------------------------------- */

static void close_capture(struct capture *capture)
{
    loop_unwatch(capture->watch);
    capture->watch = NULL;
    if (capture->fd >= 0)
        close(capture->fd);
    capture->fd = -1;
}

/* False when nothing more is there now, or ever. */
static bool read_some(struct capture *capture)
{
    char bytes[4096];
    ssize_t n = read(capture->fd, bytes, sizeof(bytes));
    size_t room = CAPTURE_MAX - capture->text.len;

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        close_capture(capture);
        return false;
    }
    buf_add(&capture->text, bytes, (size_t)n < room ? (size_t)n : room);
    return true;
}

static void on_output(void *arg, unsigned ready)
{
    (void)ready;
    (void)read_some(arg);
}

/* What the ended program left in the pipe; bounded, since another process may still write. */
static void drain(struct capture *capture)
{
    for (unsigned i = 0; i < 32 && capture->fd >= 0 && read_some(capture); i++)
        ;
}

static struct slice first_line(const struct capture *capture)
{
    struct slice rest = buf_slice(&capture->text);

    while (rest.ptr && rest.len) {
        struct slice line = slice_trim(slice_cut(&rest, '\n'));
        if (line.len)
            return line;
    }
    return SLICE_NULL;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void on_end(void *arg, unsigned ready)
{
    struct execution *execution = arg;
    struct msg_ran ran = {.request = execution->request, .started = true};
    siginfo_t info = {0};

    (void)ready;
    if (waitid(P_PID, (id_t)execution->spawned.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0)
        return;
    if (execution->timed_out)
        (void)kill(-execution->spawned.pid, SIGKILL);
    (void)waitid(P_PID, (id_t)execution->spawned.pid, &info, WEXITED | WNOHANG);
    execution->reaped = true;
    drain(&execution->errors);
    drain(&execution->output);
    ran.timed_out = execution->timed_out;
    ran.status = (uint32_t)info.si_status + (info.si_code == CLD_EXITED ? 0 : 256);
    ran.text = first_line(&execution->errors);
    if (ran.text.len == 0)
        ran.text = first_line(&execution->output);
    execution->options.on_end(execution->options.arg, execution, &ran);
}

static void on_kill_time(void *arg)
{
    struct execution *execution = arg;

    (void)kill(-execution->spawned.pid, SIGKILL);
}

static void terminate(struct execution *execution)
{
    (void)kill(-execution->spawned.pid, SIGTERM);
    loop_timer_free(execution->timer);
    execution->timer = loop_timer(execution->options.loop, on_kill_time, execution);
    loop_timer_arm(execution->timer, clock_mono_ms() + KILL_AFTER_MS);
}

static void on_time_limit(void *arg)
{
    struct execution *execution = arg;

    execution->timed_out = true;
    terminate(execution);
}

/* ---- the beginning -------------------------------------------------------------------------- */

static bool watch_all(struct execution *execution)
{
    struct loop *loop = execution->options.loop;

    execution->end_watch = loop_watch(loop, execution->spawned.pidfd, LOOP_READ, on_end, execution);
    execution->input_watch =
        loop_watch(loop, execution->spawned.input, LOOP_WRITE, on_input, execution);
    execution->output.watch =
        loop_watch(loop, execution->output.fd, LOOP_READ, on_output, &execution->output);
    execution->errors.watch =
        loop_watch(loop, execution->errors.fd, LOOP_READ, on_output, &execution->errors);
    return execution->end_watch && execution->input_watch && execution->output.watch &&
           execution->errors.watch;
}

static int spawn(struct execution *execution)
{
    const struct msg_run *run = execution->options.run;
    struct message_id_text id = message_id_format(run->message_id);
    const struct spawn_request request = {.argv = execution->options.argv,
                                          .argc = execution->options.argc,
                                          .user = execution->options.user,
                                          .sender = run->sender,
                                          .recipient = run->recipient,
                                          .message_id = slice_from_cstr(id.text)};

    return spawn_start(&request, &execution->spawned);
}

static void prepare(struct execution *execution)
{
    const struct msg_run *run = execution->options.run;

    execution->request = run->request;
    execution->reader = (struct text_reader){
        .fd = execution->options.text_fd, .offset = run->text_offset, .left = run->text_length};
    execution->chunk = xmalloc(TEXT_CHUNK);
    buf_init(&execution->pending, TRACE_MAX);
    buf_init(&execution->output.text, CAPTURE_MAX);
    buf_init(&execution->errors.text, CAPTURE_MAX);
    text_add_trace(&execution->pending, run->sender, run->recipient, SLICE_NULL);
    execution->rest = buf_slice(&execution->pending);
}

int execution_start(const struct execution_options *options, struct execution **ret_execution)
{
    struct execution *execution = xcalloc(1, sizeof(*execution));
    int r;

    execution->options = *options;
    execution->spawned = (struct spawned){.pidfd = -1, .input = -1};
    execution->output.fd = execution->errors.fd = -1;
    execution->reaped = true;
    prepare(execution);
    r = spawn(execution);
    if (r == 0) {
        execution->reaped = false;
        execution->output.fd = execution->spawned.output;
        execution->errors.fd = execution->spawned.errors;
        r = watch_all(execution) ? 0 : -EMFILE;
    }
    if (r < 0) {
        execution_free(execution);
        return r;
    }
    execution->timer = loop_timer(options->loop, on_time_limit, execution);
    loop_timer_arm(execution->timer, clock_mono_ms() + options->timeout_ms);
    *ret_execution = execution;
    return 0;
}

void execution_stop(struct execution *execution)
{
    terminate(execution);
}

void execution_free(struct execution *execution)
{
    loop_timer_free(execution->timer);
    loop_unwatch(execution->end_watch);
    close_input(execution);
    close_capture(&execution->output);
    close_capture(&execution->errors);
    if (!execution->reaped) {
        (void)kill(-execution->spawned.pid, SIGKILL);
        (void)waitpid(execution->spawned.pid, NULL, 0);
    }
    if (execution->spawned.pidfd >= 0)
        close(execution->spawned.pidfd);
    close(execution->options.text_fd);
    buf_done(&execution->output.text);
    buf_done(&execution->errors.text);
    buf_done(&execution->pending);
    free(execution->chunk);
    free(execution);
}
