/*
 * The promises, and the checks. See sim_world.h.
 *
 * After each opening of the store, for every message that was ever handed over:
 *   acknowledged and not known to be finished     it is there, once, with its bytes
 *   refused, or known to be finished              it is not there
 *   without an answer                             whole or not at all, and from now on the same
 *   its acknowledged outcomes                     are told, and none that was never asked for
 *   an end that makes a bounce                    either both are on disk or neither
 */
#include "sim_world.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum { SEGMENT_SIZE = 64 * 1024, MEMORY_MAX = 96 * 1024 };

static const char *const writer_directory[WRITERS] = {"/spool/receive", "/spool/submit"};
static const char *const writer_name[WRITERS] = {"receive", "submit"};
static const uint8_t writer_number[WRITERS] = {1, 3};

void world_break(struct world *world, const char *format, ...)
{
    va_list args;

    if (world->broken[0])
        return;
    va_start(args, format);
    vsnprintf(world->broken, sizeof(world->broken), format, args);
    va_end(args);
}

void world_say(const struct world *world, const char *format, ...)
{
    va_list args;

    if (!world->verbose)
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void world_init(struct world *world, uint64_t seed)
{
    memset(world, 0, sizeof(*world));
    world->random.state = seed;
    world->machine = sim_machine_new(&world->random);
    world->store_process = sim_process_new(world->machine);
    for (unsigned i = 0; i < WRITERS; i++)
        world->writer_process[i] = sim_process_new(world->machine);
    world->now_ms = 1000000;
    clock_fake(world->now_ms, world->now_ms);
}

void world_done(struct world *world)
{
    world_kill_store(world);
    for (unsigned i = 0; i < WRITERS; i++)
        world_kill_writer(world, i);
    for (unsigned i = 0; i < world->n_promises; i++)
        free(world->promises[i]);
    sim_machine_free(world->machine);
    clock_unfake();
}

struct promise *world_promise(struct world *world, uint64_t id, unsigned writer)
{
    struct promise *promise = xcalloc(1, sizeof(*promise));

    if (world_find(world, id))
        world_break(world, "id %llx was given twice", (unsigned long long)id);
    if (world->n_promises == MESSAGES_MAX)
        abort();
    promise->id = id;
    promise->writer = (uint8_t)writer;
    promise->generation = world->generation[writer];
    world->promises[world->n_promises++] = promise;
    return promise;
}

struct promise *world_find(const struct world *world, uint64_t id)
{
    for (unsigned i = 0; i < world->n_promises; i++) {
        if (world->promises[i]->id == id)
            return world->promises[i];
    }
    return NULL;
}

void world_fill_text(uint64_t id, char *to, size_t size)
{
    struct sim_random random = {.state = id};
    uint64_t word = 0;

    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0)
            word = sim_next(&random);
        to[i] = (char)(word >> i % 8 * 8);
    }
}

void world_check_text(struct world *world, const struct promise *promise)
{
    const struct disk_ops *ops = world->store_process->ops;
    struct spool_text text;
    char *want, *got;
    int result = spool_store_text(world->store, promise->location, &text);

    if (sim_process_is_stopped(world->store_process))
        return;
    if (result < 0) {
        if (!world->may_damage)
            world_break(world, "text of %llx: error %d", (unsigned long long)promise->id, result);
        return;
    }
    want = xmalloc(promise->size);
    got = xmalloc(promise->size);
    world_fill_text(promise->id, want, promise->size);
    if (text.length != promise->size)
        world_break(world, "text of %llx has %llu bytes, not %u", (unsigned long long)promise->id,
                    (unsigned long long)text.length, promise->size);
    else if (ops->pread(world->store_process, text.fd, got, promise->size, text.offset) ==
                 (ssize_t)promise->size &&
             memcmp(want, got, promise->size) != 0)
        world_break(world, "text of %llx has other bytes", (unsigned long long)promise->id);
    spool_store_text_done(world->store, &text);
    free(want);
    free(got);
}

/* ---- what the store tells ------------------------------------------------------------------ */

static bool writer_is_dead(const struct world *world, const struct promise *promise)
{
    return promise->generation != world->generation[promise->writer];
}

/* A message that a store without its writer's word had not told when it opened: then nothing about
 * it was in the log. */
