/*
 * Random lives of a spool on a faulty machine, from a seed.
 *
 *   sim_spool [--seed N] [--runs M] [--verbose]    --runs 0: until something breaks
 *
 * A run is some hundred steps: messages come, commits happen or not, the store reads, outcomes are
 * stored, processes die at any call, the power goes at any call, syncs fail, the disk is full.
 * After each opening of the store all promises are checked (sim_world.c). At the end the faults
 * stop, all mail is finished, and the spool must be empty, on disk too. When a promise is broken,
 * the seed and the step are printed; the same seed does the same again.
 */
#include "sim_world.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum { STEPS_MIN = 40, STEPS_MORE = 200, SETTLE_ROUNDS = 40 };

static const char *const writer_name[WRITERS] = {"receive", "submit"};

/* ---- messages ------------------------------------------------------------------------------ */

struct ticket {
    struct world *world;
    struct promise *promise;
    uint32_t tries, added;
    bool end, signature;
};

static struct disk *process_of(const struct world *world, unsigned writer)
{
    return writer < WRITERS ? world->writer_process[writer] : world->store_process;
}

static void message_done(void *arg, int result)
{
    struct ticket *ticket = arg;
    struct promise *promise = ticket->promise;

    /* A dead process tells nobody anything. */
    if (!sim_process_is_stopped(process_of(ticket->world, promise->writer))) {
        promise->message = result == 0 ? STORED : REFUSED;
        world_say(ticket->world, "  message %llx: %d", (unsigned long long)promise->id, result);
    }
    free(ticket);
}

static struct ticket *new_ticket(struct world *world, struct promise *promise)
{
    struct ticket *ticket = xcalloc(1, sizeof(*ticket));

    ticket->world = world;
    ticket->promise = promise;
    return ticket;
}

static uint32_t random_size(struct world *world)
{
    switch (sim_below(&world->random, 8)) {
    case 0:
        return sim_below(&world->random, 3);
    case 1:
        return 16384 + sim_below(&world->random, 40000); /* in a file of its own */
    case 2:
        return 8192 + sim_below(&world->random, 8192);
    default:
        return sim_below(&world->random, 3000);
    }
}

static void fill_envelope(struct envelope *envelope, struct recipient recipients[3], uint64_t id,
                          uint32_t size)
{
    *envelope = (struct envelope){
        .id = id, .recipients = recipients, .n_recipients = 1 + (uint32_t)(id % 3), .size = size};
    for (uint32_t i = 0; i < envelope->n_recipients; i++)
        recipients[i] =
            (struct recipient){.address = SLICE("joe@example.org"), .class = CLASS_LOCAL};
}

/* The beginning of every third text comes last, as fields in front of it. */
static void add_text(struct spool_body *body, uint64_t id, struct slice text)
{
    struct slice front = slice_sub(text, 0, id % 3 == 0 ? text.len / 5 : 0);
    struct slice rest = slice_skip(text, front.len);

    if (front.len)
        spool_body_keep_room(body, (uint32_t)(front.len + id % 7));
    spool_body_add(body, slice_sub(rest, 0, rest.len / 2));
    spool_body_add(body, slice_skip(rest, rest.len / 2));
    spool_body_prepend(body, front);
}

