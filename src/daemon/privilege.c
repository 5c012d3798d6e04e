/*
 * Users and the way down from root.
 *
 * Each role has a user of its own, so that what one may touch is shut to the others by plain file
 * modes, before any sandbox. receive and queue share the group nuncio-spool: queue reads and frees
 * the segments that receive has written. Everything here runs in the parent or in a freshly forked
 * role that has one thread and has read nothing from anybody.
 *
 * The order of the steps down matters: groups before uid (only root may set them), the death signal
 * after it (the kernel forgets it when the uid changes), non-dumpable after it for the same reason.
 */
#include "daemon/privilege.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPOOL_GROUP "nuncio-spool"

enum { ARENAS_MAX = 4, DESCRIPTORS_WANTED = 262144 };

static bool has_user(enum role role)
{
    return role != ROLE_PARENT && role != ROLE_PROGRAM;
}

static bool in_spool_group(enum role role)
{
    return role == ROLE_RECEIVE || role == ROLE_QUEUE;
}

static void find_user(enum role role, struct identity *identity, struct problem_list *problems)
{
    char name[64];
    const struct passwd *user;

    snprintf(name, sizeof(name), "nuncio-%s", role_name(role));
    user = getpwnam(name);
    if (!user) {
        problem_add(problems, SLICE_NULL, 0, "there is no user '%s'", name);
        return;
    }
    if (user->pw_uid == 0)
        problem_add(problems, SLICE_NULL, 0, "the user '%s' must not have uid 0", name);
    identity->uid = user->pw_uid;
    identity->gid = user->pw_gid;
    identity->in_spool_group = in_spool_group(role);
}

static int find_separate(struct identities *identities, struct problem_list *problems)
{
    unsigned before = problems->count;
    const struct group *group = getgrnam(SPOOL_GROUP);

    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (has_user(role))
            find_user(role, &identities->of[role], problems);
    }
    if (group)
        identities->spool_gid = group->gr_gid;
    else
        problem_add(problems, SLICE_NULL, 0, "there is no group '%s'", SPOOL_GROUP);
    if (problems->count == before)
        return 0;
    problem_add(problems, SLICE_NULL, 0,
                "started by root, each part of the server runs as a user of its own; make these "
                "users with: systemd-sysusers nuncio.conf (the file is in the package and in "
                "packaging/sysusers.conf of the source), or start the server as an ordinary user");
    return -ENOENT;
}

int identities_find(bool separate, struct identities *ret_identities, struct problem_list *problems)
{
    struct identities identities = {.separate = separate, .spool_gid = getegid()};
    int r = 0;

    for (enum role role = 0; role < ROLE_COUNT; role++)
        identities.of[role] = (struct identity){.uid = geteuid(), .gid = getegid()};
    if (separate)
        r = find_separate(&identities, problems);
    if (r == 0)
        *ret_identities = identities;
    return r;
}

void identities_find_readers(struct slice name, struct identities *identities)
{
    char *text = xslicedup(name);
    const struct group *group = name.len ? getgrnam(text) : NULL;

    free(text);
    identities->has_readers = group != NULL;
    if (group)
        identities->readers_gid = group->gr_gid;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int change_user(const struct identities *identities, const struct identity *identity)
{
    const gid_t groups[] = {identities->spool_gid};

    if (setgroups(identity->in_spool_group ? 1 : 0, groups) < 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return -errno;
    /* A kernel that let us come back would make all of this vain. */
    return setuid(0) == 0 ? -EPERM : 0;
}

int privilege_drop(const struct identities *identities, enum role role)
{
    int r = 0;

    /* What receive writes, queue must read and free: group rights follow the folder's group. And
     * those who may ask the control socket may read the history. */
    umask(in_spool_group(role) ? 0007 : role == ROLE_HISTORY ? 0027 : 0077);
    if (role == ROLE_PROGRAM)
        return 0;
    if (identities->separate)
        r = change_user(identities, &identities->of[role]);
    if (r == 0)
        r = drop_capabilities();
    if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = -errno;
    /* LeakSanitizer attaches to its own process, which a non-dumpable one refuses. */
    if (r == 0 && prctl(PR_SET_DUMPABLE, privilege_under_sanitizer() ? 1 : 0, 0, 0, 0) < 0)
        r = -errno;
    return r;
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    if (limit.rlim_max < DESCRIPTORS_WANTED) {
        const struct rlimit more = {DESCRIPTORS_WANTED, DESCRIPTORS_WANTED};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        log_warn(NULL, "descriptors-limited", LOG_ERRNO(errno));
}

void privilege_limits(void)
{
    const struct rlimit none = {0, 0};

    raise_descriptors();
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        log_warn(NULL, "core-dumps-on", LOG_ERRNO(errno));
    mallopt(M_ARENA_MAX, ARENAS_MAX);
}

int privilege_die_with_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    return getppid() == parent ? 0 : -ESRCH;
}

static int compare_fds(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return left < right ? -1 : left > right;
}

void privilege_close_others(int *keep, unsigned n_keep)
{
    unsigned from = STDERR_FILENO + 1;

    qsort(keep, n_keep, sizeof(*keep), compare_fds);
    for (unsigned i = 0; i < n_keep; i++) {
        if (keep[i] < (int)from)
            continue;
        if ((unsigned)keep[i] > from)
            close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    close_range(from, ~0U, 0);
}

bool privilege_under_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return false;
}
