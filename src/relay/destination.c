/*
 * Destinations: counting, those of routes with fixed hosts, and the name of a site.
 *
 * The name has to be the same for all domains that may share a connection and different for all
 * that may not, so it is made of everything that decides how their mail goes: hosts, preferences,
 * ports, whether DNSSEC vouches for them, and what MTA-STS demands.
 */
#include "relay/destination.h"

#include "base/buf.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* Nobody finds another set of servers with the same first host and mark, which needs 2^80 tries. */
enum { MARK_BYTES = 10 };

struct destination *destination_new(void)
{
    struct destination *destination = xcalloc(1, sizeof(*destination));

    atomic_init(&destination->references, 1);
    arena_init(&destination->arena);
    return destination;
}

struct destination *destination_ref(struct destination *destination)
{
    atomic_fetch_add_explicit(&destination->references, 1, memory_order_relaxed);
    return destination;
}

void destination_unref(struct destination *destination)
{
    if (!destination ||
        atomic_fetch_sub_explicit(&destination->references, 1, memory_order_acq_rel) != 1)
        return;
    sts_policy_unref(destination->sts_policy);
    arena_done(&destination->arena);
    free(destination);
}

struct destination *destination_of_route(const struct config_route *route)
{
    struct destination *destination = destination_new();
    struct arena *arena = &destination->arena;

    destination->site = arena_dup(arena, route->name);
    destination->hosts = arena_alloc(arena, route->hosts.count * sizeof(*destination->hosts));
    for (size_t i = 0; i < route->hosts.count; i++) {
        const struct config_endpoint *host = &route->hosts.list[i];
        destination->hosts[destination->n_hosts] =
            (struct destination_host){.name = arena_dup(arena, host->host),
                                      .kind = host->kind,
                                      .port = host->port,
                                      .preference = (uint16_t)destination->n_hosts};
        destination->n_hosts++;
    }
    return destination;
}

/* By the domain's policy, if there is one. */
static bool is_named(const struct destination *destination, const struct destination_host *host)
{
    return !destination->sts_policy || sts_policy_allows(destination->sts_policy, host->name);
}

/* Of a cryptographic hash, so that nobody makes records whose site is somebody else's. */
static void write_mark(const struct destination *destination, char ret_mark[2 * MARK_BYTES + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf all;

    buf_init(&all, DESTINATION_HOSTS_MAX * 300);
    buf_printf(&all, "%d %d", destination->secure, (int)destination->sts);
    for (unsigned i = 0; i < destination->n_hosts; i++)
        buf_printf(&all, " %u %.*s:%u%s", destination->hosts[i].preference,
                   SLICE_ARG(destination->hosts[i].name), destination->hosts[i].port,
                   is_named(destination, &destination->hosts[i]) ? "" : "!");
    if (EVP_Digest(all.ptr, all.len, digest, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory */
    buf_done(&all);
    for (unsigned i = 0; i < MARK_BYTES; i++)
        snprintf(ret_mark + 2 * i, 3, "%02x", digest[i]);
}

void destination_name_site(struct destination *destination)
{
    struct slice first = destination->hosts[0].name;
    char mark[2 * MARK_BYTES + 1];

    destination->site = first;
    if (destination->n_hosts == 1 && !destination->secure && destination->sts == STS_NONE)
        return;
    write_mark(destination, mark);
    destination->site = arena_printf(&destination->arena, "%.*s+%s", SLICE_ARG(first), mark);
}
