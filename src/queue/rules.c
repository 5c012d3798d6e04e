/* See rules.h. */
#include "queue/rules.h"

struct scheduler_rules rules_of_scheduler(const struct config *config)
{
    const struct config_queue *queue = &config->queue;
    struct scheduler_rules rules = {.concurrency = queue->concurrency,
                                    .active = queue->active,
                                    .down_first_ms = queue->retry_first_ms / 10,
                                    .down_max_ms = 10 * 60 * 1000};

    if (rules.down_max_ms > queue->retry_max_ms)
        rules.down_max_ms = queue->retry_max_ms;
    if (rules.down_first_ms < TICK_MS)
        rules.down_first_ms = TICK_MS;
    return rules;
}

static void find_expiries(struct queue *queue)
{
    queue->expire_least_ms = queue->expire_most_ms = queue->rules.expire_after_ms;
    for (size_t i = 0; i < queue->config->n_domains; i++) {
        uint64_t ms = queue->config->domains[i].expire_after_ms;
        if (ms && ms < queue->expire_least_ms)
            queue->expire_least_ms = ms;
        if (ms > queue->expire_most_ms)
            queue->expire_most_ms = ms;
    }
}

void rules_use(struct queue *queue, struct config *config)
{
    struct config *old = queue->config;

    queue->config = config_ref(config);
    config_unref(old);
    queue->rules = (struct retry_rules){.first_ms = config->queue.retry_first_ms,
                                        .max_ms = config->queue.retry_max_ms,
                                        .warn_after_ms = config->queue.warn_after_ms,
                                        .expire_after_ms = config->queue.expire_after_ms};
    find_expiries(queue);
}
