/* Who is at the other end of a Unix socket, and what it may do here. */
#ifndef NUNCIO_QUEUE_PEERCRED_H
#define NUNCIO_QUEUE_PEERCRED_H

#include "config/config.h"

#include <sys/types.h>

enum peer_level { LEVEL_NONE, LEVEL_READ, LEVEL_ADMIN };

/* The groups of the configuration by number. Looked up once, before the role locks itself in: the
 * system's table of groups cannot be read afterwards. */
struct peer_groups {
    bool has_read, has_admin;
    gid_t read, admin;
};
/* A group that does not exist admits nobody, and is told to the log. */
void peercred_find_groups(const struct config *config, struct peer_groups *ret_groups);

/* By SO_PEERCRED, and SO_PEERGROUPS for the groups. Unless it is LEVEL_NONE, *ret_uid is who it is.
 */
enum peer_level peercred_level(int fd, const struct peer_groups *groups, uid_t *ret_uid);

#endif
