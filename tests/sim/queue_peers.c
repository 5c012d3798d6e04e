/*
 * auth, relay and local, as bad as they get. What an address does follows from its local part:
 *
 *   ok*       is delivered                 alias*    stands for ok* here, ok* far away, and bad*
 *   bad*      is refused for good          loop*     leads in a circle
 *   slow*     is refused three times       gone*     is no mailbox any more
 *   never*    is refused for now, always   self*     stands for itself and ok*
 *   full*     is over its quota at first
 */
#include "queue_world.h"

#include "io/login_message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool peers_is_bad(const char *address)
{
    return starts(address, "bad") || starts(address, "gone") || starts(address, "loop") ||
           strstr(address, "@nx.test");
}

void peers_deliver(enum role from, uint16_t type, struct buf *out)
{
    struct channel_message message = {.type = type, .payload = buf_slice(out)};

    if (out->overflow)
        world_broken(NULL, "an answer does not fit");
    world->handlers->message(world->handlers->arg, from, &message);
}

/* ---- auth ---------------------------------------------------------------------------------- */

static void answer_alias(struct msg_resolved *answer, struct slice address, struct slice *targets)
{
    static const char *const kinds[] = {"ok-here@example.test", "ok-far@far.test", "bad@far.test"};

    answer->status = RESOLVE_EXPAND;
    answer->targets = targets;
    if (slice_starts_with_nocase(address, SLICE("loop1"))) {
        targets[answer->n_targets++] = SLICE("loop2@example.test");
    } else if (slice_starts_with_nocase(address, SLICE("loop2"))) {
        targets[answer->n_targets++] = SLICE("loop1@example.test");
    } else if (slice_starts_with_nocase(address, SLICE("self"))) {
        targets[answer->n_targets++] = address;
        targets[answer->n_targets++] = SLICE("ok-here@example.test");
    } else {
        for (size_t i = 0; i < 3; i++)
            targets[answer->n_targets++] = slice_from_cstr(kinds[i]);
    }
}

static void decide_answer(const struct msg_resolve *ask, struct msg_resolved *answer,
                          struct slice *targets)
{
    struct slice address = ask->address;

    *answer =
        (struct msg_resolved){.request = ask->request, .status = RESOLVE_LOCAL, .account = address};
    if (slice_starts_with_nocase(address, SLICE("gone")))
        answer->status = RESOLVE_UNKNOWN;
    else if (slice_starts_with_nocase(address, SLICE("full")) && !world->faults_over &&
             sim_once_in(&world->random, 2))
        answer->status = RESOLVE_FULL;
    else if (world_fault(20))
        answer->status = RESOLVE_LATER;
    else if (slice_eq_nocase(address, ask->via))
        return;
    else if (slice_starts_with_nocase(address, SLICE("alias")) ||
             slice_starts_with_nocase(address, SLICE("loop")) ||
             slice_starts_with_nocase(address, SLICE("self")))
        answer_alias(answer, address, targets);
}

static void on_answer(struct event *event)
{
    struct msg_resolve ask;
    struct msg_resolved answer;
    struct slice targets[4];
    struct arena arena;
    struct buf out;

    arena_init(&arena);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    if (event->epoch == world->peer_life[ROLE_AUTH]) {
        if (msg_resolve_decode(event->payload, &arena, &ask) < 0)
            world_broken(NULL, "a question that cannot be read");
        if (!strstr(arena_cstr(&arena, ask.address), "@example.test"))
            world_broken(NULL, "auth is asked for an address that is not ours");
        decide_answer(&ask, &answer, targets);
        msg_resolved_encode(&out, &answer);
        peers_deliver(ROLE_AUTH, MSG_RESOLVED, &out);
    }
    buf_done(&out);
    arena_done(&arena);
}

/* ---- relay and local ----------------------------------------------------------------------- */