static void see_late(struct world *world, struct promise *promise)
{
    unsigned long long id = promise->id;

    if (promise->tries_stored || promise->added_stored)
        world_break(world, "message %llx was told without its outcomes", id);
    if (promise->bounce && promise->bounce->message == STORED)
        world_break(world, "message %llx is there, and so is its bounce", id);
    promise->tries_asked = promise->added_asked = 0;
    promise->end_asked = false;
    promise->bounce = NULL;
}

static void see_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct world *world = arg;
    struct promise *promise = world_find(world, envelope->id);
    unsigned long long id = envelope->id;

    if (!promise) {
        world_break(world, "message %llx was never handed over", id);
        return;
    }
    if (promise->seen)
        world_break(world, "message %llx was told twice", id);
    if (promise->message == GONE)
        world_break(world, "message %llx was gone and came back", id);
    if (promise->message == REFUSED && !sim_machine_cut_was_refused(world->machine))
        world_break(world, "message %llx was refused and is there", id);
    if (promise->message == UNKNOWN && !world->opening && !writer_is_dead(world, promise))
        world_break(world, "message %llx was told before it was acknowledged", id);
    if (promise->end_stored)
        world_break(world, "message %llx was finished and came back", id);
    if (envelope->n_recipients != 1 + promise->id % 3 || envelope->size != promise->size)
        world_break(world, "message %llx has another envelope", id);
    if (!world->opening)
        see_late(world, promise);
    promise->seen = true;
    promise->location = location;
    promise->message = STORED;
}

static void see_outcome(void *arg, const struct outcome *outcome)
{
    struct world *world = arg;
    struct promise *promise = world_find(world, outcome->id);

    if (!promise || !promise->seen) {
        world_break(world, "outcome of a message that is not there");
        return;
    }
    for (uint32_t i = 0; i < outcome->n_recipients; i++) {
        if (outcome->recipients[i].index == 0)
            promise->tries_found = outcome->recipients[i].attempts;
    }
    if (outcome->n_added)
        promise->added_found = outcome->first_added + outcome->n_added - 100;
}

static void see_moved(void *arg, uint64_t id, struct spool_location location)
{
    struct world *world = arg;
    struct promise *promise = world_find(world, id);

    world->n_moved++;
    if (!promise || !promise->seen)
        world_break(world, "message %llx was moved and is not there", (unsigned long long)id);
    else
        promise->location = location;
}

static void see_trouble(void *arg, struct slice text)
{
    struct world *world = arg;
    static const char *const bad[] = {"damaged", "lost", "missing"};
    char copy[300];

    snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(text));
    world_say(world, "  trouble: %s", copy);
    if (world->may_damage || sim_process_is_stopped(world->store_process))
        return;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (strstr(copy, bad[i]))
            world_break(world, "told: %s", copy);
    }
}

bool world_check_signature(struct world *world, const struct promise *promise)
{
    unsigned long long id = promise->id;
    char want[SIGNATURE_SIZE];
    struct slice got = SLICE_NULL;
    struct arena arena;
    bool found;
    int result;

    arena_init(&arena);
    result = spool_store_signature(world->store, promise->id, &arena, &got);
    world_fill_text(~promise->id, want, sizeof(want));
    found = result == 0 && got.len;
    if (sim_process_is_stopped(world->store_process))
        found = false;
    else if (result < 0 && !world->may_damage)
        world_break(world, "signature of %llx: error %d", id, result);
    else if (found && (!promise->signature_asked || !slice_eq(got, slice_from(want, sizeof(want)))))
        world_break(world, "signature of %llx has other bytes", id);
    arena_done(&arena);
    return found;
}

/* ---- opening and checking ------------------------------------------------------------------ */

static void check_outcomes(struct world *world, struct promise *promise)
{
    unsigned long long id = promise->id;

    if (promise->tries_found < promise->tries_stored || promise->tries_found > promise->tries_asked)
        world_break(world, "message %llx: %u tries are known, of %u stored and %u asked", id,
                    promise->tries_found, promise->tries_stored, promise->tries_asked);
    if (promise->added_found < promise->added_stored || promise->added_found > promise->added_asked)
        world_break(world, "message %llx: %u additions are known, of %u stored and %u asked", id,
                    promise->added_found, promise->added_stored, promise->added_asked);
    promise->tries_stored = promise->tries_asked = promise->tries_found;
    promise->added_stored = promise->added_asked = promise->added_found;
    /* The end that was asked for has not reached the disk, and now it will not. */
    promise->end_asked = false;
    if (promise->bounce && promise->bounce->message == STORED)
        world_break(world, "message %llx is there, and so is its bounce", id);
    promise->bounce = NULL;
}

