/*
 * Random lives of the queue role in virtual time, from a seed.
 *
 *   sim_queue [--seed N] [--runs M] [--days] [--verbose]    --runs 0: until something breaks
 *
 * A run is some messages of all kinds over some hours of a server whose days are minutes (with
 * --days over five days of a real one): aliases,
 * loops, sites that are down or refuse (or a world of them: queue_sites.c), peers that die, sockets
 * that are full, syncs that fail or take 30 s, a wall clock that jumps by years, reloads that
 * remove a domain, an account that is frozen and thawed (queue_freeze.c), lanes, domains, senders
 * and sources that are suspended and resumed (queue_suspend.c), the role itself killed at any
 * moment. What must hold at any moment is checked where it happens (queue_store.c,
 * queue_peers.c). At the end every recipient must have come to the end that its address deserves,
 * once unless something was killed, and the senders must have been told what they wanted to hear.
 * The seed is printed when it is not so.
 */
#include "queue_world.h"

#include "base/clock.h"
#include "base/log.h"
#include "mail/dsn.h"
#include "queue/queue.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

enum { MINUTE_MS = 60 * 1000, FAULTS_MS = 150 * MINUTE_MS, LAST_MS = 1440 * MINUTE_MS };
enum { DAYS_FACTOR = 48 /* the faults last five days */ };
enum { ARRIVALS = 25, CONCURRENCY = 8, SITES_CONCURRENCY = 40, ATTEMPTS_BEFORE_EXPIRY = 4 };
enum {
    HEALTHY_WITHIN_MS = 2 * MINUTE_MS,
    ADVICE_EVERY_MS = 24 * 60 * MINUTE_MS /* on being blocked */
};

static uint64_t seed;

void world_broken(const struct sim_message *message, const char *what)
{
    printf("sim_queue: %s\n", what);
    if (message) {
        printf("  message %" PRIu64 " from <%s>\n", message->id, message->sender);
        for (uint32_t i = 0; i < message->n_recipients; i++)
            printf("    %u <%s> via <%s> class %d kind %d attempts %u deliveries %u\n", i,
                   message->recipients[i].address, message->recipients[i].via,
                   (int)message->recipients[i].class, (int)message->recipients[i].kind,
                   message->recipients[i].attempts, message->recipients[i].deliveries);
    }
    printf("repeat it with: sim_queue --runs 1 --verbose%s --seed %" PRIu64 "\n",
           world->days ? " --days" : "", seed);
    exit(1);
}

/* A span of a run in minutes is one of days in the other kind. */
static uint64_t slower(uint64_t ms)
{
    return world->days ? ms * DAYS_FACTOR : ms;
}

/* ---- configuration ------------------------------------------------------------------------- */

static const char config_text[] = "hostname mx.sim.test\n"
                                  "state %s\n"
                                  "%s"
                                  "%s"
                                  "%s"
                                  "queue { %s; concurrency %d; bounces_per_sender 3 }\n";
static const char minutes_text[] = "retry_first 10s; retry_max 8m; warn_after 8m; expire_after 96m;"
                                   " gather 20s";
static const char days_text[] = "retry_first 5m; retry_max 4h; warn_after 4h; expire_after 5d;"
                                " gather 10m";

static int concurrency(void)
{
    return world->n_sites ? SITES_CONCURRENCY : CONCURRENCY;
}

static void set_route(struct config_route *route)
{
    route->recipients = 5;
    route->concurrency = 4;
    if (!slice_eq(route->name, SLICE("outside")))
        return;
    route->concurrency = SIM_SITE_CONCURRENCY;
    route->rate = world->limited ? SIM_RATE : 0;
    route->rate_ms = SIM_RATE_MS;
    route->fallback = world->falls_back ? SLICE("relay") : SLICE_NULL;
    route->fallback_after_ms = 3 * MINUTE_MS;
}