static void check_way(const struct sim_message *message, const struct msg_unit *unit,
                      const struct sim_recipient *recipient)
{
    bool own = strcmp(recipient->address, "postmaster") == 0;
    bool mailbox = strstr(recipient->address, "@example.test") && !world->domain_gone;

    if ((own || mailbox) != (unit->way == WAY_MAILDIR))
        world_broken(message, "a recipient goes the wrong way");
    if (unit->way == WAY_ROUTE && world->n_sites && !unit->domain.len && !world->falls_back)
        world_broken(message, "a recipient goes over the fallback that there is not");
    if (recipient->class == CLASS_LOCAL && unit->way != WAY_MAILDIR)
        world_broken(message, "a recipient leaves its class");
}

static void take_unit_recipient(const struct msg_unit *unit, const struct unit_recipient *from)
{
    struct sim_message *message = world_message(unit->message_id);
    struct sim_recipient *recipient;

    if (!message || message->finished)
        world_broken(message, "a message is sent that is freed");
    /* Added recipients may be sent before their record is on disk. */
    if (from->index >= message->n_recipients)
        return;
    recipient = &message->recipients[from->index];
    if (recipient->under_way)
        world_broken(message, "two attempts at the same recipient at the same time");
    if (recipient->kind != OUTCOME_PENDING)
        world_broken(message, "a recipient is tried that is over");
    check_way(message, unit, recipient);
    freeze_check_sending(message);
    suspend_check_sending(message, unit, from->address);
    recipient->under_way = true;
    recipient->peer = unit->way == WAY_ROUTE ? ROLE_RELAY : ROLE_LOCAL;
    recipient->tries++;
}

enum done_kind peers_fate(struct slice address, unsigned tries)
{
    if (slice_starts_with_nocase(address, SLICE("bad")))
        return DONE_NEVER;
    if (slice_starts_with_nocase(address, SLICE("never")) ||
        (slice_starts_with_nocase(address, SLICE("slow")) && tries <= 3))
        return DONE_LATER;
    return DONE_OK;
}

static enum done_kind fate(enum role peer, struct slice address, unsigned tries)
{
    if (peer == ROLE_RELAY && world->now < world->site_down_until)
        return DONE_NETWORK;
    if (peer == ROLE_RELAY && world->now < world->site_refuses_until)
        return DONE_LATER;
    return peers_fate(address, tries);
}

struct sim_recipient *peers_recipient(const struct msg_unit *unit, uint32_t i)
{
    struct sim_message *message = world_message(unit->message_id);
    uint32_t index = unit->recipients[i].index;

    return index < message->n_recipients ? &message->recipients[index] : NULL;
}

static void answer_recipient(enum role peer, const struct msg_unit *unit, uint32_t i,
                             struct done_recipient *to, unsigned *taken)
{
    const struct sim_recipient *recipient = peers_recipient(unit, i);

    *to = (struct done_recipient){.index = unit->recipients[i].index};
    to->kind = fate(peer, unit->recipients[i].address, recipient ? recipient->tries : 1);
    to->status = SLICE("4.0.0");
    to->reply = SLICE("450 not now");
    if (to->kind == DONE_OK && peer == ROLE_RELAY && world->faults.peer_limit &&
        *taken >= world->faults.peer_limit) {
        to->kind = DONE_LATER;
        to->status = SLICE("4.5.3");
    } else if (to->kind == DONE_OK) {
        to->status = SLICE("2.0.0");
        to->reply = SLICE("250 ok");
        ++*taken;
    } else if (to->kind == DONE_NEVER) {
        to->status = SLICE("5.1.1");
        to->reply = SLICE("550 5.1.1 nobody");
    }
}

/* What the answer means for those that it is about. */
static void book(const struct msg_unit *unit, const struct msg_done *done)
{
    for (uint32_t i = 0; i < unit->n_recipients; i++) {
        struct sim_recipient *recipient = peers_recipient(unit, i);
        if (!recipient)
            continue;
        recipient->under_way = false;
        if (done->recipients[i].kind != DONE_OK)
            continue;
        recipient->deliveries++;
        recipient->delivered_at = world->now;
    }
}

static void site_weather(enum role peer)
{
    if (peer != ROLE_RELAY || !world_fault(world->faults.site_fails_once_in))
        return;
    if (sim_once_in(&world->random, 2))
        world->site_down_until = world->now + sim_below(&world->random, 12 * 60 * 1000);
    else
        world->site_refuses_until = world->now + sim_below(&world->random, 2 * 60 * 1000);
}

