/*
 * The world beyond a route with `mx`: domains, the sites that take their mail, and relay's finder.
 * Each site is of a kind that follows from its number in the run, and what must hold for all of
 * them is checked where a unit begins and ends:
 *
 *   healthy      takes mail soon           rate limited   421 above so many messages a minute
 *   slow         takes it after minutes    greylisting    451 with a time, for each recipient anew
 *   down         answers nobody, for       blocking       550 for one of our two addresses
 *                a while                   lying          says 50 recipients, takes 2
 *   half open    never answers             moving         its domains go to other sites
 *
 * Besides, the finder may be slow, DNS may fail for a domain, and one domain does not exist.
 */
#include "queue_world.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MINUTE_MS = 60 * 1000, TAKES_A_MINUTE = 4, GREYLIST_MS = 60 * 1000, LIAR_TAKES = 2 };

enum { OUR_DOMAIN = SIM_DOMAINS - 1 };
#define GONE_DOMAIN "nx.test"

static const char *const kinds[] = {"healthy",  "slow",  "down", "half-open", "limited",
                                    "greylist", "block", "liar", "moving",    "healthy"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool is_kind(const struct sim_site *site, const char *kind)
{
    return strncmp(site->name, kind, strlen(kind)) == 0;
}

void sites_start(void)
{
    world->n_sites = SIM_SITES;
    for (unsigned i = 0; i < SIM_SITES; i++)
        snprintf(world->sites[i].name, sizeof(world->sites[i].name), "%s%u.mx.test",
                 kinds[i % KINDS], i);
    for (unsigned i = 0; i < SIM_DOMAINS; i++) {
        snprintf(world->domains[i].name, sizeof(world->domains[i].name), "d%u.test", i);
        world->domains[i].site = i % SIM_SITES;
    }
    snprintf(world->domains[0].name, sizeof(world->domains[0].name), "far.test");
    /* Notifications to our own users go out when a reload has taken the domain away. */
    snprintf(world->domains[OUR_DOMAIN].name, sizeof(world->domains[OUR_DOMAIN].name),
             "example.test");
}

const char *sites_random_domain(void)
{
    if (sim_once_in(&world->random, 20))
        return GONE_DOMAIN;
    return world->domains[sim_below(&world->random, OUR_DOMAIN)].name;
}

static struct sim_domain *find_domain(struct slice name)
{
    for (unsigned i = 0; i < SIM_DOMAINS; i++) {
        if (slice_eq_nocase(name, slice_from_cstr(world->domains[i].name)))
            return &world->domains[i];
    }
    return NULL;
}

static struct sim_site *find_site(struct slice name)
{
    for (unsigned i = 0; i < world->n_sites; i++) {
        if (slice_eq(name, slice_from_cstr(world->sites[i].name)))
            return &world->sites[i];
    }
    return NULL;
}

static struct slice domain_of(struct slice address)
{
    return slice_skip(address, (size_t)slice_find_last(address, '@') + 1);
}

static bool is_healthy_domain(const struct sim_domain *domain)
{
    return domain && is_kind(&world->sites[domain->site], "healthy") && !domain->moved;
}

bool sites_is_healthy(const char *address)
{
    return is_healthy_domain(find_domain(domain_of(slice_from_cstr(address))));
}

/* ---- the finder ---------------------------------------------------------------------------- */

static void decide_site(const struct msg_site_ask *ask, struct msg_site *answer)
{
    struct sim_domain *domain = find_domain(ask->domain);

    *answer = (struct msg_site){.request = ask->request,
                                .status = SITE_FOUND,
                                .valid_ms = 1000 + sim_below(&world->random, 10 * MINUTE_MS)};
    if (slice_eq_nocase(ask->domain, SLICE(GONE_DOMAIN))) {
        answer->status = SITE_NEVER;
        answer->enhanced = SLICE("5.1.2");
        answer->text = SLICE("there is no such domain");
        return;
    }
    if (!domain)
        world_broken(NULL, "a question for a domain that nobody writes to");
    if (!is_kind(&world->sites[domain->site], "healthy") && world_fault(10))
        domain->dns_fails_until = world->now + sim_below(&world->random, 5 * MINUTE_MS);
    if (is_kind(&world->sites[domain->site], "moving") && world_fault(3)) {
        domain->site = (domain->site + 1 + sim_below(&world->random, 3)) % SIM_SITES;
        domain->moved = true;
    }
    answer->site = slice_from_cstr(world->sites[domain->site].name);
    if (world->now < domain->dns_fails_until) {
        answer->status = SITE_LATER;
        answer->site = SLICE_NULL;
        answer->enhanced = SLICE("4.4.3");
        answer->text = SLICE("the DNS servers of the domain do not answer");
    }
}

static void on_question(struct event *event)
{
    struct msg_site_ask ask;
    struct msg_site answer;
    struct buf out;

    if (event->epoch != world->peer_life[ROLE_RELAY])
        return;
    if (msg_site_ask_decode(event->payload, NULL, &ask) < 0 ||
        !slice_eq(ask.route, SLICE("outside")))
        world_broken(NULL, "a question for a site that cannot be read");
    decide_site(&ask, &answer);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_site_encode(&out, &answer);
    peers_deliver(ROLE_RELAY, MSG_SITE, &out);
    buf_done(&out);
}

void sites_take_question(struct slice payload)
{
    uint64_t ms = 1 + sim_below(&world->random, 100);
    struct msg_site_ask ask;

    if (msg_site_ask_decode(payload, NULL, &ask) < 0)
        world_broken(NULL, "a question for a site that cannot be read");
    if (!is_healthy_domain(find_domain(ask.domain)) && world_fault(10))
        ms += sim_below(&world->random, 2 * MINUTE_MS);
    world_later(ms, on_question, 0, payload, world->peer_life[ROLE_RELAY]);
}

/* ---- a unit begins ------------------------------------------------------------------------- */

/* The site may not see more messages in SIM_RATE_MS than the route's rate, whatever moment that is
 * counted from. A queue that was killed, or a relay, does not know what there was before. */
static void check_rate(struct sim_site *site)
{
    uint64_t *oldest = &site->begun[site->n_begun++ % SIM_RATE];

    if (world->limited && !world_was_killed() && site->n_begun > SIM_RATE &&
        world->now < *oldest + SIM_RATE_MS)
        world_broken(NULL, "a site sees more messages than the route's rate");
    *oldest = world->now;
}

static struct slice choose_source(const struct msg_unit *unit)
{
    static const char *const sources[] = {"192.0.2.10", "192.0.2.11"};

    for (unsigned i = 0; i < 2; i++) {
        bool off = false;
        for (uint32_t j = 0; j < unit->n_sources_off; j++)
            off = off || slice_eq(unit->sources_off[j], slice_from_cstr(sources[i]));
        if (!off)
            return slice_from_cstr(sources[i]);
    }
    if (world->any_suspended)
        return SLICE_NULL; /* one is suspended, the other is blocked: relay cannot connect */
    world_broken(world_message(unit->message_id), "a unit without any address to come from");
}

static void check_greylist(const struct msg_unit *unit)
{
    struct sim_message *message = world_message(unit->message_id);

    for (uint32_t i = 0; i < unit->n_recipients; i++) {
        const struct sim_recipient *recipient = peers_recipient(unit, i);
        if (recipient && !world_was_killed() && !message->released &&
            world->now < recipient->greylisted_until)
            world_broken(message, "a greylisted recipient is tried before the words say");
    }
}

uint64_t sites_begin_unit(const struct msg_unit *unit)
{
    struct sim_site *site = find_site(unit->domain);

    if (!site || !slice_eq(unit->name, SLICE("outside")))
        world_broken(world_message(unit->message_id), "a unit for a site that there is not");
    if (++site->under_way > SIM_SITE_CONCURRENCY)
        world_broken(NULL, "a site has more at a time than the route allows");
    check_rate(site);
    check_greylist(unit);
    (void)choose_source(unit);
    if (is_kind(site, "slow"))
        return MINUTE_MS / 2 + sim_below(&world->random, 2 * MINUTE_MS);
    if (is_kind(site, "half-open") && !world->faults_over)
        return (world->days ? 5 : 1) * MINUTE_MS;
    return 10 + sim_below(&world->random, 2000);
}

/* ---- and ends ------------------------------------------------------------------------------ */

struct says {
    enum done_kind kind;
    const char *status, *reply;
};

static bool is_down(struct sim_site *site)
{
    if (world->faults_over)
        return false;
    if (is_kind(site, "down") && world->now >= site->down_until && world_fault(5))
        site->down_until = world->now + sim_below(&world->random, 40 * MINUTE_MS);
    return is_kind(site, "half-open") || world->now < site->down_until;
}

static bool is_too_much(struct sim_site *site)
{
    if (!is_kind(site, "limited") || world->faults_over)
        return false;
    if (world->now >= site->minute + MINUTE_MS) {
        site->minute = world->now;
        site->taken = 0;
    }
    return ++site->taken > TAKES_A_MINUTE;
}

static struct says greylist(struct sim_recipient *recipient)
{
    if (!recipient->greylisted_until)
        recipient->greylisted_until = world->now + GREYLIST_MS;
    if (world->now < recipient->greylisted_until)
        return (struct says){DONE_LATER, "4.7.1",
                             "451 4.7.1 Greylisted, please try again in 60 seconds"};
    return (struct says){DONE_OK, "2.0.0", "250 ok"};
}

static struct says decide_one(struct sim_site *site, const struct msg_done *done,
                              struct slice address, struct sim_recipient *recipient)
{
    const struct sim_domain *domain = find_domain(domain_of(address));
    enum done_kind kind;

    if (!domain || &world->sites[domain->site] != site)
        return (struct says){DONE_AGAIN, "4.4.0", "its site is another one now"};
    if (is_kind(site, "block") && slice_eq(done->source, SLICE("192.0.2.10")))
        return (struct says){DONE_NEVER, "5.7.1",
                             "554 5.7.1 Client host [192.0.2.10] blocked using zen.spamhaus.org"};
    kind = peers_fate(address, recipient ? recipient->tries : 1);
    if (kind == DONE_NEVER)
        return (struct says){DONE_NEVER, "5.1.1", "550 5.1.1 nobody"};
    if (kind == DONE_LATER)
        return (struct says){DONE_LATER, "4.0.0", "450 not now"};
    if (is_kind(site, "greylist") && recipient && !world->faults_over)
        return greylist(recipient);
    return (struct says){DONE_OK, "2.0.0", "250 ok"};
}

static void say(struct done_recipient *to, struct says says)
{
    to->kind = says.kind;
    to->status = slice_from_cstr(says.status);
    to->reply = slice_from_cstr(says.reply);
}

void sites_end_unit(const struct msg_unit *unit, struct msg_done *done)
{
    struct sim_site *site = find_site(unit->domain);
    bool down = is_down(site) || !choose_source(unit).len;
    bool too_much = !down && is_too_much(site);
    unsigned taken = 0;

    if (site->under_way)
        site->under_way--;
    done->source = choose_source(unit);
    done->remote = slice_from_cstr(site->name);
    done->duration_ms = is_kind(site, "slow") || is_kind(site, "half-open") ? MINUTE_MS : 500;
    done->recipients_limit = is_kind(site, "liar") ? 50 : 0;
    for (uint32_t i = 0; i < unit->n_recipients; i++) {
        const struct unit_recipient *from = &unit->recipients[i];
        struct sim_recipient *recipient = peers_recipient(unit, i);
        struct says says = decide_one(site, done, from->address, recipient);
        if (says.kind != DONE_AGAIN && down)
            says = (struct says){DONE_NETWORK, "4.4.1", "connection timed out"};
        else if (says.kind != DONE_AGAIN && too_much)
            says = (struct says){DONE_LATER, "4.7.0", "421 4.7.0 too many connections from you"};
        else if (says.kind == DONE_OK && is_kind(site, "liar") && taken >= LIAR_TAKES)
            says = (struct says){DONE_LATER, "4.5.3", "452 4.5.3 too many recipients"};
        taken += says.kind == DONE_OK;
        done->recipients[i] = (struct done_recipient){.index = from->index};
        say(&done->recipients[i], says);
    }
}

/* relay is gone, and all of its connections. */
void sites_forget_under_way(void)
{
    for (unsigned i = 0; i < world->n_sites; i++)
        world->sites[i].under_way = 0;
}
