/*
 * The role: units in from queue, attempts on the pool's threads, outcomes back in batches.
 *
 * - The loop's thread takes units, owns the timers and sends what the attempts leave in the outbox.
 *   It never waits for the network.
 * - Units belong to the queue process that sent them. When that is gone its units are: those
 *   waiting are dropped, those under way stop before they send the text if they still can, and
 *   their outcomes go to nobody; a new queue process sends what it still wants to be sent. Each job
 *   carries the epoch it came in.
 * - An attempt keeps the configuration that was in force when its unit came.
 * - Stopping: attempts under way have STOP_GRACE_MS to end by themselves, then every wait is
 *   cancelled. A message whose text was out by then may be sent again after the restart; none is
 *   lost.
 */
#include "relay/relay.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "relay/attempt.h"
#include "relay/key_ring.h"
#include "relay/outbox.h"
#include "relay/policies.h"
#include "relay/relay_metrics.h"
#include "relay/site_answers.h"
#include "relay/workers.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    CA_MAX = 16 << 20,
    STOP_GRACE_MS = 5000,
    STOP_CHECK_MS = 100,
    CANCEL_GRACE_MS = 2000,
    SWEEP_MS = 1000,
    GATHER_MS = 1
};

struct relay {
    struct role_context *role;
    struct config *config;
    struct attempt_shared shared;
    struct policies policies;
    struct workers *workers;
    struct outbox *outbox;
    struct site_answers *site_answers;
    struct key_ring *ring;
    struct loop_timer *flush_timer, *sweep_timer, *stop_timer;
    bool sweeping;
    uint64_t stop_at; /* cancel all then; 0: not stopping */
    bool cancelled;
    atomic_uint epoch;
};

struct job {
    struct workers_job base;
    struct relay *relay;
    struct config *config;
    struct arena arena;
    struct msg_unit unit;
    int fd;
    unsigned epoch;
};

static void job_free(struct job *job)
{
    close(job->fd);
    config_unref(job->config);
    arena_done(&job->arena);
    free(job);
}

static void *thread_new(void *arg)
{
    struct attempt_scratch *scratch = xcalloc(1, sizeof(*scratch));

    (void)arg;
    attempt_scratch_init(scratch);
    return scratch;
}

static void thread_free(void *arg, void *memory)
{
    (void)arg;
    attempt_scratch_done(memory);
    free(memory);
}

static bool is_wanted(void *arg)
{
    const struct job *job = arg;
    return atomic_load_explicit(&job->relay->epoch, memory_order_relaxed) == job->epoch;
}

static void log_done(const struct msg_unit *unit, const struct msg_done *done)
{
    struct message_id_text id = message_id_format(unit->message_id);
    unsigned ok = 0;

    for (uint32_t i = 0; i < done->n_recipients; i++)
        ok += done->recipients[i].kind == DONE_OK;
    log_debug(NULL, "attempt", LOG_STR("message", id.text), LOG_SLICE("route", unit->name),
              LOG_SLICE("remote", done->remote), LOG_INT("recipients", done->n_recipients),
              LOG_INT("ok", ok), LOG_INT("ms", done->duration_ms));
    if (done->n_recipients && done->recipients[0].kind == DONE_NETWORK)
        log_warn(NULL, "no-server", LOG_SLICE("route", unit->name),
                 LOG_SLICE("remote", done->remote), LOG_SLICE("reply", done->recipients[0].reply));
}

static void tell_done(struct job *job, const struct msg_done *done)
{
    struct relay *relay = job->relay;

    log_done(&job->unit, done);
    counts_attempt(&job->relay->shared.counts, done);
    if (is_wanted(job))
        outbox_add(relay->outbox, done, job->epoch);
}

static void job_run(void *arg, void *memory, struct workers_job *workers_job)
{
    struct job *job = (struct job *)workers_job;
    struct relay *relay = arg;
    struct attempt attempt = {.shared = &relay->shared,
                              .scratch = memory,
                              .config = job->config,
                              .unit = &job->unit,
                              .fd = job->fd,
                              .arena = &job->arena,
                              .still_wanted = is_wanted,
                              .arg = job};
    struct msg_done done;

    if (is_wanted(job)) {
        attempt_run(&attempt, &done);
        tell_done(job, &done);
    }
    job_free(job);
}

static void job_drop(void *arg, struct workers_job *workers_job)
{
    (void)arg;
    job_free((struct job *)workers_job);
}

