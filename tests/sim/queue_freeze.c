/*
 * An account that is frozen now and then. auth tells the queue of it until that has taken it; from
 * then on nothing of the account's mail may be sent before the administrator releases it, whatever
 * is killed, and the postmaster has a mail. He thaws the account and releases its mail a while
 * later with the command that he has.
 */
#include "queue_world.h"

#include "io/login_message.h"
#include "queue/commands.h"

#include <stdlib.h>

enum { MINUTE_MS = 60 * 1000 };

static bool is_ours(const struct sim_message *message)
{
    return strcmp(message->login, SIM_ACCOUNT) == 0;
}

void freeze_tell(void)
{
    struct msg_frozen frozen = {.account = SLICE(SIM_ACCOUNT),
                                .since_ms = world->freeze.since_ms,
                                .tell = true,
                                .why = SLICE("612 recipients in an hour, the limit is 600")};
    struct channel_message message = {.type = MSG_FROZEN};
    struct buf out;

    if (!world->freeze.frozen || world->freeze.taken || !world->is_up[ROLE_AUTH])
        return;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_frozen_encode(&out, &frozen);
    message.payload = buf_slice(&out);
    world->handlers->message(world->handlers->arg, ROLE_AUTH, &message);
    buf_done(&out);
}

static void on_freeze(struct event *event)
{
    (void)event;
    if (world->faults_over)
        return;
    world->freeze.frozen = true;
    world->freeze.taken = false;
    world->freeze.since_ms = world_wall();
    world->freeze.at = world->now;
    world->freeze.count++;
    world_say("the account is frozen");
    freeze_tell();
}

static void on_thaw(struct event *event)
{
    (void)event;
    world_say("the account is thawed");
    world->freeze.frozen = false;
    freeze_release();
    world_later(sim_below(&world->random, 60 * MINUTE_MS), on_freeze, 0, SLICE_NULL, 0);
}

void freeze_take_answer(struct slice payload)
{
    struct msg_frozen_taken taken;

    if (msg_frozen_taken_decode(payload, NULL, &taken) < 0 ||
        !slice_eq(taken.account, SLICE(SIM_ACCOUNT)) || taken.since_ms != world->freeze.since_ms)
        world_broken(NULL, "an answer about an account that was not frozen");
    if (world->freeze.taken)
        return;
    world->freeze.taken = true;
    for (unsigned i = 0; i < world->n_messages; i++)
        world->messages[i].released = false;
    if (world->freeze.mails < world->freeze.count)
        world_broken(NULL, "a freeze is taken before its mail is on disk");
    world_later(sim_below(&world->random, 30 * MINUTE_MS), on_thaw, 0, SLICE_NULL, 0);
}

/* What is on disk when the queue says that it has taken the freeze stays; and so does what came
 * with the order to hold it. What was under way by then may end. */
void freeze_check_sending(const struct sim_message *message)
{
    bool was_there = world->freeze.taken && message->arrived < world->freeze.at;

    if (!is_ours(message) || message->released)
        return;
    if (*message->hold || was_there)
        world_broken(message, "mail of a frozen account is sent");
}

void freeze_release(void)
{
    struct buf out;
    struct command_run run = {
        /* the first member of the role's own state */
        .queue = world->handlers->arg,
        .request = json_pack("{s:s,s:s}", "command", "queue.release", "sender", SIM_ACCOUNT),
        .command = command_find("queue.release"),
        .out = &out,
    };

    buf_init(&out, 4096);
    for (unsigned i = 0; i < world->n_messages; i++)
        world->messages[i].released = true;
    while (run.command->step(&run) != COMMAND_THROUGH)
        ;
    json_decref(run.request);
    buf_done(&out);
}

/* An administrator without patience: also while a notification is on its way to the disk. */
static void on_release(struct event *event)
{
    (void)event;
    if (world->faults_over)
        return;
    if (world->freeze.frozen && world->freeze.taken)
        freeze_release();
    world_later(sim_below(&world->random, MINUTE_MS), on_release, 0, SLICE_NULL, 0);
}

void freeze_start(void)
{
    if (sim_once_in(&world->random, 4))
        world_later(MINUTE_MS, on_release, 0, SLICE_NULL, 0);
    world_later(sim_below(&world->random, 60 * MINUTE_MS), on_freeze, 0, SLICE_NULL, 0);
}
