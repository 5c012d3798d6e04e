/* See queue_metrics.h. Counting recipients by state walks over the ledger in one go, like
 * queue.stats: 100,000 messages are a few milliseconds, and who scrapes does so every 15 s or so.
 */
#include "queue/queue_metrics.h"

#include "queue/lane_memory.h"
#include "queue/scheduler.h"
#include "queue/suspend.h"

void queue_metrics_init(struct queue_times *times)
{
    times->age.bounds = &histogram_long;
    for (unsigned i = 0; i < sizeof(times->attempts) / sizeof(times->attempts[0]); i++)
        times->attempts[i].bounds = &histogram_short;
}

struct census {
    uint64_t states[RECIPIENT_REMOVED + 1];
    uint64_t held, oldest_ms;
};

static struct census count(struct queue *queue)
{
    struct census census = {0};
    uint64_t now = queue_now(queue);
    struct message *message;
    uint32_t handle = 0;

    while ((message = ledger_next(&queue->ledger, &handle))) {
        uint64_t born = retry_from_tick(message->born);
        if (now > born && now - born > census.oldest_ms)
            census.oldest_ms = now - born;
        for (uint32_t i = 0; i < message->n_recipients; i++) {
            const struct ledger_recipient *recipient = ledger_recipient(message, i);
            if (!recipient_is_over(recipient) && recipient_flags(recipient) & FLAG_HELD)
                census.held++;
            else
                census.states[recipient_state(recipient)]++;
        }
    }
    return census;
}

static void add_now(struct queue *queue, struct exposition *exposition)
{
    static const char name[] = "nuncio_queue_recipients";
    static const char help[] = "Recipients in the queue, by their state.";
    const struct census census = count(queue);

    exposition_gauge(exposition, "nuncio_queue_messages", "Messages in the queue.", NULL,
                     queue->ledger.messages.live);
    exposition_gauge(exposition, name, help, "state=\"waiting\"", census.states[RECIPIENT_WAITING]);
    exposition_gauge(exposition, name, help, "state=\"ready\"", census.states[RECIPIENT_READY]);
    exposition_gauge(exposition, name, help, "state=\"sending\"",
                     census.states[RECIPIENT_UNDER_WAY]);
    exposition_gauge(exposition, name, help, "state=\"failed\"", census.states[RECIPIENT_FAILED]);
    exposition_gauge(exposition, name, help, "state=\"held\"",
                     census.held + census.states[RECIPIENT_PARKED]);
    exposition_gauge(exposition, name, help, "state=\"suspended\"",
                     census.states[RECIPIENT_SUSPENDED]);
    exposition_gauge(exposition, "nuncio_queue_oldest_seconds",
                     "Age of the oldest message in the queue.", NULL, census.oldest_ms / 1000);
    exposition_gauge(exposition, "nuncio_deliveries_under_way", "Attempts under way.", NULL,
                     scheduler_under_way(queue->scheduler));
}

static void add_lanes(const struct queue *queue, struct exposition *exposition)
{
    uint32_t cursor = 0;
    struct lane_view view;
    uint64_t all = 0, down = 0, sources = 0, now = queue_now(queue);

    while (scheduler_view(queue->scheduler, &cursor, &view)) {
        all++;
        down += view.down;
        sources += lane_memory_count_suspended(view.memory, now);
    }
    exposition_gauge(exposition, "nuncio_destinations", "Destinations that are remembered.", NULL,
                     all);
    exposition_gauge(exposition, "nuncio_destinations_down",
                     "Destinations that do not answer and are probed from time to time.", NULL,
                     down);
    exposition_gauge(exposition, "nuncio_sources_suspended",
                     "Source addresses that are not used for a destination now.", NULL, sources);
}

static void add_suspensions(const struct queue *queue, struct exposition *exposition)
{
    unsigned counts[SUSPEND_KINDS] = {0}, n = suspensions_count(queue->suspensions);
    char label[64];

    for (unsigned i = 0; i < n; i++)
        counts[suspensions_at(queue->suspensions, i)->kind]++;
    for (unsigned i = 0; i < SUSPEND_KINDS; i++) {
        snprintf(label, sizeof(label), "kind=\"%s\"", suspend_kind_name((enum suspend_kind)i));
        exposition_gauge(exposition, "nuncio_suspensions", "What is suspended now, by its kind.",
                         label, counts[i]);
    }
}

static void add_answers(const struct queue *queue, struct exposition *exposition)
{
    char label[64];

    for (unsigned i = 0; i < ANSWER_CLASSES; i++) {
        snprintf(label, sizeof(label), "class=\"%s\"", answer_class_name((enum answer_class)i));
        exposition_counter(exposition, "nuncio_answers_total",
                           "Refusals by other servers, by what they mean.", label,
                           queue->counters.answers[i]);
    }
    exposition_counter(exposition, "nuncio_source_suspensions_total",
                       "How often a source address was suspended for its name.", NULL,
                       queue->counters.sources_suspended);
}

static void add_outcomes(const struct queue *queue, struct exposition *exposition)
{
    static const char name[] = "nuncio_deliveries_total";
    static const char help[] = "Recipients, by what became of them; deferred counts each attempt.";
    const struct queue_counters *counters = &queue->counters;

    exposition_counter(exposition, name, help, "result=\"delivered\"", counters->delivered);
    exposition_counter(exposition, name, help, "result=\"relayed\"", counters->relayed);
    exposition_counter(exposition, name, help, "result=\"expanded\"", counters->expanded);
    exposition_counter(exposition, name, help, "result=\"deferred\"", counters->deferred);
    exposition_counter(exposition, name, help, "result=\"failed\"", counters->failed);
    exposition_counter(exposition, "nuncio_bounces_total",
                       "Delivery status notifications that were made.", NULL, counters->bounces);
    exposition_counter(exposition, "nuncio_double_bounces_total",
                       "Of these, those that went to the postmaster.", NULL,
                       counters->double_bounces);
}

void queue_metrics(struct queue *queue, struct exposition *exposition)
{
    static const char name[] = "nuncio_delivery_seconds";
    static const char help[] = "How long attempts took, by the way they went.";

    add_now(queue, exposition);
    add_lanes(queue, exposition);
    add_outcomes(queue, exposition);
    add_suspensions(queue, exposition);
    add_answers(queue, exposition);
    exposition_histogram(exposition, "nuncio_queue_age_seconds",
                         "From a message's coming to the end of each of its recipients.", NULL,
                         &queue->times.age);
    exposition_histogram(exposition, name, help, "way=\"route\"",
                         &queue->times.attempts[WAY_ROUTE]);
    exposition_histogram(exposition, name, help, "way=\"maildir\"",
                         &queue->times.attempts[WAY_MAILDIR]);
    exposition_histogram(exposition, name, help, "way=\"program\"",
                         &queue->times.attempts[WAY_PROGRAM]);
    exposition_histogram(exposition, "nuncio_commit_seconds",
                         "From a record's coming to its being on disk.", "role=\"queue\"",
                         spool_store_commits(queue->store));
}
