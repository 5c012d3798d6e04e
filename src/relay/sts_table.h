/*
 * The domains that sts.h knows something of, least recently used first. Not thread-safe: sts.c has
 * the lock.
 */
#ifndef NUNCIO_RELAY_STS_TABLE_H
#define NUNCIO_RELAY_STS_TABLE_H

#include "relay/sts.h"

#include <uthash.h>

struct sts_waiter {
    struct sts_waiter *next;
    sts_found *found;
    void *arg;
};

struct sts_entry {
    UT_hash_handle hh;
    char *domain;
    struct sts_policy *policy; /* or NULL */
    char id[STS_ID_MAX + 1];
    uint64_t fetched_s, used_s;  /* wall time */
    uint64_t check_at, retry_at; /* monotonic: when DNS, and HTTPS, may be asked again */
    const char *failure;         /* of the last fetch, or NULL */
    char why[HTTPS_WHY_MAX];
    bool busy; /* is being looked up: not to be removed */
    struct sts_waiter *waiters;
};

struct sts_table {
    struct sts_entry *entries;
    unsigned n_policies;
};

/* Has it a policy that is in force? */
bool sts_entry_is_good(const struct sts_entry *entry);
/* Is it time to renew a good one? Early enough for a policy server that is down for a while. */
bool sts_entry_is_old(const struct sts_entry *entry);

struct sts_entry *sts_table_find(const struct sts_table *table, struct slice domain);
struct sts_entry *sts_table_add(struct sts_table *table, struct slice domain);
void sts_table_remove(struct sts_table *table, struct sts_entry *entry);
void sts_table_mark_used(struct sts_table *table, struct sts_entry *entry);
/* Takes a reference of its own; returns the one to the policy before, or NULL. */
struct sts_policy *sts_table_put(struct sts_table *table, struct sts_entry *entry,
                                 struct sts_policy *policy);
/* With more than STS_POLICIES_MAX policies: removes one and returns its domain, to be freed. */
char *sts_table_evict(struct sts_table *table);
/* By last use. */
void sts_table_sort(struct sts_table *table);

#endif
