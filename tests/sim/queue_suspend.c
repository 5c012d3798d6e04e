/*
 * An administrator who suspends now and then: a lane, a domain, a sender or a source address, and
 * resumes it some minutes later, through the role's own commands and its file on disk. While it
 * lasts nothing of it is handed out, killed and started again or not; what was under way may end.
 */
#include "queue_world.h"

#include "queue/commands.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MINUTE_MS = 60 * 1000, LASTS_MS = 12 * MINUTE_MS, EVERY_MS = 60 * MINUTE_MS };

static char folder[] = "/tmp/sim-queue-XXXXXX"; /* of this process */

/* What the role writes is kept for the next of its lives, but need not survive this machine. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

static void remove_folder(void)
{
    static const char *const parts[] = {"/spool/queue", "/spool", ""};
    char path[128];

    suspend_forget();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", folder, parts[i]);
        rmdir(path);
    }
}

const char *suspend_state_folder(void)
{
    static bool made;
    char path[128];

    if (made)
        return folder;
    made = mkdtemp(folder) != NULL;
    snprintf(path, sizeof(path), "%s/spool", folder);
    made = made && mkdir(path, 0700) == 0;
    snprintf(path, sizeof(path), "%s/spool/queue", folder);
    if (!made || mkdir(path, 0700) < 0) {
        printf("%s: cannot be made\n", folder);
        exit(1);
    }
    atexit(remove_folder);
    return folder;
}

void suspend_forget(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/spool/queue/suspended.json", folder);
    unlink(path);
}

static void run_command(const char *name)
{
    struct buf out;
    struct command_run run = {
        /* the first member of the role's own state */
        .queue = world->handlers->arg,
        .request =
            json_pack("{s:s,s:s,s:s}", "command", name, "kind",
                      suspend_kind_name(world->suspended.kind), "what", world->suspended.what),
        .command = command_find(name),
        .out = &out,
    };

    buf_init(&out, 4096);
    while (run.command->step(&run) != COMMAND_THROUGH)
        ;
    if (memmem(out.ptr, out.len, "\"error\"", strlen("\"error\"")))
        world_broken(NULL, name);
    json_decref(run.request);
    buf_done(&out);
}

static void choose(struct sim_suspended *suspended)
{
    static const char *const lanes[] = {"relay", "maildir", "outside", "outside/*1*"};
    static const char *const senders[] = {"ok-friend@far.test", "<>", "*@example.test"};
    static const char *const sources[] = {"192.0.2.10", "192.0.2.11"};
    static const char *const domains[] = {"far.test", "example.test", "d*"};

    suspended->kind = (enum suspend_kind)sim_below(&world->random, SUSPEND_KINDS);
    switch (suspended->kind) {
    case SUSPEND_LANE:
        suspended->what = lanes[sim_below(&world->random, 4)];
        break;
    case SUSPEND_DOMAIN:
        suspended->what = domains[sim_below(&world->random, 3)];
        break;
    case SUSPEND_SENDER:
        suspended->what = senders[sim_below(&world->random, 3)];
        break;
    case SUSPEND_SOURCE:
        suspended->what = sources[sim_below(&world->random, 2)];
        break;
    }
}

static uint64_t span(uint64_t ms)
{
    return world->days ? 24 * ms : ms;
}

static void on_suspend(struct event *event);

static void on_resume(struct event *event)
{
    (void)event;
    run_command("queue.resume");
    world_say("resumed: %s", world->suspended.what);
    world->suspended.what = NULL;
    if (!world->faults_over)
        world_later(span(EVERY_MS), on_suspend, 0, SLICE_NULL, 0);
}

static void on_suspend(struct event *event)
{
    (void)event;
    if (world->faults_over)
        return;
    choose(&world->suspended);
    world->any_suspended = true;
    run_command("queue.suspend");
    world_say("suspended: %s %s", suspend_kind_name(world->suspended.kind), world->suspended.what);
    world_later(1 + sim_below(&world->random, (uint32_t)span(LASTS_MS)), on_resume, 0, SLICE_NULL,
                0);
}

void suspend_start(void)
{
    suspend_forget();
    if (sim_once_in(&world->random, 3))
        world_later(sim_below(&world->random, (uint32_t)span(EVERY_MS)), on_suspend, 0, SLICE_NULL,
                    0);
}

static bool lists_source(const struct msg_unit *unit, struct slice source)
{
    for (uint32_t i = 0; i < unit->n_sources_off; i++) {
        if (slice_eq(unit->sources_off[i], source))
            return true;
    }
    return false;
}

void suspend_check_sending(const struct sim_message *message, const struct msg_unit *unit,
                           struct slice address)
{
    const struct lane_key lane = {.way = unit->way, .name = unit->name, .domain = unit->domain};
    struct suspensions *one;
    struct suspension suspension = {.kind = world->suspended.kind};

    if (!world->suspended.what)
        return;
    suspension.what = slice_from_cstr(world->suspended.what);
    if (suspension.kind == SUSPEND_SOURCE && unit->way == WAY_ROUTE &&
        !lists_source(unit, suspension.what))
        world_broken(message, "a unit may come from an address that is suspended");
    one = suspensions_new();
    suspensions_add(one, &suspension);
    if (suspensions_find(one, slice_from_cstr(message->sender), slice_from_cstr(message->login),
                         address, &lane))
        world_broken(message, "mail is sent that is suspended");
    suspensions_free(one);
}
