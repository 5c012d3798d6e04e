/* The history role: what comes in is counted. See history.h. */
#include "history/history.h"

#include "base/log.h"

#include <errno.h>
#include <sys/resource.h>

enum { NICEST = 19 };

struct history {
    uint64_t n_events;
};

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct history *history = arg;

    (void)from;
    for (struct slice lines = message->payload; message->type == MSG_EVENTS && lines.len;
         slice_cut(&lines, '\n'))
        history->n_events++;
    channel_message_close_fds(message);
}

static void on_status(void *arg, struct buf *json)
{
    const struct history *history = arg;

    buf_printf(json, "\"events\":%llu,", (unsigned long long)history->n_events);
}

int history_main(struct role_context *role)
{
    struct history history = {0};
    const struct role_handlers handlers = {
        .message = on_message, .status = on_status, .arg = &history};
    int r;

    if (setpriority(PRIO_PROCESS, 0, NICEST) < 0)
        log_warn(NULL, "nice-refused", LOG_ERRNO(errno));
    r = role->lock_in(role);
    return r < 0 ? r : role_run(role, &handlers);
}
