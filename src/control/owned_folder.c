/* Becoming the owner of a folder. See owned_folder.h. */
#include "control/owned_folder.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int complain_path(const char *path, const char *what, int code)
{
    fprintf(stderr, "nuncio: %s: %s\n", path, what);
    return code;
}

static int make_folder(const char *state, const char *folder, const char *name)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(name) : NULL;

    if (mkdir(state, 0755) < 0 && errno != EEXIST)
        return complain_path(state, log_strerror(errno), EX_CANTCREAT);
    if (mkdir(folder, 0700) < 0)
        return complain_path(folder, log_strerror(errno), EX_CANTCREAT);
    if (user && chown(folder, user->pw_uid, user->pw_gid) < 0)
        return complain_path(folder, log_strerror(errno), EX_CANTCREAT);
    return EX_OK;
}

/* Becomes that user and group, for good. */
static int become_owner(const char *folder, const struct stat *owner)
{
    const struct passwd *user;

    if (owner->st_uid == geteuid())
        return EX_OK;
    if (geteuid() != 0) {
        user = getpwuid(owner->st_uid);
        fprintf(stderr, "nuncio: %s belongs to %s: call this command as root or as that user\n",
                folder, user ? user->pw_name : "another user");
        return EX_NOPERM;
    }
    if (setgroups(0, NULL) < 0 || setgid(owner->st_gid) < 0 || setuid(owner->st_uid) < 0)
        return complain_path(folder, log_strerror(errno), EX_OSERR);
    return EX_OK;
}

int owned_folder_enter(const char *state, const char *path, const char *user)
{
    struct stat owner;
    int code = EX_OK;

    if (stat(path, &owner) < 0) {
        if (errno != ENOENT)
            return complain_path(path, log_strerror(errno), EX_NOINPUT);
        code = make_folder(state, path, user);
        if (code == EX_OK && stat(path, &owner) < 0)
            code = complain_path(path, log_strerror(errno), EX_NOINPUT);
    }
    return code == EX_OK ? become_owner(path, &owner) : code;
}