static const struct workers_methods workers_methods = {
    .thread_new = thread_new, .thread_free = thread_free, .run = job_run, .drop = job_drop};

/* A unit of queue with its descriptor, which is the job's from now on. NULL: not one. */
static struct job *job_new(struct relay *relay, struct channel_message *message)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->relay = relay;
    arena_init(&job->arena);
    if (message->n_fds != 1 ||
        msg_unit_decode(arena_dup(&job->arena, message->payload), &job->arena, &job->unit) < 0) {
        arena_done(&job->arena);
        free(job);
        return NULL;
    }
    job->fd = message->fds[0];
    message->n_fds = 0;
    job->config = config_ref(relay->config);
    job->epoch = atomic_load(&relay->epoch);
    return job;
}

/* What the bound on connections is for: the servers of a site, or a route's own hosts. */
static struct slice group_of(struct job *job, const struct config_route *route)
{
    if (!route || !route->mx)
        return job->unit.name;
    return arena_printf(&job->arena, "%.*s %.*s", SLICE_ARG(job->unit.name),
                        SLICE_ARG(job->unit.domain));
}

static void take_unit(struct relay *relay, struct channel_message *message)
{
    struct job *job = job_new(relay, message);
    const struct config_route *route;
    struct msg_done done;
    int r;

    if (!job) {
        log_error(NULL, "bad-unit", LOG_INT("bytes", message->payload.len));
        return;
    }
    route = config_find_route(job->config, job->unit.name);
    r = workers_add(relay->workers, &job->base, group_of(job, route),
                    route ? route->concurrency : 1);
    if (r == 0)
        return;
    log_warn(NULL, "no-thread", LOG_ERRNO(r));
    attempt_refuse(&job->arena, &job->unit, "no thread to be had for the delivery", &done);
    tell_done(job, &done);
    job_free(job);
}

/* Policies are fetched, and reports posted, under the CAs that mail to the world goes under. */
static void give_ca(struct relay *relay)
{
    const struct config_route *route =
        config_find_route(relay->config, relay->config->default_route);
    struct buf ca;
    unsigned version;

    buf_init(&ca, CA_MAX);
    if (!route || !route->tls_ca.len ||
        handed_read(relay->shared.handed, route->tls_ca, &ca, &version))
        policies_set_ca(&relay->policies, buf_slice(&ca));
    buf_done(&ca);
}

/* A password, a token or CAs. Connections that were made with the older ones are closed. */
static void take_file(struct relay *relay, struct channel_message *message)
{
    struct msg_file file;
    struct arena arena;
    int r;

    arena_init(&arena);
    r = msg_file_decode(message->payload, &arena, &file);
    if (r == 0)
        r = handed_take(relay->shared.handed, &file, message->n_fds ? message->fds[0] : -1);
    if (r < 0)
        log_error(NULL, "file-not-taken", LOG_ERRNO(r));
    logins_reset(relay->shared.logins);
    idle_drop_all(&relay->shared.idle);
    give_ca(relay);
    arena_done(&arena);
}

static void take_site_ask(struct relay *relay, const struct channel_message *message)
{
    if (site_answers_take(relay->site_answers, relay->config, message->payload) < 0)
        log_error(NULL, "bad-site-ask", LOG_INT("bytes", message->payload.len));
}

static bool ends_keys(struct slice payload)
{
    struct msg_keys message;
    struct arena arena;
    bool ends;

    arena_init(&arena);
    ends = msg_keys_decode(payload, &arena, &message) == 0 && message.ends;
    arena_done(&arena);
    return ends;
}

/* What can be signed with, or a signature. */
static void take_from_keys(struct relay *relay, const struct channel_message *message)
{
    int r = 0;

    if (message->type == MSG_KEYS)
        r = key_ring_take(relay->ring, message->payload);
    else if (message->type == MSG_SIGNED)
        r = sign_take(relay->shared.sign, message->payload);
    if (r < 0)
        log_error(NULL, "bad-keys", LOG_INT("bytes", message->payload.len));
    else if (message->type == MSG_KEYS && ends_keys(message->payload))
        sign_keys_told(relay->shared.sign);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct relay *relay = arg;

    if (from == ROLE_QUEUE && message->type == MSG_UNIT)
        take_unit(relay, message);
    else if (from == ROLE_PARENT && message->type == MSG_FILE)
        take_file(relay, message);
    else if (from == ROLE_QUEUE && message->type == MSG_SITE_ASK)
        take_site_ask(relay, message);
    else if (from == ROLE_KEYS)
        take_from_keys(relay, message);
    else if (from == ROLE_QUEUE || from == ROLE_HISTORY)
        policies_take_message(&relay->policies, message);
    channel_message_close_fds(message);
}

