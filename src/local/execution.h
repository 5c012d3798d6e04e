/*
 * One program at work on one message: feeds it the text, keeps the first of what it writes, watches
 * its time, and says how it ended. Driven by the loop; nothing here waits.
 */
#ifndef NUNCIO_LOCAL_EXECUTION_H
#define NUNCIO_LOCAL_EXECUTION_H

#include "io/loop.h"
#include "io/message.h"
#include "local/spawn.h"

struct execution;

struct execution_options {
    struct loop *loop;
    const struct slice *argv;
    size_t argc;
    const struct spawn_user *user;
    uint64_t timeout_ms;
    const struct msg_run *run;
    int text_fd; /* taken over, whatever happens */
    /* Called once, when the program has ended: the place for execution_free(). The slices in `ran`
     * live for the call. */
    void (*on_end)(void *arg, struct execution *execution, const struct msg_ran *ran);
    void *arg;
};

/* 0 or -errno. Of what the options point to, nothing is needed after the call. */
int execution_start(const struct execution_options *options, struct execution **ret_execution);
/* Ends the program: SIGTERM now, SIGKILL a little later. on_end still comes. */
void execution_stop(struct execution *execution);
/* Kills the program if it still runs. */
void execution_free(struct execution *execution);

#endif
