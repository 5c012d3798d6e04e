/*
 * The local role. See local.h.
 *
 * The loop's thread takes units and sends outcomes; the pool's threads touch the mail store.
 *
 * An epoch begins when the channel to queue comes up: at the start of this role, and when queue was
 * restarted. Outcomes of an earlier epoch are not sent, because the new queue counts its units anew
 * and would take them for others'; and a message that was accepted before the epoch may have been
 * delivered in an earlier one (see repeats.h). The number of an epoch is its wall time.
 */
#include "local/local.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "local/pool.h"
#include "local/runs.h"
#include "local/report.h"

#include <errno.h>
#include <unistd.h>

enum { POOL_THREADS = 2, USAGE_SLOTS = 1024, USAGE_INTERVAL_MS = 1000 };

/* When an account's usage was told last; a slot is shared by whoever hashes to it. */
struct usage_slot {
    uint64_t hash;
    uint64_t next_ms;
};

struct local {
    struct role_context *role;
    struct pool *pool;
    struct runs *runs;
    uint64_t epoch;
    struct delivery_list incoming; /* of this round of the loop */
    struct delivery_list outgoing; /* outcomes that queue has not taken yet */
    struct usage_slot usage_slots[USAGE_SLOTS];
    uint64_t n_delivered, n_deferred, n_refused;
};

/* ---- outcomes ------------------------------------------------------------------------------- */

static void log_verdict(const struct delivery *delivery, uint32_t i)
{
    const struct verdict *verdict = &delivery->verdicts[i];
    const struct log_context message = {
        .field = LOG_STR("message", message_id_format(delivery->unit.message_id).text)};
    const char *event = verdict->kind == DONE_OK      ? "delivered"
                        : verdict->kind == DONE_LATER ? "deferred"
                                                      : "refused";

    log_at(verdict->kind == DONE_OK ? LOG_DEBUG : LOG_WARN, &message, event,
           LOG_SLICE("to", delivery->unit.recipients[i].address),
           LOG_STR("status", verdict->status), LOG_STR("reply", verdict->reply));
}

static void note_outcome(struct local *local, const struct delivery *delivery)
{
    for (uint32_t i = 0; i < delivery->unit.n_recipients; i++) {
        const struct verdict *verdict = &delivery->verdicts[i];
        local->n_delivered += verdict->kind == DONE_OK;
        local->n_deferred += verdict->kind == DONE_LATER;
        local->n_refused += verdict->kind == DONE_NEVER;
        log_verdict(delivery, i);
        if (verdict->kind == DONE_OK && verdict->report != REPORT_NONE)
            report_tell(local->role, delivery, i, verdict->report);
    }
}

/* The outcomes of as many deliveries as one message holds. Returns their number. */
static size_t encode_outcomes(struct local *local, struct buf *out)
{
    size_t n = 0;

    for (struct delivery *delivery = local->outgoing.first; delivery; delivery = delivery->next) {
        size_t len = out->len;
        uint64_t duration = clock_mono_ms() - delivery->since_ms;
        verdict_encode_done(out, &delivery->unit, delivery->verdicts, (uint32_t)duration,
                            &delivery->arena);
        if (out->overflow) {
            out->len = len;
            out->overflow = false;
            break;
        }
        n++;
    }
    return n;
}

static void send_outcomes(struct local *local)
{
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    while (local->outgoing.first) {
        size_t n;
        int r;
        buf_reset(&out);
        n = encode_outcomes(local, &out);
        if (n == 0)
            n = 1; /* cannot be: replies are cut to fit; but never try the same for ever */
        r = role_send(local->role, ROLE_QUEUE, MSG_DONE, buf_slice(&out), NULL, 0);
        if (r == -EAGAIN) {
            role_want_writable(local->role, ROLE_QUEUE);
            break;
        }
        if (r < 0 && r != -ENOTCONN)
            log_error(NULL, "outcome-lost", LOG_ERRNO(r));
        while (n--)
            delivery_free(delivery_list_take(&local->outgoing));
    }
    buf_done(&out);
}

/* Queue does not know the units of an earlier epoch. */
static void add_outcome(struct local *local, struct delivery *delivery)
{
    note_outcome(local, delivery);
    if (delivery->epoch == local->epoch)
        delivery_list_add(&local->outgoing, delivery);
    else
        delivery_free(delivery);
}

static void on_program_done(void *arg, struct delivery *delivery)
{
    struct local *local = arg;

    add_outcome(local, delivery);
    send_outcomes(local);
}

static void tell_usage(struct local *local, const struct msg_usage *usage)
{
    uint64_t hash = slice_hash(usage->account);
    uint64_t now = clock_mono_ms();
    struct usage_slot *slot = &local->usage_slots[hash % USAGE_SLOTS];
    struct buf out;

    if (slot->hash == hash && now < slot->next_ms && !usage->full)
        return;
    *slot = (struct usage_slot){.hash = hash, .next_ms = now + USAGE_INTERVAL_MS};
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_usage_encode(&out, usage);
    /* A hint that does not get through is given again with the next delivery. */
    (void)role_send(local->role, ROLE_AUTH, MSG_USAGE, buf_slice(&out), NULL, 0);
    buf_done(&out);
}

