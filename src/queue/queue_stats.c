/*
 * queue.stats: how many recipients are in which state, what the lanes do, what the spool holds.
 * Counting walks over the ledger in one go: 100,000 messages are a few milliseconds.
 */
#include "queue/commands.h"

#include "queue/filter.h"
#include "queue/lane_memory.h"
#include "queue/record.h"
#include "queue/suspend.h"

static void count_states(struct queue *queue, json_t *json)
{
    uint64_t counts[RECIPIENT_REMOVED + 1] = {0}, held = 0, oldest = 0, now = queue_now(queue);
    struct message *message;
    uint32_t handle = 0;

    while ((message = ledger_next(&queue->ledger, &handle))) {
        uint64_t born = retry_from_tick(message->born);
        if (now > born && now - born > oldest)
            oldest = now - born;
        for (uint32_t i = 0; i < message->n_recipients; i++) {
            const struct ledger_recipient *recipient = ledger_recipient(message, i);
            counts[recipient_state(recipient)]++;
            held += !recipient_is_over(recipient) && recipient_flags(recipient) & FLAG_HELD;
        }
    }
    json_object_set_new(json, "oldest_ms", json_integer((json_int_t)oldest));
    json_object_set_new(json, "recipients",
                        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "waiting",
                                  (json_int_t)(counts[RECIPIENT_WAITING] - held), "ready",
                                  (json_int_t)counts[RECIPIENT_READY], "sending",
                                  (json_int_t)counts[RECIPIENT_UNDER_WAY], "failed",
                                  (json_int_t)counts[RECIPIENT_FAILED], "held", (json_int_t)held,
                                  "held_by_configuration", (json_int_t)counts[RECIPIENT_PARKED]));
    json_object_set_new(json, "suspended", json_integer((json_int_t)counts[RECIPIENT_SUSPENDED]));
    json_object_set_new(json, "suspensions",
                        json_integer((json_int_t)suspensions_count(queue->suspensions)));
}

static const char *way_name(enum unit_way way)
{
    switch (way) {
    case WAY_ROUTE:
        return "route";
    case WAY_MAILDIR:
        return "maildir";
    case WAY_PROGRAM:
        break;
    }
    return "program";
}

static json_int_t until_ms(uint64_t at, uint64_t now)
{
    return at > now ? (json_int_t)(at - now) : 0;
}

/* What its answers have taught: see lane_memory.h. */
static void add_memory(json_t *lane, const struct lane_memory *memory, uint64_t now)
{
    json_t *classes = json_object(), *sources = json_array();

    for (unsigned class = 0; class < ANSWER_CLASSES; class ++) {
        if (memory->classes[class])
            json_object_set_new(classes, answer_class_name((enum answer_class) class),
                                json_integer(memory->classes[class]));
    }
    for (unsigned i = 0; i < memory->n_sources; i++) {
        if (memory->sources[i].until > now)
            json_array_append_new(sources,
                                  json_pack("{s:s,s:I}", "address", memory->sources[i].address,
                                            "for_ms", until_ms(memory->sources[i].until, now)));
    }
    json_object_set_new(lane, "classes", classes);
    json_object_set_new(lane, "last_words", json_stringn(memory->words, memory->words_len));
    json_object_set_new(lane, "sources_off", sources);
    json_object_set_new(lane, "ipv4_only", json_boolean(memory->ipv4_until > now));
}

static json_t *lane_json(const struct lane_view *view, uint64_t now)
{
    json_t *lane =
        json_pack("{s:s,s:s%,s:s%,s:i,s:i,s:i,s:b}", "way", way_name(view->key.way), "name",
                  view->key.name.ptr, view->key.name.len, "domain", view->key.domain.ptr,
                  view->key.domain.len, "window", (int)view->window, "under_way",
                  (int)view->under_way, "waiting", (int)view->waiting, "down", view->down);

    if (view->down) {
        json_object_set_new(lane, "probe_in_ms", json_integer(until_ms(view->probe_at, now)));
        json_object_set_new(lane, "down_for_ms", json_integer(until_ms(now, view->down_since)));
    }
    if (view->rests_until)
        json_object_set_new(lane, "rests_for_ms", json_integer(until_ms(view->rests_until, now)));
    if (view->rate) {
        json_object_set_new(lane, "rate", json_integer(view->rate));
        json_object_set_new(lane, "rate_ms", json_integer((json_int_t)view->rate_ms));
    }
    if (view->memory)
        add_memory(lane, view->memory, now);
    return lane;
}

/* The domain of a lane of a route with `mx` is its site. */
static json_t *lanes_json(struct queue *queue)
{
    uint64_t now = queue_now(queue);
    struct lane_view view;
    uint32_t cursor = 0;
    json_t *list = json_array();

    while (scheduler_view(queue->scheduler, &cursor, &view)) {
        json_t *lane = lane_json(&view, now);
        if (suspensions_hold_lane(queue->suspensions, &view.key))
            json_object_set_new(lane, "suspended", json_true());
        json_array_append_new(list, lane);
    }
    return list;
}

static json_t *counters_json(const struct queue_counters *counters)
{
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "messages", (json_int_t)counters->messages,
        "delivered", (json_int_t)counters->delivered, "relayed", (json_int_t)counters->relayed,
        "deferred", (json_int_t)counters->deferred, "failed", (json_int_t)counters->failed,
        "bounces", (json_int_t)counters->bounces, "double_bounces",
        (json_int_t)counters->double_bounces, "expanded", (json_int_t)counters->expanded);
}

static json_t *spool_json(struct queue *queue)
{
    struct spool_stats stats;

    spool_store_stats(queue->store, &stats);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "live_messages", (json_int_t)stats.live_messages,
                     "segments", (json_int_t)stats.segments, "segment_bytes",
                     (json_int_t)stats.segment_bytes, "live_bytes", (json_int_t)stats.live_bytes,
                     "body_files", (json_int_t)stats.body_files, "outcome_log_bytes",
                     (json_int_t)stats.outcome_log_bytes);
}

enum command_state queue_stats_step(struct command_run *run)
{
    struct queue *queue = run->queue;
    json_t *json = json_pack("{s:i,s:i,s:i,s:b}", "messages", (int)queue->ledger.messages.live,
                             "under_way", (int)scheduler_under_way(queue->scheduler),
                             "records_under_way", (int)record_under_way(queue), "end", 1);

    count_states(queue, json);
    json_object_set_new(json, "lanes", lanes_json(queue));
    json_object_set_new(json, "sites_known", json_integer(sites_known(queue->sites)));
    json_object_set_new(json, "sites_asked", json_integer(sites_pending(queue->sites)));
    json_object_set_new(json, "since_start", counters_json(&queue->counters));
    json_object_set_new(json, "spool", spool_json(queue));
    command_answer(run, json);
    return COMMAND_THROUGH;
}