/* What was under way with the old queue process is of no use to the new one. */
static void on_peer_changed(void *arg, enum role peer)
{
    struct relay *relay = arg;

    if (peer == ROLE_KEYS)
        sign_keys_lost(relay->shared.sign);
    if (peer != ROLE_QUEUE)
        return;
    atomic_fetch_add(&relay->epoch, 1);
    workers_drop_waiting(relay->workers);
    site_answers_reset(relay->site_answers);
    outbox_reset(relay->outbox, atomic_load(&relay->epoch));
    policies_queue_changed(&relay->policies);
}

static void flush_outbox(struct relay *relay)
{
    if (outbox_flush(relay->outbox, relay->role) == -EAGAIN ||
        site_answers_flush(relay->site_answers) == -EAGAIN)
        role_want_writable(relay->role, ROLE_QUEUE);
}

static void on_writable(void *arg, enum role peer)
{
    if (peer == ROLE_QUEUE)
        flush_outbox(arg);
}

static void on_sweep(void *arg)
{
    struct relay *relay = arg;

    relay->sweeping = idle_sweep(&relay->shared.idle) > 0;
    if (relay->sweeping)
        loop_timer_arm(relay->sweep_timer, clock_mono_ms() + SWEEP_MS);
}

static void on_flush(void *arg)
{
    flush_outbox(arg);
}

/* The finder has answers, or the outbox has something again. While other attempts are under way it
 * goes out in a moment, with what they add: a message to queue wakes up two processes. */
static void on_wake(void *arg)
{
    struct relay *relay = arg;

    finder_run(relay->shared.finder);
    key_ring_run(relay->ring);
    if (workers_numbers(relay->workers).running > 1)
        loop_timer_arm(relay->flush_timer, clock_mono_ms() + GATHER_MS);
    else
        flush_outbox(relay);
    if (!relay->sweeping && idle_count(&relay->shared.idle)) {
        relay->sweeping = true;
        loop_timer_arm(relay->sweep_timer, clock_mono_ms() + SWEEP_MS);
    }
}

static void read_system_cas(struct relay *relay)
{
    int r = tls_clients_read_system(relay->shared.tls_clients);

    if (r < 0)
        log_error(NULL, "system-cas", LOG_ERRNO(r));
}

static bool on_config(void *arg, struct config *config, struct buf *why_not)
{
    struct relay *relay = arg;
    struct config *old = relay->config;

    (void)why_not;
    relay->config = config_ref(config);
    config_unref(old);
    read_system_cas(relay);
    idle_drop_all(&relay->shared.idle);
    finder_forget(relay->shared.finder);
    policies_configure(&relay->policies, config);
    give_ca(relay);
    logins_reset(relay->shared.logins);
    key_ring_look(relay->ring);
    return true;
}

static void on_status(void *arg, struct buf *json)
{
    struct relay *relay = arg;
    struct workers_numbers numbers = workers_numbers(relay->workers);
    struct finder_numbers found = finder_numbers(relay->shared.finder);

    buf_printf(json, "\"threads\":%u,\"attempts\":%u,\"waiting\":%u,\"idle_connections\":%u,",
               numbers.threads, numbers.running, numbers.waiting, idle_count(&relay->shared.idle));
    buf_printf(json, "\"domains_known\":%u,\"domains_searched\":%u,\"domains_waiting\":%u,",
               found.known, found.searching, found.waiting);
    policies_status(&relay->policies, json);
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    struct relay *relay = arg;

    sign_metrics(relay->shared.sign, exposition);
    relay_metrics(&relay->shared, &relay->policies, relay->workers, exposition);
}

