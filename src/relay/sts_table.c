/*
 * A hash table whose order of insertion is the order of use: who is used is taken out and put in
 * again. See sts_table.h.
 */
#include "relay/sts_table.h"

#include "base/buf.h"
#include "base/clock.h"
#include "relay/sts_file.h"

#include <string.h>

bool sts_entry_is_good(const struct sts_entry *entry)
{
    return entry->policy &&
           entry->fetched_s + sts_policy_max_age_s(entry->policy) > clock_wall_ms() / 1000;
}

bool sts_entry_is_old(const struct sts_entry *entry)
{
    uint64_t age = clock_wall_ms() / 1000 - entry->fetched_s;

    return age >= STS_RENEW_MS / 1000 || age >= sts_policy_max_age_s(entry->policy) / 2;
}

struct sts_entry *sts_table_find(const struct sts_table *table, struct slice domain)
{
    struct sts_entry *entry;

    HASH_FIND(hh, table->entries, domain.ptr, domain.len, entry);
    return entry;
}

struct sts_entry *sts_table_add(struct sts_table *table, struct slice domain)
{
    struct sts_entry *entry = xcalloc(1, sizeof(*entry));

    entry->domain = xslicedup(domain);
    HASH_ADD_KEYPTR(hh, table->entries, entry->domain, domain.len, entry);
    return entry;
}

void sts_table_remove(struct sts_table *table, struct sts_entry *entry)
{
    HASH_DELETE(hh, table->entries, entry);
    table->n_policies -= entry->policy != NULL;
    sts_policy_unref(entry->policy);
    free(entry->domain);
    free(entry);
}

void sts_table_mark_used(struct sts_table *table, struct sts_entry *entry)
{
    entry->used_s = clock_wall_ms() / 1000;
    HASH_DELETE(hh, table->entries, entry);
    HASH_ADD_KEYPTR(hh, table->entries, entry->domain, strlen(entry->domain), entry);
}

struct sts_policy *sts_table_put(struct sts_table *table, struct sts_entry *entry,
                                 struct sts_policy *policy)
{
    struct sts_policy *before = entry->policy;

    table->n_policies += before == NULL;
    entry->policy = sts_policy_ref(policy);
    return before;
}

char *sts_table_evict(struct sts_table *table)
{
    struct sts_entry *entry, *next;
    char *domain;

    if (table->n_policies <= STS_POLICIES_MAX)
        return NULL;
    HASH_ITER(hh, table->entries, entry, next)
    {
        if (entry->busy || !entry->policy)
            continue;
        domain = xstrdup(entry->domain);
        sts_table_remove(table, entry);
        return domain;
    }
    return NULL;
}

static int by_use(const struct sts_entry *a, const struct sts_entry *b)
{
    return a->used_s < b->used_s ? -1 : a->used_s > b->used_s;
}

void sts_table_sort(struct sts_table *table)
{
    HASH_SORT(table->entries, by_use);
}