static void submit(struct world *world, unsigned writer)
{
    struct spool_writer *to = world->writer[writer];
    uint32_t size = random_size(world);
    struct recipient recipients[3];
    struct envelope envelope;
    struct promise *promise;
    struct spool_body *body;
    char *text;

    if (!to)
        return;
    fill_envelope(&envelope, recipients, spool_writer_next_id(to), size);
    promise = world_promise(world, envelope.id, writer);
    promise->size = size;
    text = xmalloc(size);
    world_fill_text(promise->id, text, size);
    body = spool_body_new(to, promise->id);
    add_text(body, promise->id, slice_from(text, size));
    free(text);
    world_say(world, "writer %u: message %llx of %u bytes", writer, (unsigned long long)promise->id,
              size);
    if (sim_once_in(&world->random, 12)) {
        promise->message = GONE; /* the client went away */
        spool_body_free(body);
        return;
    }
    spool_submit(to, &envelope, body, message_done, new_ticket(world, promise));
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static void outcome_stored(struct ticket *ticket)
{
    struct promise *promise = ticket->promise;

    promise->tries_stored = ticket->tries;
    promise->added_stored += ticket->added;
    promise->end_stored |= ticket->end;
    promise->signature_stored |= ticket->signature;
    if (ticket->end && promise->bounce)
        promise->bounce->message = STORED;
}

/* It is not on disk, and can be asked for again. */
static void outcome_refused(struct ticket *ticket)
{
    struct promise *promise = ticket->promise;

    promise->added_asked -= ticket->added;
    if (!ticket->end)
        return;
    promise->end_asked = false;
    if (promise->bounce)
        promise->bounce->message = REFUSED;
    promise->bounce = NULL;
}

static void outcome_done(void *arg, int result)
{
    struct ticket *ticket = arg;
    struct world *world = ticket->world;

    if (!sim_process_is_stopped(world->store_process)) {
        world_say(world, "  outcome of %llx: %d", (unsigned long long)ticket->promise->id, result);
        if (result == 0)
            outcome_stored(ticket);
        else if (!sim_machine_cut_was_refused(world->machine))
            outcome_refused(ticket);
    }
    free(ticket);
}

static struct promise *random_live(struct world *world)
{
    for (int i = 0; i < 30 && world->n_promises; i++) {
        struct promise *promise = world->promises[sim_below(&world->random, world->n_promises)];
        if (promise->seen && !promise->end_asked && !promise->end_stored)
            return promise;
    }
    return NULL;
}

static void submit_outcome(struct world *world, struct promise *promise, bool end, bool bounce)
{
    struct ticket *ticket = new_ticket(world, promise);
    struct recipient added[2], to[3];
    struct outcome_recipient recipient = {.reply = SLICE("451 4.3.0 not now")};
    struct outcome outcome = {.id = promise->id, .recipients = &recipient, .n_recipients = 1};
    char signature[SIGNATURE_SIZE];
    struct spool_dsn dsn;
    char *text = NULL;

    recipient.kind = end ? OUTCOME_DELIVERED : OUTCOME_PENDING;
    recipient.attempts = (uint16_t)++promise->tries_asked;
    outcome.finished = promise->end_asked = ticket->end = end;
    /* One expansion at a time, as its numbers follow from the one before. */
    if (!end && promise->added_asked == promise->added_stored && sim_once_in(&world->random, 4)) {
        outcome.first_added = 100 + promise->added_asked;
        outcome.added = added;
        outcome.n_added = 2;
        for (int i = 0; i < 2; i++)
            added[i] = (struct recipient){.address = SLICE("x@y.z"), .class = CLASS_LOCAL};
        ticket->added = outcome.n_added;
        promise->added_asked += outcome.n_added;
    }
    ticket->tries = promise->tries_asked;
    if (!end && sim_once_in(&world->random, 3)) {
        world_fill_text(~promise->id, signature, sizeof(signature));
        outcome.signature = slice_from(signature, sizeof(signature));
        ticket->signature = promise->signature_asked = true;
    }
    if (bounce) {
        uint32_t size = sim_once_in(&world->random, 5) ? 20000 : 700;
        promise->bounce = world_promise(world, spool_store_next_id(world->store), WRITERS);
        promise->bounce->size = size;
        fill_envelope(&dsn.envelope, to, promise->bounce->id, size);
        text = xmalloc(size);
        world_fill_text(promise->bounce->id, text, size);
        dsn.text = slice_from(text, size);
    }
    world_say(world, "outcome of %llx: try %u%s%s", (unsigned long long)promise->id,
              promise->tries_asked, end ? ", end" : "", bounce ? ", bounce" : "");
    spool_store_outcome(world->store, &outcome, &dsn, bounce, outcome_done, ticket);
    free(text);
}

static void random_outcome(struct world *world)
{
    struct promise *promise = world->store ? random_live(world) : NULL;
    bool end = sim_below(&world->random, 3) > 0;

    if (promise)
        submit_outcome(world, promise, end, end && sim_once_in(&world->random, 3));
}

static void look_at_signature(struct world *world)
{
    struct promise *promise = world->store ? random_live(world) : NULL;

    if (promise)
        world_check_signature(world, promise);
}

/* ---- steps --------------------------------------------------------------------------------- */

static void pass_time(struct world *world, uint64_t ms)
{
    world->now_ms += ms;
    clock_fake(world->now_ms, world->now_ms);
}

static void hint(struct world *world, unsigned writer)
{
    uint64_t segment, length;

    if (!world->store || !world->writer[writer])
        return;
    spool_writer_durable(world->writer[writer], &segment, &length);
    spool_store_hint(world->store, writer_name[writer], segment, length);
}

static void poll_store(struct world *world)
{
    int result;

    if (!world->store)
        return;
    pass_time(world, 400);
    result = spool_store_poll(world->store, 1 + sim_below(&world->random, 20));
    world_say(world, "poll: %d", result);
}

static void close_writer(struct world *world, unsigned writer)
{
    if (!world->writer[writer])
        return;
    world_say(world, "close writer %u", writer);
    spool_writer_close(world->writer[writer]);
    world->writer[writer] = NULL;
    world_kill_writer(world, writer);
}

static void close_store(struct world *world)
{
    if (!world->store)
        return;
    world_say(world, "close store");
    spool_store_close(world->store);
    world->store = NULL;
    world_kill_store(world);
}

static void reopen_what_is_down(struct world *world)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        if (!world->writer[i] && sim_below(&world->random, 2))
            world_open_writer(world, i);
    }
    if (!world->store)
        world_open_store(world);
}

