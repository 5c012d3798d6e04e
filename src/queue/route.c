/* See route.h. */
#include "queue/route.h"

#include "mail/address.h"

#define PROGRAM_PREFIX "program:"

/* Programs run side by side; a mailbox's messages wait for one another's syncs, so that the more
 * are under way the better. Both are bounded by queue.concurrency too. */
enum { PROGRAMS_AT_A_TIME = 10, MAILDIRS_AT_A_TIME = 10000, MAILBOXES_IN_A_TURN = 100 };

static struct route_decision fail(struct status status, struct slice text)
{
    return (struct route_decision){.verdict = ROUTE_FAIL, .status = status, .text = text};
}

static struct route_decision park(struct slice text)
{
    return (struct route_decision){.verdict = ROUTE_PARK, .text = text};
}

static struct route_decision to_maildir(struct slice domain)
{
    return (struct route_decision){
        .verdict = ROUTE_LANE,
        .lane = {.way = WAY_MAILDIR, .domain = domain},
        .rules = {.concurrency = MAILDIRS_AT_A_TIME, .recipients = MAILBOXES_IN_A_TURN}};
}

/* A route with hosts of its own is one site whatever the recipient's domain, so it is one lane:
 * recipients of many domains share its transactions. relay keeps to the number of connections; as
 * many units again may wait there, so that a connection has its next message at once. Over a route
 * with `mx` there are as many sites as relay finds, each with its own lane. */
static struct route_decision to_route(const struct config_route *route, struct slice address)
{
    if (!route)
        return park(SLICE("the configuration has no such route any more"));
    return (struct route_decision){
        .verdict = route->mx ? ROUTE_SITE : ROUTE_LANE,
        .domain = route->mx ? address_domain(address) : SLICE_NULL,
        .lane = {.way = WAY_ROUTE, .name = route->name},
        .rules = {.concurrency = route->mx ? route->concurrency : 2 * route->concurrency,
                  .recipients = route->recipients,
                  .adaptive = true,
                  .rate = route->rate,
                  .rate_ms = route->rate_ms,
                  .give_up_ms = route->fallback.len ? route->fallback_after_ms : 0}};
}

void route_fall_back(const struct config *config, const struct recipient *recipient,
                     struct route_decision *decision)
{
    const struct config_route *route = config_find_route(config, decision->lane.name);

    if (!route || !route->fallback.len)
        return; /* since a reload */
    *decision = to_route(config_find_route(config, route->fallback), recipient->address);
}

/* Where the administrator has said another route for this one recipient, over that. */
static struct route_decision over_route(const struct config *config,
                                        const struct config_route *usual,
                                        const struct recipient *recipient)
{
    return to_route(recipient->route.len ? config_find_route(config, recipient->route) : usual,
                    recipient->address);
}

/* The route of one of our domains; a backup for the domain's own servers may leave it to the
 * routes of foreign domains. */
static struct route_decision to_route_of(const struct config *config,
                                         const struct config_domain *domain,
                                         const struct recipient *recipient)
{
    return over_route(config,
                      domain->target.len ? config_find_route(config, domain->target)
                                         : config_route_for(config, domain->name),
                      recipient);
}

static struct route_decision to_program(const struct config *config, struct slice name)
{
    const struct config_program *program = config_find_program(config, name);

    if (!program)
        return park(SLICE("the configuration has no such program any more"));
    return (struct route_decision){.verdict = ROUTE_LANE,
                                   .lane = {.way = WAY_PROGRAM, .name = program->name},
                                   .rules = {.concurrency = PROGRAMS_AT_A_TIME, .recipients = 1}};
}

static const struct config_domain *real_domain(const struct config *config,
                                               const struct config_domain *domain)
{
    const struct config_domain *real =
        domain->alias_of.len ? config_find_domain(config, domain->alias_of) : NULL;

    return real ? real : domain;
}

static struct route_decision to_domain(const struct config *config,
                                       const struct config_domain *domain,
                                       const struct recipient *recipient,
                                       const struct msg_resolved *answer)
{
    domain = real_domain(config, domain);
    switch (domain->deliver) {
    case DELIVER_ROUTE:
        return to_route_of(config, domain, recipient);
    case DELIVER_PROGRAM:
        return to_program(config, domain->target);
    case DELIVER_MAILDIR:
        break;
    }
    return answer->status == RESOLVE_LOCAL ? to_maildir(address_domain(answer->account))
                                           : park(SLICE("its domain has no route"));
}