static struct config *make_config(bool with_domain, bool postmaster)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    struct buf text;

    buf_init(&text, 4096);
    problem_list_init(&problems);
    buf_printf(&text, config_text, suspend_state_folder(),
               with_domain ? "domain example.test { deliver maildir }\n"
                           : "domain other.test { deliver maildir }\n",
               postmaster ? "postmaster bad-boss@far.test\n" : "",
               world->n_sites ? "route relay { host 192.0.2.1:25 }\n"
                                "route outside { mx; source 192.0.2.10 192.0.2.11 }\n"
                                "default_route outside\n"
                              : "relay 192.0.2.1:25\n",
               world->days ? days_text : minutes_text, concurrency());
    config_bundle_from_text(SLICE("sim.conf"), buf_slice(&text), &bundle);
    if (config_parse(&bundle, &config, &problems) < 0) {
        printf("%.*s\n", SLICE_ARG(problem_line(&problems, problems.first)));
        exit(1);
    }
    for (size_t i = 0; i < config->n_routes; i++)
        set_route(&config->routes[i]);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    buf_done(&text);
    return config;
}

static void on_reload(struct event *event)
{
    struct config *config;
    struct buf why_not;

    world_later(2 * slower(MINUTE_MS), on_reload, 0, SLICE_NULL, 0);
    if (event->number == 0 && !world_fault(6) && !world->domain_gone)
        return;
    world->domain_gone = !world->domain_gone && !world->faults_over;
    world_say("reload %s example.test", world->domain_gone ? "without" : "with");
    config = make_config(!world->domain_gone, world->role.config->postmaster.len > 0);
    buf_init(&why_not, 1024);
    if (world->handlers)
        world->handlers->config(world->handlers->arg, config, &why_not);
    buf_done(&why_not);
    config_unref(world->role.config);
    world->role.config = config;
}

/* ---- mail ---------------------------------------------------------------------------------- */

static void add_random_recipient(struct sim_message *message, unsigned i)
{
    static const char *const here[] = {"ok", "alias", "loop1", "gone", "self", "full", "ok"};
    static const char *const far[] = {"ok", "bad", "slow", "never", "ok", "ok", "ok"};
    static const uint8_t notify[] = {0, 0, NOTIFY_NEVER, NOTIFY_SUCCESS | NOTIFY_FAILURE,
                                     NOTIFY_FAILURE};
    char address[ADDRESS_SIZE];
    bool local = sim_once_in(&world->random, 2);
    const char *kind = (local ? here : far)[sim_below(&world->random, 7)];

    if (strcmp(kind, "alias") == 0 || strcmp(kind, "loop1") == 0 || strcmp(kind, "self") == 0)
        snprintf(address, sizeof(address), "%s@example.test", kind);
    else
        snprintf(address, sizeof(address), "%s%u-%" PRIu64 "@%s", kind, i, message->id,
                 local            ? "example.test"
                 : world->n_sites ? sites_random_domain()
                                  : "far.test");
    for (uint32_t r = 0; r < message->n_recipients; r++) {
        if (strcmp(message->recipients[r].address, address) == 0)
            return;
    }
    world_add_recipient(message, address, "", local ? CLASS_LOCAL : CLASS_AUTHORISED,
                        notify[sim_below(&world->random, 5)]);
}

static void on_arrival(struct event *event)
{
    static const char *const senders[] = {"ok-writer@example.test", "ok-friend@far.test", "",
                                          "bad-liar@far.test"};
    struct sim_message *message = world_add(senders[sim_below(&world->random, 4)], "mx");
    unsigned n = sim_once_in(&world->random, 4) ? 20 : 1 + sim_below(&world->random, 3);

    (void)event;
    for (unsigned i = 0; i < n; i++)
        add_random_recipient(message, i);
    message->n_envelope = message->n_recipients;
    message->priority = (int8_t)((int)sim_below(&world->random, 3) - 1);
    if (strcmp(message->sender, SIM_ACCOUNT) == 0 || sim_once_in(&world->random, 4))
        message->login = SIM_ACCOUNT;
    if (*message->login && world->freeze.frozen)
        message->hold = "the account is frozen";
    message->on_disk = true;
    world->arrivals_left--;
    if (world->arrivals_left)
        world_later(sim_below(&world->random, (uint32_t)slower(4 * MINUTE_MS)), on_arrival, 0,
                    SLICE_NULL, 0);
}

/* ---- what must have come of it ------------------------------------------------------------- */

/* Does a DSN to the sender name the address? */
static bool was_told(const struct sim_message *about, const char *address)
{
    const char *to = about->sender[0] ? about->sender : "";

    for (unsigned i = 0; i < world->n_messages; i++) {
        const struct sim_message *dsn = &world->messages[i];
        if (!dsn->on_disk || !dsn->text.len || strcmp(dsn->listener, "mx") == 0)
            continue;
        if (to[0] ? strcmp(dsn->recipients[0].address, to) != 0
                  : strcmp(dsn->listener, "double-bounce") != 0)
            continue;
        if (memmem(dsn->text.ptr, dsn->text.len, address, strlen(address)))
            return true;
    }
    return false;
}

