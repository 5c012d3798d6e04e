/*
 * What `web` asks of the parent: the metrics of all roles, with what the parent itself knows of its
 * processes. Every role is asked and all of them waited for, or METRICS_WAIT_MS; one that is silent
 * is left out this time. One answer will do for all who ask meanwhile, which is one: web asks again
 * only when it has it.
 */
#include "daemon/parent.h"

#include "base/clock.h"
#include "base/exposition.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { METRICS_WAIT_MS = 2000, TEXT_MAX = CHANNEL_PAYLOAD_MAX - 64 };

static void on_late(void *arg);

void metrics_init(struct parent *parent)
{
    parent->metrics = (struct metrics){.timer = loop_timer(parent->loop, on_late, parent)};
}

void metrics_done(struct parent *parent)
{
    loop_timer_free(parent->metrics.timer);
    buf_done(&parent->metrics.text);
}

/* ---- processes ----------------------------------------------------------------------------- */

struct process {
    uint64_t cpu_ms, resident_bytes;
};

/* utime and stime are the 14th and 15th fields, rss the 24th (proc(5)); the second, the name, may
 * hold anything up to the last ")". */
static bool read_process(pid_t pid, struct process *ret_process)
{
    char path[64], text[1024];
    uint64_t fields[22] = {0};
    struct slice rest;
    ptrdiff_t end;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (fd >= 0)
        close(fd);
    end = n < 0 ? -1 : slice_find_last(slice_from(text, (size_t)n), ')');
    if (end < 0)
        return false;
    rest = slice_trim(slice_skip(slice_from(text, (size_t)n), (size_t)end + 1));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        (void)slice_parse_u64(slice_cut(&rest, ' '), UINT64_MAX, &fields[i]);
    ret_process->cpu_ms = (fields[11] + fields[12]) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    ret_process->resident_bytes = fields[21] * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

struct row {
    char label[32];
    struct process process;
    unsigned restarts;
    bool ready;
};

static unsigned read_rows(const struct parent *parent, struct row rows[ROLE_COUNT])
{
    unsigned n = 0;

    for (enum role role = 0; role < ROLE_COUNT; role++) {
        const struct child *child = &parent->children[role];
        pid_t pid = role == ROLE_PARENT ? getpid() : child->pid;
        struct row *row = &rows[n];
        if (role != ROLE_PARENT && (!child->entry || (child->pid == 0 && !child->waiting)))
            continue;
        *row =
            (struct row){.restarts = child->restarts, .ready = role == ROLE_PARENT || child->ready};
        snprintf(row->label, sizeof(row->label), "role=\"%s\"", role_name(role));
        if (pid)
            (void)read_process(pid, &row->process);
        n++;
    }
    return n;
}

static void add_own(const struct parent *parent, struct exposition *exposition)
{
    struct row rows[ROLE_COUNT];
    unsigned n = read_rows(parent, rows);

    exposition_gauge(exposition, "nuncio_build_info", "The version, as a label.",
                     "version=\"" NUNCIO_VERSION "\"", 1);
    exposition_gauge(exposition, "nuncio_uptime_seconds", "Since the server started.", NULL,
                     (clock_mono_ms() - parent->started_ms) / 1000);
    for (unsigned i = 0; i < n; i++)
        exposition_gauge(exposition, "nuncio_role_up", "1 while the role's process serves.",
                         rows[i].label, rows[i].ready);
    for (unsigned i = 0; i < n; i++)
        exposition_counter(exposition, "nuncio_role_restarts_total",
                           "How often a role had to be started again.", rows[i].label,
                           rows[i].restarts);
    for (unsigned i = 0; i < n; i++)
        exposition_counter_ms(exposition, "nuncio_role_cpu_seconds_total",
                              "Processor time of the role's process.", rows[i].label,
                              rows[i].process.cpu_ms);
    for (unsigned i = 0; i < n; i++)
        exposition_gauge(exposition, "nuncio_role_resident_memory_bytes",
                         "Memory of the role's process.", rows[i].label,
                         rows[i].process.resident_bytes);
}

/* ---- asking -------------------------------------------------------------------------------- */

static bool is_due(const struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (parent->children[role].metrics_due)
            return true;
    }
    return false;
}

static void finish(struct parent *parent)
{
    struct metrics *metrics = &parent->metrics;
    struct exposition exposition = {.out = &metrics->text};
    struct msg_text reply = {.request = metrics->request};
    struct buf out;

    loop_timer_disarm(metrics->timer);
    metrics->asking = false;
    add_own(parent, &exposition);
    reply.text = buf_slice(&metrics->text);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_text_encode(&out, &reply);
    child_send(&parent->children[ROLE_WEB], MSG_ADMIN_REPLY, buf_slice(&out), -1);
    buf_done(&out);
    buf_done(&metrics->text);
}

static void on_late(void *arg)
{
    struct parent *parent = arg;

    for (enum role role = 0; role < ROLE_COUNT; role++)
        parent->children[role].metrics_due = false;
    finish(parent);
}

void metrics_ask(struct parent *parent, uint32_t request)
{
    struct metrics *metrics = &parent->metrics;
    const struct msg_text ask = {.request = request};
    struct buf out;

    metrics->request = request;
    if (metrics->asking)
        return;
    metrics->asking = true;
    buf_init(&metrics->text, TEXT_MAX);
    loop_timer_arm(metrics->timer, clock_mono_ms() + METRICS_WAIT_MS);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_text_encode(&out, &ask);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        if (!child->ready)
            continue;
        child->metrics_due = true;
        child_send(child, MSG_METRICS_ASK, buf_slice(&out), -1);
    }
    buf_done(&out);
    if (!is_due(parent))
        finish(parent);
}

void metrics_on_answer(struct child *child, struct slice text)
{
    struct parent *parent = child->parent;

    if (!child->metrics_due)
        return;
    child->metrics_due = false;
    /* What does not fit is left out as a whole: half an exposition is none. */
    if (parent->metrics.text.len + text.len <= TEXT_MAX / 2)
        buf_add_slice(&parent->metrics.text, text);
    if (!is_due(parent))
        finish(parent);
}