/* A signature of its own for each attempt that finds none. */
static void sign(const struct msg_unit *unit, struct msg_done *done, char text[SIGNATURE_SIZE])
{
    if (!unit->ours || unit->signature.len)
        return;
    snprintf(text, SIGNATURE_SIZE, "b=%" PRIu64, ++world->serial);
    done->signature = slice_from_cstr(text);
}

static void check_signature(const struct msg_unit *unit)
{
    const struct sim_message *message = world_message(unit->message_id);

    if (unit->way != WAY_ROUTE)
        return;
    if (unit->ours != sim_is_ours(message->id))
        world_broken(message, "nobody knows any more whose it is");
    if (!slice_eq(unit->signature, slice_from_cstr(message->signature)))
        world_broken(message, "a unit without the signature that is kept");
}

static void on_unit_done(struct event *event)
{
    enum role peer = (enum role)event->number;
    struct done_recipient recipients[SIM_RECIPIENTS];
    struct msg_done done = {.recipients = recipients, .remote = SLICE("next.test[192.0.2.1]:25")};
    struct msg_unit unit;
    struct arena arena;
    char signature[SIGNATURE_SIZE];
    struct buf out;
    unsigned taken = 0;

    if (event->epoch != world->peer_life[peer])
        return; /* the peer died with it */
    world->under_way--;
    arena_init(&arena);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    if (msg_unit_decode(event->payload, &arena, &unit) < 0 || unit.n_recipients > SIM_RECIPIENTS)
        world_broken(NULL, "a unit that cannot be read");
    done.unit = unit.unit;
    done.n_recipients = unit.n_recipients;
    if (peer == ROLE_LOCAL)
        done.remote = SLICE_NULL;
    if (unit.domain.len && peer == ROLE_RELAY) {
        sites_end_unit(&unit, &done);
    } else {
        site_weather(peer);
        for (uint32_t i = 0; i < unit.n_recipients; i++)
            answer_recipient(peer, &unit, i, &recipients[i], &taken);
    }
    if (peer == ROLE_RELAY)
        sign(&unit, &done, signature);
    book(&unit, &done);
    msg_done_encode(&out, &done);
    peers_deliver(peer, MSG_DONE, &out);
    buf_done(&out);
    arena_done(&arena);
}

static void take_unit(enum role peer, struct slice payload)
{
    uint64_t ms = 10 + sim_below(&world->random, 2000);
    struct msg_unit unit;
    struct arena arena;

    arena_init(&arena);
    if (msg_unit_decode(payload, &arena, &unit) < 0 || !unit.n_recipients)
        world_broken(NULL, "a unit that cannot be read");
    if (unit.way == WAY_ROUTE && unit.n_recipients > 5)
        world_broken(world_message(unit.message_id), "more recipients than the route takes");
    check_signature(&unit);
    for (uint32_t i = 0; i < unit.n_recipients; i++)
        take_unit_recipient(&unit, &unit.recipients[i]);
    world_say("unit of %016" PRIx64 " with %u recipients to %s", unit.message_id, unit.n_recipients,
              role_name(peer));
    if (peer == ROLE_RELAY && unit.domain.len)
        ms = sites_begin_unit(&unit);
    arena_done(&arena);
    world->units++;
    if (++world->under_way > world->most_under_way)
        world->most_under_way = world->under_way;
    world_later(ms, on_unit_done, peer, payload, world->peer_life[peer]);
}

/* ---- mail of relay ------------------------------------------------------------------------- */

enum { REPORT_EVERY_MS = 20 * 60 * 1000 };

static void on_report(struct event *event)
{
    struct msg_mail mail = {.request = ++world->serial,
                            .from = SLICE("postmaster@example.test"),
                            .to = SLICE("ok-reports@far.test"),
                            .text = SLICE("Subject: report\r\n\r\nall is well\r\n")};
    struct buf out;

    if (event->epoch != world->peer_life[ROLE_RELAY])
        return;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_mail_encode(&out, &mail);
    world->report_asked = mail.request;
    peers_deliver(ROLE_RELAY, MSG_MAIL, &out);
    buf_done(&out);
}