/* Mail for a site that takes it goes soon, whatever the other sites do. */
static void check_speed(const struct sim_message *message, const struct sim_recipient *recipient)
{
    if (!world->n_sites || world_was_killed() || world->faults.slow_sync_once_in ||
        world->limited || world->any_suspended || *message->login ||
        strcmp(message->listener, "mx") != 0 || strncmp(recipient->address, "ok", 2) != 0 ||
        *recipient->via || !sites_is_healthy(recipient->address))
        return;
    if (recipient->delivered_at > message->arrived + HEALTHY_WITHIN_MS)
        world_broken(message, "mail for a site that takes it waits for others");
}

/* The address is this message's alone. */
static bool has_number(const char *address)
{
    return strchr(address, '-') != NULL && strpbrk(address, "0123456789") != NULL;
}

/* Who waits for long is told, unless he did not want it or it was held. */
static void check_warning(const struct sim_message *message, const struct sim_recipient *recipient)
{
    uint64_t warn_ms = world->days ? 240 * MINUTE_MS : 8 * MINUTE_MS;

    if (world_was_killed() || world->faults.clock_jumps_once_in || !*message->sender ||
        *message->login || strcmp(message->listener, "mx") != 0 || *recipient->via ||
        recipient->class != CLASS_AUTHORISED || !dsn_wanted(recipient->notify, DSN_DELAYED))
        return;
    if (recipient->delivered_at > message->arrived + warn_ms + 12 * MINUTE_MS &&
        !was_told(message, recipient->address))
        world_broken(message, "a delay that nobody was told of");
}

static void check_recipient(const struct sim_message *message,
                            const struct sim_recipient *recipient)
{
    bool wanted = dsn_wanted(recipient->notify, DSN_FAILED);
    bool ours = strcmp(message->listener, "mx") != 0;

    check_speed(message, recipient);
    check_warning(message, recipient);

    if (recipient->kind == OUTCOME_DELIVERED || recipient->kind == OUTCOME_RELAYED) {
        if (peers_is_bad(recipient->address))
            world_broken(message, "a bad address is delivered");
        if (recipient->deliveries > 1 && !world_was_killed())
            world_broken(message, "delivered more than once");
    }
    if (recipient->kind == OUTCOME_BOUNCED) {
        if (!peers_is_bad(recipient->address) && recipient->attempts < ATTEMPTS_BEFORE_EXPIRY)
            world_broken(message, "a good address is given up too early");
        if (wanted && !ours && !was_told(message, recipient->address))
            world_broken(message, "a failure that nobody was told of");
        if (!wanted && !ours && has_number(recipient->address) && *message->sender &&
            was_told(message, recipient->address))
            world_broken(message, "a failure that was not to be told");
    }
    if (recipient->kind == OUTCOME_REMOVED)
        world_broken(message, "removed by nobody");
}

static void check_end(void)
{
    for (unsigned i = 0; i < world->n_messages; i++) {
        const struct sim_message *message = &world->messages[i];
        if (!message->on_disk)
            continue;
        if (!message->finished)
            world_broken(message, "a message is still there");
        for (uint32_t r = 0; r < message->n_recipients; r++)
            check_recipient(message, &message->recipients[r]);
        if ((strcmp(message->listener, "double-bounce") == 0 ||
             strcmp(message->listener, "notice") == 0) &&
            message->recipients[message->n_recipients - 1].kind != OUTCOME_DELIVERED &&
            message->recipients[message->n_recipients - 1].kind != OUTCOME_RELAYED)
            world_broken(message, "mail to the postmaster ended nowhere");
    }
    if (world->freeze.mails < world->freeze.count ||
        (!world_was_killed() && world->freeze.mails != world->freeze.count))
        world_broken(NULL, "the postmaster was told of a freeze never, or more than once");
    if (!world_was_killed() && world->advice_mails > 1 + world->now / ADVICE_EVERY_MS)
        world_broken(NULL, "the postmaster gets the same advice again and again");
    if (!world_was_killed() && world->reports != world->reports_taken)
        world_broken(NULL, "a mail of relay is on disk, and relay does not know");
    if (world->most_under_way > (unsigned)concurrency())
        world_broken(NULL, "more deliveries at a time than the configuration allows");
}

