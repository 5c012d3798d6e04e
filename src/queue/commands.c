/* The table of commands, and those that only the parent can do. See commands.h. */
#include "queue/commands.h"

static uint32_t last_admin_request;

static enum command_state ask_parent(struct command_run *run, enum admin_command command)
{
    struct msg_admin admin = {.request = ++last_admin_request, .command = command};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_admin_encode(&out, &admin);
    r = channel_send(run->queue->role->parent, MSG_ADMIN, buf_slice(&out), NULL, 0);
    buf_done(&out);
    if (r < 0)
        return command_fail(run, "the parent process cannot be asked now");
    run->admin_request = admin.request;
    return COMMAND_WAITS;
}

static enum command_state status_step(struct command_run *run)
{
    return ask_parent(run, ADMIN_STATUS);
}

static enum command_state reload_step(struct command_run *run)
{
    return ask_parent(run, ADMIN_RELOAD);
}

static enum command_state stop_step(struct command_run *run)
{
    return ask_parent(run, ADMIN_STOP);
}

static const struct command commands[] = {
    {"queue.list", LEVEL_READ, queue_list_step},
    {"queue.show", LEVEL_READ, queue_show_step},
    {"queue.stats", LEVEL_READ, queue_stats_step},
    {"queue.suspended", LEVEL_READ, queue_suspended_step},
    {"queue.text", LEVEL_ADMIN, queue_text_step},
    {"queue.retry", LEVEL_ADMIN, queue_change_step},
    {"queue.hold", LEVEL_ADMIN, queue_change_step},
    {"queue.release", LEVEL_ADMIN, queue_change_step},
    {"queue.bounce", LEVEL_ADMIN, queue_change_step},
    {"queue.remove", LEVEL_ADMIN, queue_change_step},
    {"queue.reroute", LEVEL_ADMIN, queue_change_step},
    {"queue.suspend", LEVEL_ADMIN, queue_suspend_step},
    {"queue.resume", LEVEL_ADMIN, queue_resume_step},
    {"status", LEVEL_READ, status_step},
    {"reload", LEVEL_ADMIN, reload_step},
    {"stop", LEVEL_ADMIN, stop_step},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

void command_end(struct command_run *run)
{
    json_decref(run->request);
    free(run->ids);
    run->request = NULL;
    run->ids = NULL;
}

void command_answer(struct command_run *run, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    if (text) {
        buf_add_cstr(run->out, text);
        buf_add_char(run->out, '\n');
    }
    free(text);
    json_decref(object);
}

enum command_state command_fail(struct command_run *run, const char *text)
{
    command_answer(run, json_pack("{s:s,s:b}", "error", text, "end", 1));
    return COMMAND_THROUGH;
}

enum command_state command_fail_unknown(struct command_run *run, uint64_t id)
{
    char text[64];

    snprintf(text, sizeof(text), "no such message in the queue: %s", message_id_format(id).text);
    return command_fail(run, text);
}
