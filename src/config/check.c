/*
 * Rules between sections. See check.h.
 *
 *   - names are unique, and what is referred to exists;
 *   - no configuration relays for strangers by accident: a network wider than /8 (IPv4) or /32
 *     (IPv6) that may relay, or may claim to be another client, needs `open_relay yes`;
 *   - a domain alias does not mean another alias. Routes are check_route.c's business.
 */
#include "config/check.h"

#include "config/check_checks.h"
#include "config/check_login.h"
#include "config/check_route.h"
#include "config/suggest.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdlib.h>

/* The structs that are searched by name begin with it, and have their source somewhere behind. */
_Static_assert(offsetof(struct config_domain, name) == 0, "sorted by its first field");
_Static_assert(offsetof(struct config_route, name) == 0, "sorted by its first field");
_Static_assert(offsetof(struct config_program, name) == 0, "sorted by its first field");
_Static_assert(offsetof(struct config_accounts, name) == 0, "sorted by its first field");
_Static_assert(offsetof(struct config_certificate, name) == 0, "compared by its first field");
_Static_assert(offsetof(struct config_listener, name) == 0, "compared by its first field");

void check_complain(struct reader *reader, const struct config_source *source, const char *format,
                    ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem_add(reader->problems, source->file, source->line, "%s", text);
}

/* A list of one kind of section, for code that needs names and sources only. */
struct named_list {
    const char *kind;
    char *first;
    size_t count, size, source_offset;
};

#define NAMED_LIST(kind, list, count)                                                              \
    (struct named_list)                                                                            \
    {                                                                                              \
        (kind), (char *)(list), (count), sizeof(*(list)),                                          \
            (size_t)((const char *)&(list)->source - (const char *)(list))                         \
    }

static const struct slice *name_at(const struct named_list *list, size_t i)
{
    return (const struct slice *)(const void *)(list->first + i * list->size);
}

static const struct config_source *source_at(const struct named_list *list, size_t i)
{
    return (const struct config_source *)(const void *)(list->first + i * list->size +
                                                        list->source_offset);
}

static int compare_names(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Sorts by name, equal names in the order in which they came, and tells those that are. */
static void sort_by_name(struct reader *reader, struct named_list list)
{
    if (list.count > 1)
        qsort(list.first, list.count, list.size, compare_names);
    for (size_t i = 1; i < list.count; i++) {
        const struct config_source *one = source_at(&list, i - 1), *two = source_at(&list, i);
        bool in_order = !slice_eq(one->file, two->file) || one->line <= two->line;
        const struct config_source *first = in_order ? one : two, *second = in_order ? two : one;
        if (slice_eq(*name_at(&list, i - 1), *name_at(&list, i)))
            check_complain(reader, second, "%s %.*s is there already in %.*s:%u; keep one of them",
                           list.kind, SLICE_ARG(*name_at(&list, i)), SLICE_ARG(first->file),
                           first->line);
    }
}

static void check_references(struct reader *reader)
{
    const struct config *config = reader->config;
    const struct named_list lists[] = {
        [REFERENCE_ROUTE] = NAMED_LIST("route", config->routes, config->n_routes),
        [REFERENCE_PROGRAM] = NAMED_LIST("program", config->programs, config->n_programs),
        [REFERENCE_DOMAIN] = NAMED_LIST("domain", config->domains, config->n_domains),
        [REFERENCE_ACCOUNTS] = NAMED_LIST("accounts", config->accounts, config->n_accounts),
    };

    for (const struct reference *r = reader->references; r; r = r->next) {
        const struct named_list *list = &lists[r->kind];
        struct suggestion suggestion = suggestion_for(r->name);
        if (r->name.len == 0 ||
            (list->count && bsearch(&r->name, list->first, list->count, list->size, compare_names)))
            continue;
        for (size_t i = 0; i < list->count; i++)
            suggestion_offer(&suggestion, *name_at(list, i));
        check_complain(reader, &r->source, "there is no %s %.*s%s", list->kind, SLICE_ARG(r->name),
                       suggestion.best.len ? suggestion_text(&suggestion).text
                                           : "; make a section for it");
    }
}

/* Where the order counts, so that they cannot be sorted. */
static void check_names(struct reader *reader, struct named_list list)
{
    for (size_t i = 0; i < list.count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct config_source *first = source_at(&list, j);
            if (!slice_eq(*name_at(&list, i), *name_at(&list, j)))
                continue;
            check_complain(reader, source_at(&list, i),
                           "%s %.*s is there already in %.*s:%u; give it another name", list.kind,
                           SLICE_ARG(*name_at(&list, i)), SLICE_ARG(first->file), first->line);
            break;
        }
    }
}

static bool is_ip(struct slice host)
{
    uint8_t address[16];
    int family;

    return value_parse_ip(host, &family, address);
}

static void check_listen_address(struct reader *reader, const struct config_listener *listener,
                                 const struct config_endpoint *address)
{
    if (address->kind == ENDPOINT_UNIX)
        return;
    if (!slice_eq(address->host, SLICE("*")) && !is_ip(address->host))
        check_complain(
            reader, &address->source,
            "address: '%.*s' is a name; to listen, write an IP address, or * for all of them",
            SLICE_ARG(address->host));
    if (listener->service == SERVICE_LMTP && address->port == 25)
        check_complain(reader, &address->source,
                       "LMTP does not belong on port 25 (RFC 2033); use another, or unix:/path");
}