static void take_results(struct local *local)
{
    struct delivery_list done;
    struct pool_usage *usages;

    local_pool_take_done(local->pool, &done, &usages);
    for (struct delivery *delivery; (delivery = delivery_list_take(&done));)
        add_outcome(local, delivery);
    send_outcomes(local);
    while (usages) {
        struct pool_usage *note = usages;
        usages = note->next;
        tell_usage(local, &note->usage);
        free(note);
    }
}

static void on_wake(void *arg)
{
    take_results(arg);
}

static void on_pool_done(void *arg)
{
    struct local *local = arg;

    loop_wake(local->role->loop);
}

/* ---- units ---------------------------------------------------------------------------------- */

static bool domain_rejects_when_full(const struct config *config, struct slice name)
{
    const struct config_domain *domain = config_find_domain(config, name);

    return domain && domain->when_full == FULL_REJECT;
}

static void take_unit(struct local *local, struct channel_message *message)
{
    struct delivery *delivery = delivery_new(message);

    if (!delivery) {
        log_error(NULL, "bad-unit", LOG_STR("from", "queue"));
        return;
    }
    delivery->epoch = local->epoch;
    delivery->maybe_repeat = delivery->unit.received_ms <= local->epoch;
    delivery->reject_when_full =
        domain_rejects_when_full(local->role->config, delivery->unit.domain);
    switch (delivery->unit.way) {
    case WAY_MAILDIR:
        delivery_list_add(&local->incoming, delivery);
        break;
    case WAY_PROGRAM:
        runs_add(local->runs, delivery);
        break;
    default:
        log_error(NULL, "bad-unit", LOG_INT("way", delivery->unit.way));
        delivery_free(delivery);
    }
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct local *local = arg;

    if (from == ROLE_QUEUE && message->type == MSG_UNIT)
        take_unit(local, message);
    else if (from == ROLE_PROGRAM && message->type == MSG_RAN)
        runs_answer(local->runs, message->payload);
    channel_message_close_fds(message);
}

/* A round of the loop reads what the channel holds; it goes to the pool in one piece. */
static void on_idle(void *arg)
{
    struct local *local = arg;

    local_pool_add(local->pool, &local->incoming);
}

static void on_peer_up(void *arg, enum role peer)
{
    struct local *local = arg;
    uint64_t now = clock_wall_ms();

    if (peer != ROLE_QUEUE)
        return;
    local->epoch = now > local->epoch ? now : local->epoch + 1;
    delivery_list_free_all(&local->outgoing);
}

static void on_peer_down(void *arg, enum role peer)
{
    struct local *local = arg;

    if (peer == ROLE_PROGRAM)
        runs_lost(local->runs);
}

static void on_peer_writable(void *arg, enum role peer)
{
    if (peer == ROLE_QUEUE)
        send_outcomes(arg);
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    static const char name[] = "nuncio_local_deliveries_total";
    static const char help[] = "Deliveries into mailboxes and to programs, by their outcome.";
    struct local *local = arg;
    struct pool_stats stats = local_pool_stats(local->pool);

    exposition_counter(exposition, name, help, "result=\"delivered\"", local->n_delivered);
    exposition_counter(exposition, name, help, "result=\"deferred\"", local->n_deferred);
    exposition_counter(exposition, name, help, "result=\"refused\"", local->n_refused);
    exposition_gauge(exposition, "nuncio_local_waiting", "Deliveries that wait for the disk.", NULL,
                     stats.waiting);
}

static void on_status(void *arg, struct buf *json)
{
    struct local *local = arg;
    struct pool_stats stats = local_pool_stats(local->pool);

    buf_printf(json,
               "\"delivered\":%llu,\"deferred\":%llu,\"refused\":%llu,\"waiting\":%llu,"
               "\"batches\":%llu,\"programs\":%zu,",
               (unsigned long long)local->n_delivered, (unsigned long long)local->n_deferred,
               (unsigned long long)local->n_refused, (unsigned long long)stats.waiting,
               (unsigned long long)stats.batches, runs_count(local->runs));
}

static void on_stop(void *arg)
{
    struct local *local = arg;

    local_pool_stop(local->pool);
    take_results(local);
    loop_stop(local->role->loop);
}

int local_main(struct role_context *role)
{
    struct local *local = xcalloc(1, sizeof(*local));
    const struct pool_options options = {.state = role->config->state,
                                         .hostname = role->config->hostname,
                                         .threads = POOL_THREADS,
                                         .on_done = on_pool_done,
                                         .arg = local};
    const struct role_handlers handlers = {.message = on_message,
                                           .peer_up = on_peer_up,
                                           .peer_down = on_peer_down,
                                           .peer_writable = on_peer_writable,
                                           .status = on_status,
                                           .metrics = on_metrics,
                                           .stop = on_stop,
                                           .arg = local};
    int r = role->lock_in(role);

    local->role = role;
    local->epoch = clock_wall_ms();
    delivery_list_init(&local->incoming);
    delivery_list_init(&local->outgoing);
    if (r == 0)
        r = local_pool_new(&options, &local->pool);
    if (r == 0) {
        local->runs = runs_new(role, on_program_done, local);
        loop_on_wake(role->loop, on_wake, local);
        loop_on_idle(role->loop, on_idle, local);
        r = role_run(role, &handlers);
        local_pool_stop(local->pool);
        runs_free(local->runs);
        local_pool_free(local->pool);
    }
    delivery_list_free_all(&local->incoming);
    delivery_list_free_all(&local->outgoing);
    free(local);
    return r;
}