static void check_absent(struct world *world, struct promise *promise)
{
    unsigned long long id = promise->id;

    if (world->reads_fail)
        return;
    /* What a living writer has published lately is not known before it says so. */
    if (!writer_is_dead(world, promise) && !promise->tries_stored && !promise->added_stored)
        return;
    if (promise->message == STORED && !promise->end_asked)
        world_break(world, "message %llx was stored and is not there", id);
    if (promise->message == STORED) {
        promise->end_stored = true;
        if (promise->bounce && promise->bounce->message != STORED)
            world_break(world, "message %llx is finished and its bounce is not there", id);
    } else if (promise->message == UNKNOWN && writer_is_dead(world, promise)) {
        promise->message = GONE;
    }
}

static void check_signature(struct world *world, struct promise *promise)
{
    bool found = world_check_signature(world, promise);

    if (sim_process_is_stopped(world->store_process) || world->may_damage)
        return;
    if (promise->signature_stored && !found)
        world_break(world, "message %llx has lost its signature", (unsigned long long)promise->id);
    promise->signature_asked = promise->signature_stored = found;
}

static void check_promises(struct world *world)
{
    for (unsigned i = 0; i < world->n_promises; i++) {
        struct promise *promise = world->promises[i];
        if (promise->seen) {
            world_check_text(world, promise);
            check_signature(world, promise);
        }
        /* Bounces came after the messages that they are about, so theirs is known already. */
        if (promise->seen)
            check_outcomes(world, promise);
        else
            check_absent(world, promise);
    }
}

int world_open_store(struct world *world)
{
    const struct spool_store_events events = {
        .message = see_message,
        .outcome = see_outcome,
        .moved = see_moved,
        .trouble = see_trouble,
        .arg = world,
    };
    const struct spool_store_options options = {
        .disk = world->store_process,
        .directory = "/spool",
        .events = &events,
        .queue_log = {.segment_size = SEGMENT_SIZE, .manual = true, .memory_max = MEMORY_MAX},
    };
    int result;

    for (unsigned i = 0; i < world->n_promises; i++) {
        world->promises[i]->seen = false;
        world->promises[i]->tries_found = world->promises[i]->added_found = 0;
    }
    world->opening = true;
    world->generation[WRITERS]++;
    result = spool_store_open(&options, &world->store);
    world->opening = false;
    world_say(world, "open store: %d", result);
    if (result < 0)
        world->store = NULL;
    else if (!sim_process_is_stopped(world->store_process))
        check_promises(world);
    return result;
}

void world_open_writer(struct world *world, unsigned writer)
{
    const struct spool_writer_options options = {
        .disk = world->writer_process[writer],
        .directory = writer_directory[writer],
        .writer_number = writer_number[writer],
        .segment_size = SEGMENT_SIZE,
        .memory_max = MEMORY_MAX,
        .manual = true,
    };
    int result = spool_writer_open(&options, &world->writer[writer]);

    world_say(world, "open writer %u: %d", writer, result);
    if (result < 0)
        world->writer[writer] = NULL;
    if (world->store)
        spool_store_rescan(world->store, writer_name[writer]);
}

void world_kill_store(struct world *world)
{
    sim_process_stop_after(world->store_process, 0);
    if (world->store)
        spool_store_close(world->store);
    world->store = NULL;
    sim_process_die(world->store_process);
}

void world_kill_writer(struct world *world, unsigned writer)
{
    sim_process_stop_after(world->writer_process[writer], 0);
    if (world->writer[writer])
        spool_writer_close(world->writer[writer]);
    world->writer[writer] = NULL;
    world->generation[writer]++;
    sim_process_die(world->writer_process[writer]);
    if (world->store)
        spool_store_rescan(world->store, writer_name[writer]);
}

void world_power_cut(struct world *world)
{
    sim_machine_stop_after(world->machine, 0);
    world_kill_store(world);
    for (unsigned i = 0; i < WRITERS; i++)
        world_kill_writer(world, i);
    sim_machine_power_cut(world->machine);
}
