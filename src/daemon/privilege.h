/*
 * Under which user each role runs, and the steps down from root. DESIGN section 3.
 */
#ifndef NUNCIO_DAEMON_PRIVILEGE_H
#define NUNCIO_DAEMON_PRIVILEGE_H

#include "base/problem.h"
#include "io/message.h"

#include <sys/types.h>

struct identity {
    uid_t uid;
    gid_t gid;
    bool in_spool_group; /* the one supplementary group, identities.spool_gid */
};

struct identities {
    bool separate; /* false: all roles run as the caller */
    gid_t spool_gid;
    bool has_readers; /* `control { read_group }`: reads the history */
    gid_t readers_gid;
    struct identity of[ROLE_COUNT];
};

/*
 * The users nuncio-receive, nuncio-auth, ... and the group nuncio-spool when `separate`, else the
 * caller for all. What is missing goes to the list, with the command that makes it; then -ENOENT.
 */
int identities_find(bool separate, struct identities *ret_identities,
                    struct problem_list *problems);

/* Puts the group's number into *identities. None when the name is empty, or there is no such group
 * (queue, which lets its members ask, warns of that). */
void identities_find_readers(struct slice group, struct identities *identities);

/*
 * Becomes that role's user for good: groups, uid, no capabilities, no_new_privs, not dumpable,
 * umask. The program helper keeps its user and may start setuid programs, since it must become the
 * configured user of each program. 0 or -errno; on failure the process must end.
 */
int privilege_drop(const struct identities *identities, enum role role);

/* For the whole server, before the first role: room for descriptors, no core dumps, few malloc
 * arenas. What cannot be had is only logged. */
void privilege_limits(void);

/* The process dies with its parent, whose pid this is. -ESRCH: it is dead already. */
int privilege_die_with_parent(pid_t parent);

/* Closes all descriptors above 2 but these. `keep` is sorted in place. */
void privilege_close_others(int *keep, unsigned n_keep);

/* True in builds under a sanitizer, which needs calls and files that the sandbox forbids. */
bool privilege_under_sanitizer(void);

#endif
