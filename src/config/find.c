/*
 * Look-ups in a configuration. See config.h. Binary search by name; no allocation for the names
 * that mail is full of (ASCII), because this runs for every recipient.
 */
#include "config/config.h"

#include "config/value.h"
#include "mail/address.h"

#include <stdlib.h>

static int compare_names(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static const void *find(struct slice name, const void *list, size_t count, size_t size)
{
    return count ? bsearch(&name, list, count, size, compare_names) : NULL;
}

static const struct config_domain *find_a_labels(const struct config *config, struct slice name)
{
    return find(name, config->domains, config->n_domains, sizeof(*config->domains));
}

static const struct config_domain *find_u_labels(const struct config *config, struct slice name)
{
    const struct config_domain *domain = NULL;
    struct arena arena;
    struct slice ascii;

    arena_init(&arena);
    if (address_domain_to_ascii(&arena, name, &ascii) == 0)
        domain = find_a_labels(config, ascii);
    arena_done(&arena);
    return domain;
}

const struct config_domain *config_find_domain(const struct config *config, struct slice name)
{
    char lower[ADDRESS_DOMAIN_MAX];

    if (name.len == 0 || name.len > sizeof(lower))
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] >= 0x80)
            return find_u_labels(config, name);
        lower[i] = ascii_lower(name.ptr[i]);
    }
    return find_a_labels(config, slice_from(lower, name.len));
}

const struct config_route *config_find_route(const struct config *config, struct slice name)
{
    return find(name, config->routes, config->n_routes, sizeof(*config->routes));
}

/* "*.example.com" is everything below example.com, without itself. */
static bool pattern_takes(struct slice pattern, struct slice domain)
{
    struct slice suffix = slice_skip(pattern, 1);

    if (!slice_starts_with_nocase(pattern, SLICE("*.")))
        return slice_eq_nocase(pattern, domain);
    return domain.len > suffix.len &&
           slice_eq_nocase(slice_skip(domain, domain.len - suffix.len), suffix);
}

static const struct config_destination *find_a_labels_destination(const struct config *config,
                                                                  struct slice domain)
{
    for (size_t i = 0; i < config->n_destinations; i++) {
        if (pattern_takes(config->destinations[i].pattern, domain))
            return &config->destinations[i];
    }
    return NULL;
}

const struct config_destination *config_find_destination(const struct config *config,
                                                         struct slice domain)
{
    const struct config_destination *destination = NULL;
    struct arena arena;
    struct slice ascii;

    if (config->n_destinations == 0 || address_is_ascii(domain))
        return find_a_labels_destination(config, domain);
    arena_init(&arena);
    if (address_domain_to_ascii(&arena, domain, &ascii) == 0)
        destination = find_a_labels_destination(config, ascii);
    arena_done(&arena);
    return destination;
}

const struct config_route *config_route_for(const struct config *config, struct slice domain)
{
    const struct config_destination *destination = config_find_destination(config, domain);
    struct slice name = destination ? destination->route : config->default_route;

    return name.len ? config_find_route(config, name) : NULL;
}

const struct config_program *config_find_program(const struct config *config, struct slice name)
{
    return find(name, config->programs, config->n_programs, sizeof(*config->programs));
}

const struct config_accounts *config_find_accounts(const struct config *config, struct slice name)
{
    return find(name, config->accounts, config->n_accounts, sizeof(*config->accounts));
}

bool config_asks_dovecot(const struct config *config)
{
    for (size_t i = 0; i < config->n_accounts; i++) {
        if (config->accounts[i].kind == ACCOUNTS_DOVECOT)
            return true;
    }
    return false;
}

uint16_t config_oauth_port(const struct config *config)
{
    struct value_url url;

    return value_parse_url(config->auth.oauth.introspection, &url) ? url.port : 0;
}

/* The address as a network with a full prefix; IPv4 in IPv6 clothes becomes IPv4. */
static bool address_of(const struct sockaddr *address, struct config_network *ret_host)
{
    struct config_network host = {.family = address->sa_family};

    if (address->sa_family == AF_INET) {
        memcpy(host.address, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            host.family = AF_INET;
            memcpy(host.address, v6->sin6_addr.s6_addr + 12, 4);
        } else {
            memcpy(host.address, v6->sin6_addr.s6_addr, 16);
        }
    } else {
        return false;
    }
    *ret_host = host;
    return true;
}

static bool contains(const struct config_network *network, const struct config_network *host)
{
    size_t whole = network->prefix / 8;
    unsigned bits = network->prefix % 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits);

    return network->family == host->family && memcmp(network->address, host->address, whole) == 0 &&
           (bits == 0 || ((network->address[whole] ^ host->address[whole]) & mask) == 0);
}

const struct config_network *config_find_network(const struct config_networks *networks,
                                                 const struct sockaddr *address)
{
    struct config_network host;

    if (!address_of(address, &host))
        return NULL;
    for (size_t i = 0; i < networks->count; i++) {
        if (contains(&networks->list[i], &host))
            return &networks->list[i];
    }
    return NULL;
}

const struct config_author *config_find_author(const struct config *config, struct slice domain)
{
    for (size_t i = 0; i < config->n_authors; i++) {
        if (pattern_takes(config->authors[i].pattern, domain))
            return &config->authors[i];
    }
    return NULL;
}

static void take_what_is_set(struct config_checks *checks, const struct config_checks *special)
{
    for (size_t i = 0; i < CHECKED_KINDS; i++) {
        if (special->list[i].action != CHECK_UNSET)
            checks->list[i] = special->list[i];
    }
    if (special->has_defer) {
        checks->defer_ms = special->defer_ms;
        checks->defer_source = special->defer_source;
    }
}

/* On listeners that other servers do not deliver to, what is not switched on there is off. */
static void take_listener_off(struct config_checks *checks, const struct config_listener *listener)
{
    for (size_t i = 0; i < CHECKED_KINDS && listener->service != SERVICE_MX; i++) {
        if (listener->checks.list[i].action == CHECK_IGNORE)
            checks->list[i] = listener->checks.list[i];
    }
}

struct config_checks config_checks_for(const struct config *config,
                                       const struct config_listener *listener,
                                       const struct config_domain *domain,
                                       const struct config_author *author)
{
    struct config_checks checks = config->checks;

    if (domain && domain->alias_of.len)
        domain = config_find_domain(config, domain->alias_of);
    take_what_is_set(&checks, &listener->checks);
    if (domain)
        take_what_is_set(&checks, &domain->checks);
    if (author)
        take_what_is_set(&checks, &author->checks);
    take_listener_off(&checks, listener);
    return checks;
}
