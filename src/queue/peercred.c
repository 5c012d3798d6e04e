/* See peercred.h. */
#include "queue/peercred.h"

#include "base/buf.h"
#include "base/log.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS_MAX = 1024 };

static bool find_group(struct slice name, gid_t *ret_gid)
{
    struct group group, *found = NULL;
    char *wanted, text[4096];

    if (!name.len)
        return false;
    wanted = xslicedup(name);
    if (getgrnam_r(wanted, &group, text, sizeof(text), &found) != 0)
        found = NULL;
    free(wanted);
    if (!found) {
        log_warn(NULL, "no-such-group", LOG_SLICE("group", name), LOG_STR("for", "control"));
        return false;
    }
    *ret_gid = found->gr_gid;
    return true;
}

void peercred_find_groups(const struct config *config, struct peer_groups *ret_groups)
{
    *ret_groups = (struct peer_groups){0};
    ret_groups->has_read = find_group(config->control_read_group, &ret_groups->read);
    ret_groups->has_admin = find_group(config->control_admin_group, &ret_groups->admin);
}

static bool is_member(int fd, gid_t own, gid_t wanted)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof(groups);

    if (own == wanted)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
        if (groups[i] == wanted)
            return true;
    }
    return false;
}

enum peer_level peercred_level(int fd, const struct peer_groups *groups, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return LEVEL_NONE;
    *ret_uid = peer.uid;
    if (peer.uid == 0 || peer.uid == geteuid())
        return LEVEL_ADMIN;
    if (groups->has_admin && is_member(fd, peer.gid, groups->admin))
        return LEVEL_ADMIN;
    return groups->has_read && is_member(fd, peer.gid, groups->read) ? LEVEL_READ : LEVEL_NONE;
}