static void disturb(struct world *world)
{
    unsigned writer = sim_below(&world->random, WRITERS);

    switch (sim_below(&world->random, 9)) {
    case 0:
        world_say(world, "kill writer %u", writer);
        world_kill_writer(world, writer);
        break;
    case 1:
        world_say(world, "kill store");
        world_kill_store(world);
        break;
    case 2:
        world_say(world, "power cut");
        world_power_cut(world);
        break;
    case 3:
        close_writer(world, writer);
        break;
    case 4:
        close_store(world);
        break;
    case 5:
        sim_process_stop_after(world->writer_process[writer], 1 + sim_below(&world->random, 30));
        break;
    case 6:
        sim_process_stop_after(world->store_process, 1 + sim_below(&world->random, 60));
        break;
    default:
        sim_machine_stop_after(world->machine, 1 + sim_below(&world->random, 100));
        break;
    }
}

static void do_step(struct world *world)
{
    unsigned writer = sim_below(&world->random, WRITERS);

    switch (sim_below(&world->random, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        submit(world, writer);
        break;
    case 4:
    case 5:
        if (world->writer[writer])
            spool_writer_step(world->writer[writer]);
        break;
    case 6:
    case 7:
        hint(world, writer);
        poll_store(world);
        break;
    case 8:
        poll_store(world);
        look_at_signature(world);
        break;
    case 9:
    case 10:
    case 11:
        random_outcome(world);
        break;
    case 12:
    case 13:
        if (world->store)
            spool_writer_step(spool_store_log(world->store));
        break;
    case 14:
        reopen_what_is_down(world);
        break;
    default:
        if (sim_once_in(&world->random, 3))
            disturb(world);
        break;
    }
}

/* Whoever was stopped in this step is dead now. */
static void bury(struct world *world)
{
    if (sim_machine_is_stopped(world->machine)) {
        world_say(world, "power cut at a call");
        world_power_cut(world);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        if (sim_process_is_stopped(world->writer_process[i])) {
            world_say(world, "writer %u died at a call", i);
            world_kill_writer(world, i);
        }
    }
    if (sim_process_is_stopped(world->store_process)) {
        world_say(world, "store died at a call");
        world_kill_store(world);
    }
}

/* ---- runs ---------------------------------------------------------------------------------- */

static void choose_faults(struct world *world)
{
    struct sim_faults faults = {0};

    switch (sim_below(&world->random, 5)) {
    case 0:
        faults.sync = 30;
        faults.write = 60;
        break;
    case 1:
        faults.capacity = 1200 * 1024;
        if (sim_below(&world->random, 2))
            faults.sync = 12;
        break;
    case 2:
        faults.sync = 60;
        faults.write = 100;
        faults.truncate = 4;
        faults.name = 60;
        faults.read = 300;
        world->may_damage = world->reads_fail = true;
        break;
    default:
        break; /* crashes alone */
    }
    sim_machine_set_faults(world->machine, faults);
}

/* Commits and reads until there is nothing more to do. */
static void settle(struct world *world)
{
    for (int round = 0; round < SETTLE_ROUNDS && world->store; round++) {
        for (unsigned i = 0; i < WRITERS; i++) {
            if (world->writer[i])
                spool_writer_step(world->writer[i]);
            hint(world, i);
        }
        spool_writer_step(spool_store_log(world->store));
        pass_time(world, 10000);
        spool_store_poll(world->store, 1000);
    }
}

static void finish_all(struct world *world)
{
    for (unsigned i = 0; i < world->n_promises; i++) {
        struct promise *promise = world->promises[i];
        if (promise->seen && !promise->end_asked && !promise->end_stored)
            submit_outcome(world, promise, true, false);
    }
}

struct count {
    unsigned segments, bodies;
};

static int count_file(void *arg, const char *name)
{
    struct count *count = arg;

    count->segments += strstr(name, ".seg") != NULL;
    count->bodies += strstr(name, ".body") != NULL;
    return 0;
}

static void check_empty(struct world *world)
{
    static const char *const directories[] = {"/spool/receive", "/spool/submit", "/spool/queue"};
    struct spool_stats stats;

    spool_store_stats(world->store, &stats);
    if (stats.live_messages)
        world_break(world, "%llu messages are live at the end",
                    (unsigned long long)stats.live_messages);
    for (int i = 0; i < 3; i++) {
        struct count count = {0};
        world->store_process->ops->list(world->store_process, directories[i], count_file, &count);
        if (count.segments > 3)
            world_break(world, "%u segments are left in %s", count.segments, directories[i]);
        if (count.bodies)
            world_break(world, "%u bodies are left in %s", count.bodies, directories[i]);
    }
}

/* Faults end, the power goes once more, and all mail is finished. */
static void end_run(struct world *world)
{
    world_say(world, "the end: faults stop");
    world_power_cut(world);
    sim_machine_set_faults(world->machine, (struct sim_faults){0});
    world->reads_fail = false;
    for (int i = 0; i < 2 && !world->broken[0]; i++) {
        for (unsigned w = 0; w < WRITERS; w++)
            world_open_writer(world, w);
        if (world_open_store(world) < 0) {
            world_break(world, "the store cannot be opened without faults");
            return;
        }
        settle(world);
        finish_all(world);
        settle(world);
        close_store(world);
        for (unsigned w = 0; w < WRITERS; w++)
            close_writer(world, w);
    }
    if (world->broken[0] || world_open_store(world) < 0)
        return;
    settle(world);
    if (!world->may_damage)
        check_empty(world);
}

struct totals {
    uint64_t messages, moved;
};

static bool run(uint64_t seed, bool verbose, struct totals *totals)
{
    static struct world world;
    unsigned steps;
    bool good;

    world_init(&world, seed);
    world.verbose = verbose;
    steps = STEPS_MIN + sim_below(&world.random, STEPS_MORE);
    world_open_writer(&world, 0);
    world_open_store(&world);
    choose_faults(&world);
    for (unsigned i = 0; i < steps && !world.broken[0]; i++) {
        do_step(&world);
        bury(&world);
    }
    if (!world.broken[0])
        end_run(&world);
    good = !world.broken[0];
    if (!good)
        printf("seed %llu: %s\n", (unsigned long long)seed, world.broken);
    totals->messages += world.n_promises;
    totals->moved += world.n_moved;
    world_done(&world);
    return good;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"runs", required_argument, NULL, 'r'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {0}};
    uint64_t seed = 1, runs = 1000;
    struct totals totals = {0};
    bool verbose = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            runs = strtoull(optarg, NULL, 10);
        else if (option == 'v')
            verbose = true;
        else
            return 64;
    }
    for (uint64_t i = 0; runs == 0 || i < runs; i++) {
        if (!run(seed + i, verbose, &totals)) {
            printf("repeat it with: sim_spool --runs 1 --verbose --seed %llu\n",
                   (unsigned long long)(seed + i));
            return 1;
        }
        if (runs == 0 && i % 1000 == 999)
            printf("%llu runs, seed %llu\n", (unsigned long long)i + 1,
                   (unsigned long long)(seed + i));
    }
    printf("%llu runs, %llu messages, %llu of them moved: all promises were kept\n",
           (unsigned long long)runs, (unsigned long long)totals.messages,
           (unsigned long long)totals.moved);
    return 0;
}