static void cancel_all(struct relay *relay)
{
    relay->cancelled = true;
    finder_stop(relay->shared.finder);
    dns_stop(relay->shared.dns);
    (void)!write(relay->shared.cancel_fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void on_stop_check(void *arg)
{
    struct relay *relay = arg;
    struct workers_numbers numbers = workers_numbers(relay->workers);
    uint64_t now = clock_mono_ms();

    if (numbers.running + numbers.waiting == 0 || now >= relay->stop_at + CANCEL_GRACE_MS) {
        flush_outbox(relay);
        loop_stop(relay->role->loop);
        return;
    }
    if (now >= relay->stop_at && !relay->cancelled)
        cancel_all(relay);
    loop_timer_arm(relay->stop_timer, now + STOP_CHECK_MS);
}

static void on_stop(void *arg)
{
    struct relay *relay = arg;

    if (relay->stop_at)
        return;
    relay->stop_at = clock_mono_ms() + STOP_GRACE_MS;
    workers_stop(relay->workers, 0);
    on_stop_check(relay);
}

static void wake_loop(void *arg)
{
    loop_wake(((struct relay *)arg)->role->loop);
}

/* All that needs descriptors and files; no thread yet. */
static int relay_open(struct relay *relay)
{
    int r;

    relay->shared.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (relay->shared.cancel_fd < 0)
        return -errno;
    r = dns_new(&relay->role->config->dns, &relay->shared.dns);
    if (r < 0)
        return r;
    relay->shared.handed = handed_new();
    relay->shared.tls_clients = tls_clients_new(relay->shared.handed);
    r = tls_clients_read_system(relay->shared.tls_clients);
    if (r == 0)
        r = policies_open(&relay->policies, relay->role, relay->shared.dns);
    if (r < 0)
        return r;
    relay->shared.tlsrpt = relay->policies.tlsrpt;
    relay->shared.logins = logins_new(relay->policies.https, relay->shared.handed);
    dead_init(&relay->shared.dead);
    slots_init(&relay->shared.slots);
    idle_init(&relay->shared.idle);
    relay->workers = workers_new(&workers_methods, relay);
    relay->outbox = outbox_new(wake_loop, relay);
    relay->flush_timer = loop_timer(relay->role->loop, on_flush, relay);
    relay->sweep_timer = loop_timer(relay->role->loop, on_sweep, relay);
    relay->stop_timer = loop_timer(relay->role->loop, on_stop_check, relay);
    relay->shared.finder = finder_new(relay->shared.dns, relay->policies.sts,
                                      relay->policies.tlsrpt, wake_loop, relay);
    relay->site_answers =
        site_answers_new(relay->role, relay->shared.finder, &relay->shared.counts);
    relay->ring = key_ring_new(relay->role, relay->shared.dns);
    relay->shared.sign = sign_new(relay->role, relay->ring);
    loop_on_wake(relay->role->loop, on_wake, relay);
    relay->config = config_ref(relay->role->config);
    return 0;
}

/* Threads that did not end even when cancelled still use all of it; then it is left to exit(). */
static void relay_close(struct relay *relay)
{
    if (!workers_stop(relay->workers, clock_mono_ms() + CANCEL_GRACE_MS))
        return;
    workers_free(relay->workers);
    outbox_free(relay->outbox);
    idle_done(&relay->shared.idle);
    slots_done(&relay->shared.slots);
    dead_done(&relay->shared.dead);
    dns_stop(relay->shared.dns);
    logins_free(relay->shared.logins);
    policies_close(&relay->policies);
    tls_clients_free(relay->shared.tls_clients);
    handed_free(relay->shared.handed);
    dns_free(relay->shared.dns);
    sign_free(relay->shared.sign);
    key_ring_free(relay->ring);
    site_answers_free(relay->site_answers);
    finder_free(relay->shared.finder);
    loop_timer_free(relay->flush_timer);
    loop_timer_free(relay->sweep_timer);
    loop_timer_free(relay->stop_timer);
    close(relay->shared.cancel_fd);
    config_unref(relay->config);
}

int relay_main(struct role_context *role)
{
    static struct relay relay; /* one role per process; outlives threads that do not end */
    static const struct role_handlers handlers = {.message = on_message,
                                                  .peer_up = on_peer_changed,
                                                  .peer_down = on_peer_changed,
                                                  .peer_writable = on_writable,
                                                  .config = on_config,
                                                  .status = on_status,
                                                  .metrics = on_metrics,
                                                  .stop = on_stop,
                                                  .arg = &relay};
    int r;

    memset(&relay, 0, sizeof(relay));
    relay.role = role;
    r = relay_open(&relay);
    if (r == 0)
        r = role->lock_in(role);
    if (r == 0)
        r = policies_start(&relay.policies);
    if (r == 0)
        r = role_run(role, &handlers);
    if (r < 0) {
        log_error(NULL, "relay-failed", LOG_ERRNO(r));
        return EX_OSERR;
    }
    relay_close(&relay);
    return EX_OK;
}