bool check_same_endpoint(const struct config_endpoint *a, const struct config_endpoint *b)
{
    return a->kind == b->kind && a->port == b->port && slice_eq_nocase(a->host, b->host);
}

/* Tells the addresses of `listener` up to number `end` that equal this one. */
static void check_address_is_new(struct reader *reader, const struct config_listener *listener,
                                 size_t end, const struct config_endpoint *address)
{
    for (size_t i = 0; i < end; i++) {
        const struct config_endpoint *other = &listener->addresses.list[i];
        if (check_same_endpoint(other, address))
            check_complain(reader, &address->source, "this address is taken in %.*s:%u",
                           SLICE_ARG(other->source.file), other->source.line);
    }
}

static void check_listeners(struct reader *reader)
{
    const struct config *config = reader->config;

    check_names(reader, NAMED_LIST("listen", config->listeners, config->n_listeners));
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *listener = &config->listeners[i];
        for (size_t k = 0; k < listener->addresses.count; k++) {
            const struct config_endpoint *address = &listener->addresses.list[k];
            check_listen_address(reader, listener, address);
            for (size_t j = 0; j < i; j++)
                check_address_is_new(reader, &config->listeners[j],
                                     config->listeners[j].addresses.count, address);
            check_address_is_new(reader, listener, k, address);
        }
    }
}

bool check_network_is_wide(const struct config_network *network)
{
    return network->prefix < (network->family == AF_INET ? 8 : 32);
}

static void check_width(struct reader *reader, const struct config_networks *networks,
                        const char *rights)
{
    if (reader->config->open_relay)
        return;
    for (size_t i = 0; i < networks->count; i++) {
        const struct config_network *network = &networks->list[i];
        if (check_network_is_wide(network))
            check_complain(reader, &network->source,
                           "%s would make this an open relay: whoever is in it %s; name your own "
                           "networks, or say 'open_relay yes'",
                           value_format_network(network).text, rights);
    }
}

static void check_relaying(struct reader *reader)
{
    const struct config *config = reader->config;

    check_width(reader, &config->trusted, "may relay");
    for (size_t i = 0; i < config->n_listeners; i++) {
        check_width(reader, &config->listeners[i].proxy, "may claim any client address");
        check_width(reader, &config->listeners[i].xclient, "may claim any client address");
    }
}

static void check_domain_aliases(struct reader *reader)
{
    const struct config *config = reader->config;

    for (size_t i = 0; i < config->n_domains; i++) {
        const struct config_domain *domain = &config->domains[i];
        const struct config_domain *meant = config_find_domain(config, domain->alias_of);
        if (!meant)
            continue;
        if (meant == domain)
            check_complain(reader, &domain->source,
                           "%.*s is an alias of itself; name another domain",
                           SLICE_ARG(domain->name));
        else if (meant->alias_of.len)
            check_complain(reader, &domain->source,
                           "%.*s is itself an alias of %.*s; name that one directly",
                           SLICE_ARG(meant->name), SLICE_ARG(meant->alias_of));
        else if (!meant->local)
            check_complain(
                reader, &domain->source,
                "%.*s is not a domain of ours but relayed; give %.*s the same 'route' instead",
                SLICE_ARG(meant->name), SLICE_ARG(domain->name));
    }
}

void check_config(struct reader *reader, struct slice main_file)
{
    struct config *config = reader->config;
    struct config_source file = {main_file, 0};

    check_login_add_default_listeners(config);
    if (config->hostname.len == 0)
        check_complain(reader, &file,
                       "hostname is missing; add one like: hostname mx1.example.org");
    if (config->queue.retry_first_ms > config->queue.retry_max_ms)
        check_complain(reader, &file, "retry_first is longer than retry_max; make it shorter");
    sort_by_name(reader, NAMED_LIST("domain", config->domains, config->n_domains));
    sort_by_name(reader, NAMED_LIST("route", config->routes, config->n_routes));
    sort_by_name(reader, NAMED_LIST("program", config->programs, config->n_programs));
    if (config->n_certificates > CERTIFICATES_MAX)
        check_complain(reader, &config->certificates[CERTIFICATES_MAX].source,
                       "more than %d certificates; one can be for many names", CERTIFICATES_MAX);
    if (config->n_accounts > ACCOUNTS_MAX)
        check_complain(reader, &config->accounts[ACCOUNTS_MAX].source,
                       "more than %d accounts sections; several domains can share one",
                       ACCOUNTS_MAX);
    check_names(reader, NAMED_LIST("certificate", config->certificates, config->n_certificates));
    sort_by_name(reader, NAMED_LIST("accounts", config->accounts, config->n_accounts));
    check_references(reader);
    check_domain_aliases(reader);
    check_listeners(reader);
    check_login(reader);
    check_relaying(reader);
    check_route(reader);
    check_checks(reader);
}
