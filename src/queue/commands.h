/*
 * The commands of the control socket. A command works in slices, so that a long one stops nothing:
 * `step` is called when there is room for its answers, until it says that it is through.
 */
#ifndef NUNCIO_QUEUE_COMMANDS_H
#define NUNCIO_QUEUE_COMMANDS_H

#include "queue/peercred.h"
#include "queue/state.h"

#include <jansson.h>

/* At most so many messages are looked at in one slice. */
enum { COMMAND_SLICE = 200 };

enum command_state { COMMAND_GOES_ON, COMMAND_THROUGH, COMMAND_WAITS /* for the parent's reply */ };

/* A message of a list, by age and then by id. */
struct command_id {
    uint64_t id;
    uint32_t born; /* tick */
};

/* One request and where it stands. */
struct command_run {
    struct queue *queue;
    json_t *request;
    const struct command *command;
    uid_t uid;                     /* of who asks */
    struct buf *out;               /* lines for the client */
    uint32_t cursor;               /* where the walk over the ledger goes on */
    uint32_t recipient;            /* queue.show: the next one */
    uint64_t messages, recipients; /* that were changed or shown */
    uint64_t bytes;                /* of them; queue.text: where it goes on */
    struct command_id *ids;        /* queue.list: the messages, the oldest first */
    size_t n_ids, at_id;
    uint32_t admin_request;
};

struct command {
    const char *name;
    enum peer_level level;
    enum command_state (*step)(struct command_run *run);
};

/* Frees what the run has; it can be begun anew. */
void command_end(struct command_run *run);

/* NULL: there is no such command. */
const struct command *command_find(const char *name);

/* Appends a line; takes the reference over. */
void command_answer(struct command_run *run, json_t *object);
/* The last line: {"error":...,"end":true}. */
enum command_state command_fail(struct command_run *run, const char *text);

/* The same for an id that the queue does not hold. */
enum command_state command_fail_unknown(struct command_run *run, uint64_t id);

/* The steps, by file. */
enum command_state queue_list_step(struct command_run *run);
enum command_state queue_show_step(struct command_run *run);
enum command_state queue_text_step(struct command_run *run);
enum command_state queue_stats_step(struct command_run *run);
enum command_state queue_suspend_step(struct command_run *run);
enum command_state queue_resume_step(struct command_run *run);
enum command_state queue_suspended_step(struct command_run *run);
enum command_state queue_change_step(struct command_run *run);

#endif
