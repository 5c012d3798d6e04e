/*
 * Making, locking and checking the state folder. See state.h for the plan of it.
 *
 * Root walks here through folders of which some belong to roles: every folder is opened without
 * following a link in its last component. The worst that a queue that went bad can do, whose folder
 * holds two others, is to have a folder of its own given away.
 */
#include "daemon/state.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct folder {
    const char *name; /* under state; the first is state itself */
    enum role owner;
    bool spool_group;
    mode_t mode;
    bool admins_mode; /* set when made, then the administrator's: he may let a group read mail */
    bool readers;     /* `control { read_group }` may read it */
};

static const struct folder folders[] = {
    {"", ROLE_PARENT, false, 0755},
    {"run", ROLE_PARENT, false, 0755},
    {"spool", ROLE_QUEUE, true, 0750},
    {"spool/receive", ROLE_RECEIVE, true, 02770},
    {"spool/queue", ROLE_QUEUE, false, 0700},
    {"accounts", ROLE_AUTH, false, 0700},
    {"mail", ROLE_LOCAL, false, 0700, true},
    {"postmaster", ROLE_LOCAL, false, 0700},
    {"maildrop", ROLE_RECEIVE, false, 03733},
    {"tls", ROLE_PARENT, false, 0700},
    {"relay", ROLE_RELAY, false, 0700},
    {"keys", ROLE_KEYS, false, 0700},
    {"history", ROLE_HISTORY, false, 02750, .readers = true},
};

/* What each role must be able to read and write once it is in. */
static const struct {
    enum role role;
    const char *name;
} needs[] = {
    {ROLE_RECEIVE, "spool/receive"}, {ROLE_RECEIVE, "maildrop"},
    {ROLE_QUEUE, "spool/receive"},   {ROLE_QUEUE, "spool/queue"},
    {ROLE_AUTH, "accounts"},         {ROLE_LOCAL, "mail"},
    {ROLE_LOCAL, "postmaster"},      {ROLE_HISTORY, "history"},
    {ROLE_RELAY, "relay"},           {ROLE_KEYS, "keys"},
};

bool state_path(char *out, const char *state, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%s%s%s", state, *name ? "/" : "", name);
    return n > 0 && n < PATH_MAX;
}

/* The folders above, as mkdir -p does. */
static void make_parents(const char *path)
{
    char part[PATH_MAX];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        (void)mkdir(part, 0755); /* what failed is seen at the last one */
    }
}

static int own_folder(int fd, bool made, const struct folder *folder,
                      const struct identities *identities)
{
    const struct identity *owner = &identities->of[folder->owner];
    bool readers = folder->readers && identities->has_readers;
    gid_t gid = readers               ? identities->readers_gid
                : folder->spool_group ? identities->spool_gid
                                      : owner->gid;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (identities->separate && (st.st_uid != owner->uid || st.st_gid != gid) &&
        fchown(fd, owner->uid, gid) < 0)
        return -errno;
    if (!identities->separate && st.st_uid != owner->uid)
        return -EPERM;
    if (readers && !identities->separate && st.st_gid != gid && fchown(fd, owner->uid, gid) < 0)
        return -errno;
    if (!made && folder->admins_mode)
        return 0;
    /* After the owner, since changing it may clear the set-group-ID bit. */
    return fchmod(fd, folder->mode) < 0 ? -errno : 0;
}

/* A new folder must not be gone after a power cut: what is promised lies in it. */
static int sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = xslicedup(slice_from(path, slash == path ? 1 : (size_t)(slash - path)));
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    free(parent);
    return r;
}

static int prepare_folder(const char *path, const struct folder *folder,
                          const struct identities *identities)
{
    bool made = mkdir(path, 0700) == 0;
    int fd, r;

    if (!made && errno != EEXIST)
        return -errno;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = own_folder(fd, made, folder, identities);
    close(fd);
    return r < 0 || !made ? r : sync_parent(path);
}

int state_prepare(const char *state, const struct identities *identities,
                  struct problem_list *problems)
{
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[PATH_MAX];
        int r;
        if (!state_path(path, state, folders[i].name)) {
            problem_add(problems, SLICE_NULL, 0, "the path of the state folder is too long");
            return -EACCES;
        }
        if (i == 0)
            make_parents(path);
        r = prepare_folder(path, &folders[i], identities);
        if (r == -EPERM && !identities->separate)
            problem_add(problems, SLICE_NULL, 0,
                        "%s belongs to another user: start the server as that user (or as root), "
                        "or set another `state` folder in the configuration",
                        path);
        else if (r < 0)
            problem_add(problems, SLICE_NULL, 0, "%s: %s: the server keeps its state there", path,
                        strerror(-r));
        if (r < 0)
            return -EACCES;
    }
    return 0;
}

static void read_pid(int fd, char *out, size_t size)
{
    ssize_t n = pread(fd, out, size - 1, 0);

    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static int take_lock(int fd, unsigned wait_ms)
{
    uint64_t deadline = clock_mono_ms() + wait_ms;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (clock_mono_ms() >= deadline)
            return -EBUSY;
        nanosleep(&pause, NULL);
    }
    return 0;
}

int state_lock(const char *state, unsigned wait_ms, int *ret_fd, struct problem_list *problems)
{
    char path[PATH_MAX], pid[32];
    int fd = -1, r;

    if (state_path(path, state, "run/nuncio.lock"))
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    r = fd < 0 ? -errno : take_lock(fd, wait_ms);
    if (r == 0) {
        int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
            r = -EIO;
    }
    if (r == 0) {
        *ret_fd = fd;
        return 0;
    }
    if (r == -EBUSY) {
        read_pid(fd, pid, sizeof(pid));
        problem_add(problems, SLICE_NULL, 0,
                    "%s is in use by a running nuncio, process %s: stop it first (nuncio stop), or "
                    "set another `state` folder in the configuration",
                    state, *pid ? pid : "(unknown)");
    } else {
        problem_add(problems, SLICE_NULL, 0, "%s: %s", path, strerror(-r));
    }
    if (fd >= 0)
        close(fd);
    return r;
}

/* The shortest leading part of `path` that cannot be entered, to be named in the message. */
static void find_shut_part(const char *path, char *out)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(out, PATH_MAX, "%.*s", (int)(slash - path), path);
        if (access(out, X_OK) < 0)
            return;
    }
    snprintf(out, PATH_MAX, "%s", path);
}

int state_check_reach(const char *state, enum role role, struct problem_list *problems)
{
    int r = 0;

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        char path[PATH_MAX], shut[PATH_MAX];
        if (needs[i].role != role || !state_path(path, state, needs[i].name) ||
            access(path, R_OK | W_OK | X_OK) == 0)
            continue;
        r = -EACCES;
        find_shut_part(path, shut);
        problem_add(problems, SLICE_NULL, 0,
                    "%s cannot be used by the user of the %s role (uid %ld): %s is shut to it; "
                    "open it (chmod o+x for a folder on the way), or set another `state` folder",
                    path, role_name(role), (long)geteuid(), shut);
    }
    return r;
}
