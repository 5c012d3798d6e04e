/*
 * Which way a recipient goes, by the configuration of now and never out of its class. Pure.
 *
 *   local       auth says what the address is: a mailbox (Maildir, program, or the domain's
 *               route), other addresses instead, or nobody
 *   relay       the domain's route
 *   authorised  as the domain says if it is in the configuration, else as a destination does or
 *               the default route
 *
 * Where the administrator gave the recipient a route of its own (recipient->route), that one is
 * taken instead of another, and of nothing else.
 *
 * When the configuration has no way any more for the class under which the recipient was accepted,
 * it is parked: neither sent nor bounced until the configuration has one again, and the
 * administrator is told.
 */
#ifndef NUNCIO_QUEUE_ROUTE_H
#define NUNCIO_QUEUE_ROUTE_H

#include "config/config.h"
#include "mail/status.h"
#include "queue/scheduler.h"

enum route_verdict {
    ROUTE_ASK,    /* nothing is known without auth's answer */
    ROUTE_LANE,   /* `lane`, `rules` */
    ROUTE_SITE,   /* the same, when the lane's domain is the site that `domain` belongs to */
    ROUTE_EXPAND, /* `targets` instead */
    ROUTE_FAIL,   /* for good: `status`, `text` */
    ROUTE_LATER,  /* a failed attempt: `status`, `text` */
    ROUTE_AGAIN,  /* auth cannot tell now: no attempt was made */
    ROUTE_PARK,   /* `text` says what is missing */
};

struct route_decision {
    enum route_verdict verdict;
    struct lane_key lane;
    struct lane_rules rules;
    struct slice domain;
    const struct slice *targets;
    uint32_t n_targets;
    struct status status;
    struct slice text;
};

/* The mailbox of double bounces when the configuration names no postmaster, and of mail to the bare
 * <postmaster>. */
#define ROUTE_POSTMASTER SLICE("postmaster")

/*
 * `answer` is auth's, or NULL when it was not asked yet. `null_sender`: the message has the null
 * reverse-path, so a foreign recipient without a route fails instead of waiting for one (nobody
 * would ever hear of it otherwise). Slices point into the arguments and the configuration.
 */
void route_decide(const struct config *config, const struct recipient *recipient,
                  const struct msg_resolved *answer, bool null_sender,
                  struct route_decision *ret_decision);

/* Instead of a lane of a route that has a fallback: over that one. */
void route_fall_back(const struct config *config, const struct recipient *recipient,
                     struct route_decision *decision);

/* May the administrator send it over another route (recipient->route)? Only what goes over a route
 * by its class: no mail for a mailbox or a program of ours. */
bool route_may_change(const struct config *config, const struct recipient *recipient);

/* Under which class a message of our own to this address goes. */
enum recipient_class route_class(const struct config *config, struct slice address);

/* "program:NAME", as auth gives it among an alias's targets: *ret_name. Only with `via`. */
bool route_is_program(const struct recipient *recipient, struct slice *ret_name);

#endif