static struct route_decision by_answer(const struct config *config,
                                       const struct config_domain *domain,
                                       const struct recipient *recipient,
                                       const struct msg_resolved *answer)
{
    switch (answer->status) {
    case RESOLVE_LOCAL:
    case RESOLVE_ROUTE:
        return to_domain(config, domain, recipient, answer);
    case RESOLVE_EXPAND:
        return (struct route_decision){
            .verdict = ROUTE_EXPAND, .targets = answer->targets, .n_targets = answer->n_targets};
    case RESOLVE_UNKNOWN:
        return fail(STATUS(5, 1, 1), SLICE("there is no such mailbox here"));
    case RESOLVE_FORGED:
    case RESOLVE_EXPIRED:
        return fail(STATUS(5, 1, 1), answer->text);
    case RESOLVE_FULL:
        if (domain->when_full == FULL_REJECT)
            return fail(STATUS(5, 2, 2), SLICE("the mailbox is full"));
        return (struct route_decision){.verdict = ROUTE_LATER,
                                       .status = STATUS(4, 2, 2),
                                       .text = SLICE("the mailbox is full")};
    case RESOLVE_OWN: /* answers another question */
    case RESOLVE_LATER:
        break;
    }
    return (struct route_decision){.verdict = ROUTE_AGAIN, .text = answer->text};
}

static struct route_decision to_postmaster(const struct config *config,
                                           const struct recipient *recipient)
{
    if (config->postmaster.len && !recipient->via.len)
        return (struct route_decision){
            .verdict = ROUTE_EXPAND, .targets = &config->postmaster, .n_targets = 1};
    return to_maildir(SLICE_NULL);
}

static struct route_decision decide_local(const struct config *config,
                                          const struct config_domain *domain,
                                          const struct recipient *recipient,
                                          const struct msg_resolved *answer)
{
    struct slice program;

    if (route_is_program(recipient, &program))
        return to_program(config, program);
    if (slice_eq_nocase(recipient->address, ROUTE_POSTMASTER))
        return to_postmaster(config, recipient);
    if (!domain || !domain->local)
        return park(SLICE("its domain is not a local one any more"));
    if (!answer)
        return (struct route_decision){.verdict = ROUTE_ASK};
    return by_answer(config, domain, recipient, answer);
}

static struct route_decision decide_foreign(const struct config *config,
                                            const struct recipient *recipient, bool null_sender)
{
    const struct config_route *route = config_route_for(config, address_domain(recipient->address));

    if (route || recipient->route.len)
        return over_route(config, route, recipient);
    if (null_sender)
        return fail(STATUS(5, 1, 2), SLICE("there is no route to its domain"));
    return park(SLICE("there is no route to its domain any more"));
}

void route_decide(const struct config *config, const struct recipient *recipient,
                  const struct msg_resolved *answer, bool null_sender,
                  struct route_decision *ret_decision)
{
    struct slice name = address_domain(recipient->address);
    const struct config_domain *domain = name.len ? config_find_domain(config, name) : NULL;

    switch (recipient->class) {
    case CLASS_LOCAL:
        *ret_decision = decide_local(config, domain, recipient, answer);
        return;
    case CLASS_RELAY:
        *ret_decision = domain && !domain->local
                            ? to_route_of(config, domain, recipient)
                            : park(SLICE("its domain is not relayed for any more"));
        return;
    case CLASS_AUTHORISED:
        if (domain && domain->local)
            *ret_decision = decide_local(config, domain, recipient, answer);
        else if (domain)
            *ret_decision = to_route_of(config, domain, recipient);
        else
            *ret_decision = decide_foreign(config, recipient, null_sender);
        return;
    }
    *ret_decision = fail(STATUS(5, 1, 3), SLICE("the recipient is damaged"));
}

bool route_may_change(const struct config *config, const struct recipient *recipient)
{
    struct slice name = address_domain(recipient->address), program;
    const struct config_domain *domain = name.len ? config_find_domain(config, name) : NULL;

    if (domain && domain->local && recipient->class != CLASS_RELAY)
        return real_domain(config, domain)->deliver == DELIVER_ROUTE &&
               !route_is_program(recipient, &program);
    if (recipient->class == CLASS_RELAY)
        return domain && !domain->local;
    return recipient->class == CLASS_AUTHORISED;
}

enum recipient_class route_class(const struct config *config, struct slice address)
{
    struct slice name = address_domain(address);
    const struct config_domain *domain = name.len ? config_find_domain(config, name) : NULL;

    return !name.len || (domain && domain->local) ? CLASS_LOCAL : CLASS_AUTHORISED;
}

bool route_is_program(const struct recipient *recipient, struct slice *ret_name)
{
    if (!recipient->via.len || recipient->class != CLASS_LOCAL ||
        !slice_starts_with_nocase(recipient->address, SLICE(PROGRAM_PREFIX)) ||
        address_domain(recipient->address).len)
        return false;
    *ret_name = slice_skip(recipient->address, sizeof(PROGRAM_PREFIX) - 1);
    return true;
}
