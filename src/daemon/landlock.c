/*
 * Landlock by its raw calls; glibc has no names for them. The kernel's header on the build machine
 * may be older than the kernel that we run on, so the rights of later versions are spelled out
 * here, and only those that the running kernel knows are asked for.
 *
 * All rights of the version are "handled", that is: denied unless a path grants them. Executing is
 * granted nowhere. What Landlock does not see: descriptors that were open before or that came over
 * a channel (that is how relay reads a message), and stat(2).
 */
#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_VERSION_1  ((1ULL << 13) - 1)
#define FS_REFER      (1ULL << 13) /* version 2 */
#define FS_TRUNCATE   (1ULL << 14) /* version 3 */
#define FS_IOCTL_DEV  (1ULL << 15) /* version 5 */
#define NET_BIND_TCP  (1ULL << 0)  /* version 4 */
#define NET_CONNECT   (1ULL << 1)
#define SCOPE_UNIX    (1ULL << 0) /* version 6: abstract unix sockets of others */
#define SCOPE_SIGNAL  (1ULL << 1) /* and signals to them */
#define RULE_NET_PORT 2

struct ruleset {
    uint64_t handled_fs;
    uint64_t handled_net; /* from version 4 on */
    uint64_t scoped;      /* from version 6 on */
};

struct net_port_rule {
    uint64_t allowed;
    uint64_t port;
};

static size_t ruleset_size(int version)
{
    return version >= 6   ? sizeof(struct ruleset)
           : version >= 4 ? offsetof(struct ruleset, scoped)
                          : offsetof(struct ruleset, handled_net);
}

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 2 ? 0 : (int)version;
}

static uint64_t fs_rights(int version)
{
    return FS_VERSION_1 | FS_REFER | (version >= 3 ? FS_TRUNCATE : 0) |
           (version >= 5 ? FS_IOCTL_DEV : 0);
}

static uint64_t granted_rights(enum landlock_grant grant, uint64_t handled, bool is_folder)
{
    const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                           LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
                           LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                           FS_IOCTL_DEV;
    const uint64_t of_files =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;
    uint64_t rights = grant == GRANT_READ ? read : handled & ~never;

    return handled & (is_folder ? rights : rights & of_files);
}

static int grant_path(int ruleset, uint64_t handled, const struct landlock_path *path)
{
    struct landlock_path_beneath_attr rule = {0};
    struct stat st;
    int r = 0;

    rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    if (fstat(rule.parent_fd, &st) < 0)
        r = -errno;
    rule.allowed_access = granted_rights(path->grant, handled, S_ISDIR(st.st_mode));
    if (r == 0 && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        r = -errno;
    close(rule.parent_fd);
    return r;
}

static int grant_port(int ruleset, uint64_t right, uint16_t port)
{
    const struct net_port_rule rule = {.allowed = right, .port = port};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) < 0 ? -errno : 0;
}

static int grant_all(int ruleset, const struct ruleset *handled, const struct landlock_rules *rules)
{
    int r = 0;

    for (size_t i = 0; i < rules->n_paths && r == 0; i++)
        r = grant_path(ruleset, handled->handled_fs, &rules->paths[i]);
    /* Binding to port 0 is choosing the address to connect from. */
    if (r == 0 && rules->tcp_connect && handled->handled_net)
        r = grant_port(ruleset, NET_BIND_TCP, 0);
    for (size_t i = 0; i < rules->n_tcp_ports && r == 0 && handled->handled_net; i++)
        r = grant_port(ruleset, NET_CONNECT, rules->tcp_ports[i]);
    return r;
}

int landlock_enter(const struct landlock_rules *rules)
{
    int version = landlock_version();
    struct ruleset handled = {
        .handled_fs = fs_rights(version),
        .handled_net = version < 4 ? 0 : NET_BIND_TCP | (rules->tcp_connect ? 0 : NET_CONNECT),
        .scoped = version < 6 ? 0 : SCOPE_UNIX | SCOPE_SIGNAL,
    };
    int ruleset, r;

    if (version == 0)
        return -EOPNOTSUPP;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, ruleset_size(version), 0);
    if (ruleset < 0)
        return -errno;
    r = grant_all(ruleset, &handled, rules);
    if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        r = -errno;
    close(ruleset);
    return r;
}