static void report_later(void)
{
    world_later((world->days ? 24 : 1) * REPORT_EVERY_MS, on_report, 0, SLICE_NULL,
                world->peer_life[ROLE_RELAY]);
}

/* The answer to the last question, once: true only when the mail is on disk. */
static void take_report_answer(struct slice payload)
{
    struct msg_mail_taken taken;

    if (msg_mail_taken_decode(payload, NULL, &taken) < 0 || !world->report_asked ||
        taken.request != world->report_asked)
        world_broken(NULL, "an answer about a mail that relay does not wait for");
    world->report_asked = 0;
    world->reports_taken += taken.taken;
    if (world->reports_taken > world->reports)
        world_broken(NULL, "a mail is said to be taken that is not on disk");
    if (!taken.taken && !world->faults.write_fails_once_in)
        world_broken(NULL, "a mail is not taken");
    if (!world->faults_over)
        report_later();
}

/* ---- coming and going ---------------------------------------------------------------------- */

static void on_peer_back(struct event *event)
{
    enum role peer = (enum role)event->number;

    if (event->epoch != world->life || world->is_up[peer])
        return;
    world->is_up[peer] = true;
    world->handlers->peer_up(world->handlers->arg, peer);
    if (peer == ROLE_AUTH)
        freeze_tell();
    if (peer == ROLE_RELAY && !world->faults_over)
        report_later();
}

static void forget_under_way(enum role peer)
{
    for (unsigned i = 0; i < world->n_messages; i++) {
        struct sim_message *message = &world->messages[i];
        for (uint32_t r = 0; r < message->n_recipients; r++) {
            if (message->recipients[r].peer == peer)
                message->recipients[r].under_way = false;
        }
    }
}

/* What was under way with it is over; nobody will say how. */
void peers_lose(enum role peer)
{
    unsigned lost = 0;

    for (size_t i = 0; i < world->n_events; i++) {
        const struct event *event = &world->events[i];
        lost += event->call == on_unit_done && event->number == peer &&
                event->epoch == world->peer_life[peer];
    }
    world->under_way -= lost;
    world->peer_life[peer]++;
    if (peer == ROLE_RELAY)
        world->report_asked = 0;
    world->is_up[peer] = false;
    forget_under_way(peer);
    if (peer == ROLE_RELAY)
        sites_forget_under_way();
}

static void on_death(struct event *event)
{
    enum role peer = (enum role)event->number;

    if (event->epoch != world->life || !world->is_up[peer])
        return;
    world_say("%s dies", role_name(peer));
    peers_lose(peer);
    world->handlers->peer_down(world->handlers->arg, peer);
    world_later(500, on_peer_back, peer, SLICE_NULL, world->life);
}

int peers_take(enum role to, uint16_t type, struct slice payload)
{
    if (!world->is_up[to])
        return -ENOTCONN;
    if (world_fault(world->faults.full_socket_once_in))
        return -EAGAIN;
    if (type == MSG_RESOLVE)
        world_later(1 + sim_below(&world->random, 50), on_answer, 0, payload,
                    world->peer_life[ROLE_AUTH]);
    else if (type == MSG_SITE_ASK)
        sites_take_question(payload);
    else if (type == MSG_MAIL_TAKEN)
        take_report_answer(payload);
    else if (type == MSG_FROZEN_TAKEN)
        freeze_take_answer(payload);
    else if (type != MSG_BOUNCED)
        take_unit(to, payload);
    if (world_fault(world->faults.peer_dies_once_in))
        world_later(sim_below(&world->random, 100), on_death, to, SLICE_NULL, world->life);
    return 0;
}

void peers_start(void)
{
    static const enum role all[] = {ROLE_RECEIVE, ROLE_AUTH, ROLE_RELAY, ROLE_LOCAL};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        peers_lose(all[i]);
        world_later(1 + sim_below(&world->random, 1000), on_peer_back, all[i], SLICE_NULL,
                    world->life);
    }
}