/* ---- a run --------------------------------------------------------------------------------- */

static int no_lock_in(struct role_context *role)
{
    (void)role;
    return 0;
}

static void on_faults_over(struct event *event)
{
    (void)event;
    world->faults_over = true;
    world->site_down_until = world->site_refuses_until = 0;
}

static void on_end(struct event *event)
{
    bool any = world->arrivals_left > 0;

    (void)event;
    any = any || world->freeze.frozen || world->suspended.what;
    if (!any)
        freeze_release();
    for (unsigned i = 0; i < world->n_messages; i++)
        any = any || (world->messages[i].on_disk && !world->messages[i].finished);
    if (any && world->now < slower(LAST_MS))
        world_later(MINUTE_MS, on_end, 0, SLICE_NULL, 0);
    else
        world->handlers->stop(world->handlers->arg);
}

/* Never, or once in at least `often`. */
static unsigned once_in(unsigned often)
{
    return sim_once_in(&world->random, 3) ? 0 : often + sim_below(&world->random, 10 * often);
}

static void choose_faults(struct world_faults *faults)
{
    *faults = (struct world_faults){.site_fails_once_in = once_in(10),
                                    .slow_sync_once_in = once_in(30),
                                    .full_socket_once_in = once_in(3),
                                    .clock_jumps_once_in = once_in(200),
                                    .peer_limit = sim_below(&world->random, 5)};
    if (sim_once_in(&world->random, 2)) {
        faults->crash_once_in = once_in(200);
        faults->write_fails_once_in = once_in(5);
        faults->peer_dies_once_in = once_in(10);
    }
}

static void free_world(void)
{
    store_forget_records();
    for (size_t i = 0; i < world->n_events; i++)
        free((char *)(uintptr_t)world->events[i].payload.ptr);
    for (unsigned i = 0; i < world->n_messages; i++) {
        if (world->messages[i].text.size)
            buf_done(&world->messages[i].text);
    }
    free(world->messages);
    free(world->events);
    config_unref(world->role.config);
    free(world);
}

static void run_once(bool verbose, bool days)
{
    bool done = false;

    world = xcalloc(1, sizeof(*world));
    world->messages = xcalloc(SIM_MESSAGES, sizeof(*world->messages));
    world->random.state = seed;
    world->verbose = verbose;
    world->now = 1000;
    world->wall_shift = 1795300000000;
    world->arrivals_left = 1 + sim_below(&world->random, ARRIVALS);
    world->days = days;
    choose_faults(&world->faults);
    if (sim_once_in(&world->random, 2)) {
        sites_start();
        world->limited = sim_once_in(&world->random, 3);
        world->falls_back = sim_once_in(&world->random, 3);
    }
    world->role.config = make_config(true, sim_once_in(&world->random, 2));
    world->role.control = -1;
    world->role.lock_in = no_lock_in;
    world_later(0, on_arrival, 0, SLICE_NULL, 0);
    world_later(2 * slower(MINUTE_MS), on_reload, 0, SLICE_NULL, 0);
    freeze_start();
    suspend_start();
    world_later(slower(FAULTS_MS), on_faults_over, 0, SLICE_NULL, 0);
    world_later(slower(FAULTS_MS), on_end, 0, SLICE_NULL, 0);
    while (!done) {
        world->life++;
        world->stopped = false;
        world->n_timers = 0;
        clock_fake(world_wall(), world->now);
        queue_main(&world->role);
        done = world->faults_over;
    }
    check_end();
    free_world();
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"runs", required_argument, NULL, 'r'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"days", no_argument, NULL, 'd'},
                                            {NULL, 0, NULL, 0}};
    uint64_t runs = 1000, first = 1;
    bool verbose = false, days = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            first = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            runs = strtoull(optarg, NULL, 10);
        else if (option == 'v')
            verbose = true;
        else if (option == 'd')
            days = true;
        else
            return 2;
    }
    log_setup("sim", verbose ? LOG_DEBUG : LOG_ERROR + 1, LOG_LOGFMT, 1);
    for (uint64_t i = 0; runs == 0 || i < runs; i++) {
        seed = first + i;
        run_once(verbose, days);
    }
    printf("%" PRIu64 " runs from seed %" PRIu64 ", all promises kept\n", runs, first);
    return 0;
}
