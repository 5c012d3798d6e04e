/* See extra.h. */
#include "queue/extra.h"

static const struct recipient no_recipient;

struct message_extra *extra_of(struct message *message)
{
    if (!message->extra) {
        message->extra = xcalloc(1, sizeof(*message->extra));
        arena_init(&message->extra->arena);
        message->extra->n_envelope = message->n_recipients;
    }
    return message->extra;
}

void extra_free(struct message_extra *extra)
{
    if (!extra)
        return;
    arena_done(&extra->arena);
    free(extra->added);
    free(extra->failures);
    free(extra->followers);
    free(extra->reroutes);
    free(extra);
}

void extra_free_if_empty(struct message *message)
{
    const struct message_extra *extra = message->extra;

    if (extra->n_added || extra->n_failures || extra->gather_until || extra->answers ||
        extra->sites || extra->not_tried || extra->n_followers || extra->followers_in ||
        extra->added_in || extra->n_reroutes)
        return;
    extra_free(message->extra);
    message->extra = NULL;
}

void extra_add_recipients(struct message *message, const struct recipient *recipients, uint32_t n)
{
    struct message_extra *extra = extra_of(message);
    struct recipient *to;

    extra->added = xrealloc(extra->added, (extra->n_added + n) * sizeof(*extra->added));
    to = extra->added + extra->n_added;
    for (uint32_t i = 0; i < n; i++) {
        to[i] = recipients[i];
        to[i].address = arena_dup(&extra->arena, recipients[i].address);
        to[i].orcpt = arena_dup(&extra->arena, recipients[i].orcpt);
        to[i].via = arena_dup(&extra->arena, recipients[i].via);
    }
    extra->n_added += n;
}

const struct recipient *extra_recipient(const struct message *message,
                                        const struct envelope *envelope, uint32_t index)
{
    const struct message_extra *extra = message->extra;

    if (index < envelope->n_recipients)
        return &envelope->recipients[index];
    if (extra && index - envelope->n_recipients < extra->n_added)
        return &extra->added[index - envelope->n_recipients];
    return &no_recipient; /* damage that the checksums did not see: an address that fails */
}

static struct reroute *find_reroute(const struct message *message, uint32_t index)
{
    const struct message_extra *extra = message->extra;

    for (uint32_t i = 0; extra && i < extra->n_reroutes; i++) {
        if (extra->reroutes[i].index == index)
            return &extra->reroutes[i];
    }
    return NULL;
}

struct slice extra_route(const struct message *message, uint32_t index)
{
    const struct reroute *reroute = find_reroute(message, index);

    return reroute ? reroute->route : SLICE_NULL;
}

void extra_set_route(struct message *message, uint32_t index, struct slice route)
{
    struct message_extra *extra;
    struct reroute *reroute;

    if (slice_eq(extra_route(message, index), route))
        return;
    extra = extra_of(message);
    reroute = find_reroute(message, index);
    if (!reroute) {
        extra->reroutes =
            xrealloc(extra->reroutes, (extra->n_reroutes + 1) * sizeof(*extra->reroutes));
        reroute = &extra->reroutes[extra->n_reroutes++];
    }
    *reroute = (struct reroute){.index = index, .route = arena_dup(&extra->arena, route)};
    if (index >= extra->n_envelope && index - extra->n_envelope < extra->n_added)
        extra->added[index - extra->n_envelope].route = reroute->route;
}

void extra_apply_routes(const struct message *message, struct envelope *envelope)
{
    const struct message_extra *extra = message->extra;

    for (uint32_t i = 0; extra && i < extra->n_reroutes; i++) {
        if (extra->reroutes[i].index < envelope->n_recipients)
            envelope->recipients[extra->reroutes[i].index].route = extra->reroutes[i].route;
    }
}

void extra_add_failure(struct message *message, const struct failure *failure)
{
    struct message_extra *extra = extra_of(message);
    struct failure *to;

    if (extra->n_failures == extra->failures_size) {
        extra->failures_size = extra->failures_size ? extra->failures_size * 2 : 4;
        extra->failures =
            xrealloc(extra->failures, extra->failures_size * sizeof(*extra->failures));
    }
    to = &extra->failures[extra->n_failures++];
    *to = *failure;
    to->reply = arena_dup(&extra->arena, failure->reply);
    to->remote = arena_dup(&extra->arena, failure->remote);
}
