/*
 * What MX records mean, before anybody looks up an address.
 *
 * - A single record with an empty name is the null MX, whatever its preference. Beside other
 *   records an empty name means nothing (RFC 7505 section 3 forbids it) and is passed over.
 * - A "host" that is an IP address in text is passed over: it is no name, and to call there what
 *   the text says would honour a record that no other server honours.
 * - A name that stands there twice has its better preference.
 * - Equal preferences are in the order of their names here, so that the same records always make
 *   the same list; they are shuffled when they are used.
 *
 * A host that is an alias (CNAME), which RFC 5321 section 5.1 forbids, is nothing special: its
 * addresses are found like those of any other.
 */
#include "relay/mx_list.h"

#include "io/socket_address.h"

#include <stdlib.h>

static int compare_by_name(const void *a, const void *b)
{
    const struct mx_host *x = a, *y = b;
    int order = slice_cmp(x->name, y->name);

    return order ? order : (int)x->preference - (int)y->preference;
}

static int compare_by_preference(const void *a, const void *b)
{
    const struct mx_host *x = a, *y = b;

    return x->preference != y->preference ? (int)x->preference - (int)y->preference
                                          : slice_cmp(x->name, y->name);
}

static bool is_address(struct slice name)
{
    struct socket_address address;

    return socket_address_parse(name, 0, &address);
}

/* With the list sorted by name: the first of each name, which is the best. */
static void drop_repeats(struct mx_list *list)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < list->count; i++) {
        if (kept == 0 || !slice_eq(list->hosts[kept - 1].name, list->hosts[i].name))
            list->hosts[kept++] = list->hosts[i];
    }
    list->count = kept;
}

enum mx_list_result mx_list_read(const struct dns_answer *answer, struct arena *arena,
                                 struct mx_list *ret_list)
{
    struct mx_list list = {.hosts = arena_alloc(arena, answer->n_records * sizeof(*list.hosts))};
    unsigned n_empty = 0;

    for (unsigned i = 0; i < answer->n_records; i++) {
        struct dns_mx mx;
        if (!dns_read_mx(answer->records[i], arena, &mx))
            continue;
        if (mx.exchange.len == 0)
            n_empty++;
        else if (!is_address(mx.exchange))
            list.hosts[list.count++] =
                (struct mx_host){.name = mx.exchange, .preference = mx.preference};
    }
    if (list.count == 0)
        return n_empty && n_empty == answer->n_records ? MX_LIST_NULL : MX_LIST_NOWHERE;
    qsort(list.hosts, list.count, sizeof(*list.hosts), compare_by_name);
    drop_repeats(&list);
    qsort(list.hosts, list.count, sizeof(*list.hosts), compare_by_preference);
    *ret_list = list;
    return MX_LIST_HOSTS;
}

bool mx_list_cut(struct mx_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (!list->hosts[i].ours)
            continue;
        while (i > 0 && list->hosts[i - 1].preference == list->hosts[i].preference)
            i--;
        list->count = i;
        return true;
    }
    return false;
}
