/* See junk.h. What was added by expansion is stored without the mark, so it is looked for up the
 * way by which the recipient came. */
#include "queue/junk.h"

#include "queue/extra.h"

enum { DEPTH_MAX = 20 };

bool junk_is_any(const struct envelope *envelope)
{
    for (uint32_t i = 0; i < envelope->n_recipients; i++) {
        if (envelope->recipients[i].junk)
            return true;
    }
    return false;
}

/* The recipient that was expanded into this one, or NULL. */
static const struct recipient *parent_of(const struct message *message,
                                         const struct envelope *envelope,
                                         const struct recipient *recipient)
{
    for (uint32_t i = 0; recipient->via.len && i < message->n_recipients; i++) {
        const struct recipient *other = extra_recipient(message, envelope, i);
        if (other != recipient && slice_eq(other->address, recipient->via))
            return other;
    }
    return NULL;
}

bool junk_is_for(const struct message *message, const struct envelope *envelope, uint32_t index)
{
    const struct recipient *recipient = extra_recipient(message, envelope, index);

    for (unsigned depth = 0; recipient && depth < DEPTH_MAX; depth++) {
        if (recipient->junk)
            return true;
        recipient = parent_of(message, envelope, recipient);
    }
    return false;
}

static const struct config_domain *domain_of(const struct config *config, struct slice address)
{
    ptrdiff_t at = slice_find_last(address, '@');

    return at < 0 ? NULL : config_find_domain(config, slice_skip(address, (size_t)at + 1));
}

/* "joe+work@example.org" becomes "joe+Junk@example.org". A quoted local part stays as it is. */
static struct slice with_detail(struct slice address, struct slice detail, struct arena *arena)
{
    ptrdiff_t at = slice_find_last(address, '@');
    struct slice local = slice_sub(address, 0, (size_t)at);
    ptrdiff_t plus = slice_find(local, '+');

    if (local.len && local.ptr[0] == '"')
        return address;
    if (plus > 0)
        local.len = (size_t)plus;
    return arena_printf(arena, "%.*s+%.*s%.*s", SLICE_ARG(local), SLICE_ARG(detail),
                        SLICE_ARG(slice_skip(address, (size_t)at)));
}

void junk_direct(const struct config *config, enum unit_way way, struct slice route,
                 struct arena *arena, struct unit_recipient *recipient)
{
    const struct config_domain *domain =
        domain_of(config, way == WAY_MAILDIR ? recipient->account : recipient->address);
    const struct config_route *over = route.len ? config_find_route(config, route) : NULL;

    if (!domain)
        return;
    if (way == WAY_MAILDIR)
        recipient->folder = domain->junk_folder;
    else if (way == WAY_ROUTE && domain->junk_detail.len && over && over->protocol == PROTOCOL_LMTP)
        recipient->address = with_detail(recipient->address, domain->junk_detail, arena);
}
