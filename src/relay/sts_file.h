/*
 * A policy as it is kept: the object of sts.h, and its file. A file is whole and unharmed or it is
 * not read: it is written beside and renamed, and has a checksum.
 */
#ifndef NUNCIO_RELAY_STS_FILE_H
#define NUNCIO_RELAY_STS_FILE_H

#include "relay/sts.h"

struct sts_policy_facts {
    struct slice domain; /* lower case */
    struct slice id;     /* of the record under which it was fetched */
    uint64_t fetched_s;  /* wall time */
    uint64_t used_s;     /* mail was last sent there */
};

/* One reference, or NULL with *ret_wrong, for people. */
struct sts_policy *sts_policy_new(struct slice text, const char **ret_wrong);
uint64_t sts_policy_max_age_s(const struct sts_policy *policy);

/* Only names that are these can be files: labels of a host name. */
bool sts_domain_is_fine(struct slice domain);

/* Into the folder, under the domain's name; synced. -errno. */
int sts_file_write(int folder, const struct sts_policy_facts *facts,
                   const struct sts_policy *policy);
void sts_file_remove(int folder, struct slice domain);

/* Each good file of the folder, at most STS_POLICIES_MAX; the policy's reference is the callee's,
 * the facts are good during the call. What is damaged is logged and removed. */
typedef void sts_file_found(void *arg, const struct sts_policy_facts *facts,
                            struct sts_policy *policy);
int sts_file_read_all(int folder, sts_file_found *found, void *arg);

#endif
